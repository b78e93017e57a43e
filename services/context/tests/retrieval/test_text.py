"""Texts as terms."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adwright_context.retrieval.text import Analyzer, normalized


def forms(brief: str, *languages: str) -> dict[str, tuple[str, ...]]:
    return {word.said: word.forms for word in Analyzer().words(brief, languages)}


@pytest.mark.parametrize(
    ("language", "one", "other"),
    [
        ("en", "two tents", "two tent"),
        ("de-AT", "Kochtöpfe", "kochtopf"),
        ("de", "Größe", "grösse"),
        ("sv", "kastruller", "kastrull"),
        ("fr", "crèmes", "creme"),
        ("qq", "Tents", "tents"),
    ],
)
def test_words_of_one_stem_are_one_term(language: str, one: str, other: str) -> None:
    assert Analyzer().terms(one, language) == Analyzer().terms(other, language)


def test_numbers_stay_as_they_are_and_part_from_letters() -> None:
    assert Analyzer().terms("XR-200 and 2.5L", "en") == ["xr", "200", "and", "2.5", "l"]
    assert Analyzer().terms("200", "en") != Analyzer().terms("201", "en")


def test_scripts_without_spaces_become_pairs_and_single_characters() -> None:
    assert set(Analyzer().terms("登山靴", "ja")) == {"登", "山", "靴", "登山", "山靴"}
    assert list(forms("登山靴の広告", "ja"))[:2] == ["登山", "山靴"]
    assert list(forms("靴", "ja")) == ["靴"]
    assert set(forms("เต็นท์", "th")) <= set(Analyzer().terms("เต็นท์เบา", "th"))


def test_marks_of_other_scripts_make_other_letters() -> None:
    assert Analyzer().terms("が", "ja") != Analyzer().terms("か", "ja")
    assert Analyzer().terms("텐트", "ko") == ["텐트"]
    assert Analyzer().terms("तंबू", "qq") == ["तंबू"]


def test_a_brief_s_words_have_the_forms_of_all_its_languages_once() -> None:
    found = forms("Die Zelte, die Zelte", "de", "en")
    assert list(found) == ["die", "zelte"]
    assert found["zelte"][0] == "zelt"


def test_the_language_that_a_brief_is_in_tells_its_stop_words() -> None:
    german = {word.said: word.stop for word in Analyzer().words("ein Zelt für die Familie", ["en", "de"])}
    assert german["für"]
    assert not german["zelt"]
    english = {word.said: word.stop for word in Analyzer().words("a dock for boats and for the beach", ["sv", "en"])}
    assert not english["dock"], "it is Swedish for `though`"


@given(st.text(max_size=60))
def test_a_text_s_words_are_found_by_a_brief_of_the_same_text(text: str) -> None:
    analyzer = Analyzer()
    terms = set(analyzer.terms(text, "en"))
    assert all(set(word.forms) & terms for word in analyzer.words(text, ["en"]))


@given(st.text(max_size=60))
def test_normalizing_again_changes_nothing(text: str) -> None:
    assert normalized(normalized(text)) == normalized(text)
