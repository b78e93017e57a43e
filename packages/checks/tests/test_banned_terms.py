"""Words that the brand does not want to see, and competitors."""

import pytest
from checks_examples import ad

from adwright_checks import BrandRules, Outcome
from adwright_checks.checks import BannedTerms

check = BannedTerms()


def outcome(text: str, *terms: str) -> Outcome:
    return check(ad(text, brand=BrandRules("Nordlys", banned_terms=terms)))[0].outcome


@pytest.mark.parametrize(
    "text",
    [
        "A cheap tent",
        "CHEAP!",
        "Cheap-ish",
        "ｃｈｅａｐ tents",
        "ch\u200beap",
        "che\u00adap",
        "cheap's",
        "安いcheapテント",
    ],
)
def test_a_banned_word_is_found_whatever_its_dress(text: str) -> None:
    assert outcome(text, "cheap") is Outcome.FAILED


@pytest.mark.parametrize("text", ["cheaper", "Cheapside", "ch eap", "Schnäppcheap"])
def test_only_whole_words_count(text: str) -> None:
    assert outcome(text, "cheap") is Outcome.PASSED


@pytest.mark.parametrize("text", ["the best ever", "best  ever", "Best\u00a0Ever", "best\never"])
def test_a_phrase_is_found_across_any_space(text: str) -> None:
    assert outcome(text, "best ever") is Outcome.FAILED


def test_scripts_without_spaces_have_no_word_edges() -> None:
    assert outcome("世界最安のテント", "最安") is Outcome.FAILED
    assert outcome("ราคาถูกที่สุด", "ถูกที่สุด") is Outcome.FAILED


def test_casefolding_is_of_unicode() -> None:
    assert outcome("GROSSE STRASSE", "große straße") is Outcome.FAILED
    assert outcome("ΦΘΗΝΌΣ", "φθηνός") is Outcome.FAILED


def test_terms_with_punctuation_are_taken_literally() -> None:
    assert outcome("We are no. 1!", "No. 1") is Outcome.FAILED
    assert outcome("We are no 11", "No. 1") is Outcome.PASSED
    assert outcome("Pure C++ power", "c++") is Outcome.FAILED


def test_a_competitor_is_called_one_in_the_message() -> None:
    brand = BrandRules("Nordlys", banned_terms=("cheap",), competitors=("Fjordform AS",))
    (finding,) = check(ad("Cheap, unlike Fjordform AS", brand=brand))
    assert finding.message == "text contains the banned “cheap”; names the competitor “fjordform as”."
    assert finding.required


def test_each_offending_text_has_a_finding() -> None:
    brand = BrandRules("Nordlys", banned_terms=("cheap",))
    findings = check(ad("Cheap", "Fine", "cheap", format="google-rsa", brand=brand))
    assert [finding.path for finding in findings] == ["headlines[0]", "headlines[2]"]


@pytest.mark.parametrize("brand", [None, BrandRules("Nordlys"), BrandRules("Nordlys", banned_terms=(" ",))])
def test_without_terms_there_is_nothing_to_check(brand: BrandRules | None) -> None:
    assert check(ad("Anything", brand=brand))[0].outcome is Outcome.NOT_APPLICABLE
