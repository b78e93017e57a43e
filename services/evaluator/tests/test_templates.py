"""Templates of suites: those of names alone say exactly what Jinja says of them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adwright_evaluator.suites.templates import render
from adwright_servicekit.errors import InvalidInput

NAMES = st.sampled_from(["a", "b", "long_name", "range"])
VALUES = st.one_of(
    st.text(max_size=8),
    st.integers(),
    st.booleans(),
    st.none(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.lists(st.text(max_size=3), max_size=3),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)
TEXTS = st.text(st.characters(exclude_characters="{}%#\r", exclude_categories=["Cs"]), max_size=12)


@settings(deadline=None)
@given(
    st.lists(st.one_of(TEXTS, NAMES.map(lambda name: f"{{{{ {name} }}}}"), NAMES.map(lambda name: f"{{{{{name}}}}}"))),
    st.fixed_dictionaries({"a": VALUES, "b": VALUES, "long_name": VALUES, "range": VALUES}),
)
def test_the_short_way_and_jinjas_agree(parts: list[str], values: dict[str, object]) -> None:
    template = "".join(parts)
    # A statement that does nothing takes the long way.
    assert render(template, values) == render(template + "{% if false %}{% endif %}", values)  # type: ignore[arg-type]


def test_a_name_that_nobody_defines_is_named_with_the_nearest_one() -> None:
    with pytest.raises(InvalidInput, match="there is no variable 'wrod': did you mean word") as error:
        render("Say {{ wrod }}", {"word": "x"})
    assert error.value.reason == "VARIABLE_MISSING"


def test_what_is_filled_in_is_bounded() -> None:
    with pytest.raises(InvalidInput, match="more than 1000000 characters"):
        render("{{ a }}{{ a }}", {"a": "x" * 600_000})
