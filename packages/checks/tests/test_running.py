"""Running checks, and reading what they found."""

import logging

import pytest
from checks_examples import ad, rsa

from adwright_checks import Finding, Outcome, Subject, default_checks, failing_paths, is_valid, run_checks


class Broken:
    name = "broken"
    description = "Always breaks."

    def __init__(self, required: bool = True) -> None:
        self.required = required

    def __call__(self, subject: Subject) -> list[Finding]:
        raise RuntimeError(f"cannot read {subject.fields[0].text}")


def test_every_check_says_something_in_the_order_given() -> None:
    names = [finding.check for finding in run_checks(default_checks(), ad("Nordlys tents from 249 €"))]
    assert names == ["limits", "banned_terms", "duplicates", "facts", "brand_named"]


def test_a_good_ad_is_valid() -> None:
    subject = rsa(
        ["Aurora Trail 2: just 1.9 kg", "Calm nights outside", "From €249"],
        ["A two-person tent for 3 seasons.", "Find your place under the sky."],
    )
    findings = run_checks(default_checks(), subject)
    assert is_valid(findings)
    assert failing_paths(findings) == []


def test_the_texts_to_write_again_are_named_once_in_order() -> None:
    subject = rsa(["Cheap at €199 " + "x" * 30, "Calm nights", "calm nights"], ["A tent.", "For 9 people."])
    findings = run_checks(default_checks(), subject)
    assert not is_valid(findings)
    assert failing_paths(findings) == ["headlines[0]", "headlines[2]", "descriptions[1]"]


def test_a_check_that_breaks_is_one_error_and_the_others_still_run() -> None:
    first, *rest = run_checks((Broken(), *default_checks()), ad("Nordlys"))
    assert (first.outcome, first.score, first.path) == (Outcome.ERROR, None, "")
    assert len(rest) == 5


def test_a_broken_check_is_logged_without_the_ads_text(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        (finding,) = run_checks([Broken()], ad("a secret launch"))
    assert "check broken broke on formats/plain: RuntimeError" in caplog.text
    assert "secret" not in caplog.text + finding.message


def test_an_error_of_a_required_check_makes_an_ad_invalid_and_of_another_not() -> None:
    assert not is_valid(run_checks([Broken()], ad("Nordlys")))
    assert is_valid(run_checks([Broken(required=False)], ad("Nordlys")))
