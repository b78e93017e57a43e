"""How hard the words and sentences are."""

import pytest

from adwright_checks import AdText, Finding, Outcome, Subject, load_formats
from adwright_evaluator.scorers import Readability
from adwright_evaluator.scorers.readability import lix

PLAIN = load_formats()["plain"]
scorer = Readability()


def score(text: str, language: str = "en") -> Finding:
    (finding,) = scorer(Subject((AdText("text", text),), PLAIN, language))
    return finding


def test_lix_is_words_a_sentence_plus_the_share_of_long_words() -> None:
    # 8 words in 2 sentences, 2 of them (jackets, weather) of more than six letters: 8 / 2 + 100 * 2 / 8.
    assert lix(["Tents like jackets. They keep weather out today."]) == pytest.approx(4 + 25)


def test_each_text_begins_a_sentence_even_without_a_full_stop() -> None:
    assert lix(["One two three", "four five six"]) == lix(["One two three. four five six."]) == 3


def test_a_text_without_words_has_no_lix() -> None:
    assert lix(["!!", "1.9"]) == 0


def test_short_words_in_short_sentences_score_best() -> None:
    finding = score("Light on your back. Up in five. Dry all night. Come home with more tales.")
    assert (finding.outcome, finding.score, finding.required) == (Outcome.PASSED, 1.0, False)
    assert "very easy" in finding.message


def test_long_words_in_long_sentences_fail_with_advice() -> None:
    finding = score(
        "Leveraging proprietary lightweight engineering methodologies, our revolutionary accommodation solutions "
        "facilitate unparalleled recreational experiences throughout Scandinavian wilderness environments."
    )
    assert (finding.outcome, finding.score) == (Outcome.FAILED, 0.0)
    assert "use shorter words" in finding.message


@pytest.mark.parametrize(("text", "language"), [("Too few words to tell", "en"), ("", "en")])
def test_a_few_words_tell_nothing(text: str, language: str) -> None:
    assert score(text, language).outcome is Outcome.NOT_APPLICABLE


@pytest.mark.parametrize("language", ["ja", "fi", "th", ""])
def test_languages_that_lix_does_not_fit_are_not_applicable(language: str) -> None:
    assert score("one two three four five six seven eight nine ten", language).outcome is Outcome.NOT_APPLICABLE
