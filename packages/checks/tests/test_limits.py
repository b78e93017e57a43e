"""Counts and lengths, as the format sets them."""

import pytest
from checks_examples import FORMATS, ad, rsa

from adwright_checks import AdText, Outcome, Subject
from adwright_checks.checks import Limits

check = Limits()
HEADLINES = ["Light as a jacket", "Calm nights outside", "Up in minutes"]
DESCRIPTIONS = ["A tent that stays out of your way.", "Find your place under the sky."]


def test_an_ad_within_all_limits_passes_with_one_finding() -> None:
    (finding,) = check(rsa(HEADLINES, DESCRIPTIONS))
    assert (finding.outcome, finding.path, finding.score) == (Outcome.PASSED, "", 1.0)


def test_a_text_that_is_too_long_fails_with_its_length_and_the_limit() -> None:
    (finding,) = check(rsa([*HEADLINES[:2], "x" * 31], DESCRIPTIONS))
    assert (finding.path, finding.required) == ("headlines[2]", True)
    assert finding.message == "headlines[2] has 31 characters, 1 over the limit of 30."


def test_wide_characters_count_as_two_where_the_platform_says_so() -> None:
    assert check(rsa(["軽" * 15, *HEADLINES[1:]], DESCRIPTIONS))[0].outcome is Outcome.PASSED
    assert check(rsa(["軽" * 16, *HEADLINES[1:]], DESCRIPTIONS))[0].path == "headlines[0]"


@pytest.mark.parametrize("text", ["", "   ", "\n"])
def test_an_empty_text_fails(text: str) -> None:
    assert check(ad(text))[0].message == "text is empty."


def test_each_missing_text_is_named_by_the_path_it_would_have() -> None:
    paths = [finding.path for finding in check(rsa(HEADLINES[:1], []))]
    assert paths == ["headlines[1]", "headlines[2]", "descriptions[0]", "descriptions[1]"]


def test_texts_beyond_the_highest_count_fail() -> None:
    findings = check(rsa(HEADLINES, [f"Reason number {word}" for word in "abcdef"]))
    assert [finding.path for finding in findings] == ["descriptions[4]", "descriptions[5]"]


@pytest.mark.parametrize("path", ["title", "headlines", "headlines[x]", "text[0]"])
def test_a_path_the_format_does_not_have_fails(path: str) -> None:
    subject = Subject((AdText(path, "Hello"),), FORMATS["google-rsa"])
    assert f"formats/google-rsa has no {path}" in check(subject)[0].message


def test_a_path_that_is_there_twice_fails() -> None:
    subject = Subject((AdText("text", "Hello"), AdText("text", "Again")), FORMATS["plain"])
    assert check(subject)[0].message == "text is there twice."
