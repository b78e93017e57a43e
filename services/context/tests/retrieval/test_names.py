"""Names that a brief says."""

from hypothesis import given
from hypothesis import strategies as st

from adwright_context.retrieval.names import Names


def names(**known: str) -> tuple[Names, dict[int, str]]:
    index, keys = Names(), {}
    for number, (key, name) in enumerate(known.items()):
        index.add(number, [name])
        keys[number] = key
    return index, keys


def said(text: str, **known: str) -> set[str]:
    index, keys = names(**known)
    return {keys[number] for number in index.said(text)}


def test_a_name_is_said_as_a_whole_and_the_longer_hides_the_shorter() -> None:
    known = {"city": "Bruma", "electric": "Bruma E", "fold": "Lince", "nest": "Nest", "plus": "Nest+"}
    assert said("the bruma  e, and a nesting pot", **known) == {"electric"}
    assert said("Bruma or BRUMA E", **known) == {"city", "electric"}
    assert said("Bruma, e.g. in red", **known) == {"city"}
    assert said("Linceは", **known) == {"fold"}
    assert said("our Nest+!", **known) == {"plus"}
    assert said("our Nest!", **known) == {"nest"}


def test_a_name_in_a_script_without_spaces_is_found_inside_a_sentence() -> None:
    assert said("新しい山猫靴の広告", boots="山猫靴", cat="山猫") == {"boots"}


def test_products_of_one_name_are_all_said() -> None:
    assert said("Aurora Trail 2", old="aurora trail 2", new="Aurora Trail 2", other="Aurora Trail 3") == {"old", "new"}


def test_a_removed_name_is_no_longer_said() -> None:
    index, _ = names(one="Nest", two="Nest", three="Nest 3")
    index.remove(0, ["Nest"])
    assert set(index.said("Nest")) == {1}
    index.remove(1, ["Nest"])
    index.remove(2, ["Nest 3"])
    assert index.said("Nest 3, Nest") == {}


def test_names_without_letters_are_never_said() -> None:
    assert said("!!! --- ", bang="!!!", empty="") == set()


@given(st.text(min_size=1, max_size=12))
def test_whatever_a_name_is_looking_for_it_does_no_harm(name: str) -> None:
    index = Names()
    index.add(0, [name])
    index.said(f"buy {name} now")
    index.remove(0, [name])
    assert index.said(f"buy {name} now") == {}
