"""The same text twice in one list."""

from checks_examples import ad, rsa

from adwright_checks import Outcome
from adwright_checks.checks import Duplicates

check = Duplicates()


def test_the_same_text_twice_in_a_list_fails_the_later_one() -> None:
    (finding,) = check(ad("Light tents", "Calm nights", "light  TENTS!", format="google-rsa"))
    assert (finding.outcome, finding.path) == (Outcome.FAILED, "headlines[2]")
    assert finding.message == "headlines[2] says the same as headlines[0]: write another one."


def test_the_same_text_in_two_fields_is_fine() -> None:
    (finding,) = check(rsa(["Light tents", "Calm nights"], ["Light tents", "Find your place."]))
    assert finding.outcome is Outcome.PASSED


def test_texts_that_are_nearly_the_same_pass_with_a_lower_score() -> None:
    (finding,) = check(ad("Light tents for hikers", "Light tents for bikers", format="google-rsa"))
    assert finding.outcome is Outcome.PASSED
    assert finding.score is not None
    assert 0 <= finding.score < 0.5
    assert "headlines[0] and headlines[1] are nearly the same" in finding.message


def test_different_texts_have_the_full_score() -> None:
    assert check(ad("Light tents", "Calm nights", format="google-rsa"))[0].score == 1.0


def test_texts_of_punctuation_alone_are_compared_as_they_stand() -> None:
    assert check(ad("!!", "??", format="google-rsa"))[0].outcome is Outcome.PASSED


def test_a_format_without_lists_has_nothing_to_compare() -> None:
    assert check(ad("Light tents"))[0].outcome is Outcome.NOT_APPLICABLE
