"""Numbers about answers, nearness to references, and the comparison of outputs."""

import math

import pytest
from grading import grading, said

from adwright_evaluator.assertions import SET_SCORERS
from adwright_evaluator.model import Answer, Outcome, Verdict
from adwright_servicekit.errors import InvalidInput


def test_time_and_cost_are_held_against_the_threshold() -> None:
    answer = Answer("a", latency_ms=120.0, cost_usd=0.002)
    assert said("latency", "a", threshold=120, answer=answer).passed
    assert said("latency", "a", threshold=100, answer=answer).reason == "The answer took 120 ms, more than 100."
    assert not said("cost", "a", threshold=0.001, answer=answer).passed


def test_what_the_provider_does_not_say_counts_neither_for_nor_against() -> None:
    for kind in ("latency", "cost", "perplexity", "perplexity-score"):
        assert said(kind, "a", threshold=1).outcome is Outcome.NOT_APPLICABLE


def test_a_cached_answer_has_no_latency() -> None:
    with pytest.raises(InvalidInput, match="--no-cache"):
        said("latency", "a", threshold=1, answer=Answer("a", latency_ms=0.1, cached=True))


def test_perplexity_is_of_the_mean_probability() -> None:
    answer = Answer("a", logprobs=(math.log(0.5), math.log(0.125)))
    assert said("perplexity", "a", threshold=4.1, answer=answer).passed
    assert not said("perplexity", "a", threshold=3.9, answer=answer).passed
    assert said("perplexity-score", "a", answer=answer).score == pytest.approx(1 / 5)
    assert not said("perplexity", "a", threshold=9, answer=Answer("a", logprobs=(-1e6,))).passed
    with pytest.raises(InvalidInput, match="`threshold` is needed"):
        said("not-perplexity", "a", answer=answer)


def test_reasons_to_finish_are_compared_without_regard_to_case() -> None:
    assert said("finish-reason", "a", "stop", answer=Answer("a", finish_reason="STOP")).passed
    assert not said("finish-reason", "a", "stop", answer=Answer("a", finish_reason="length")).passed


def test_guardrails_are_what_the_provider_says_of_them() -> None:
    assert said("guardrails", "a").passed
    assert not said("guardrails", "a", answer=Answer("a", metadata={"guardrails": {"flagged": True}})).passed


def test_a_refusal_is_known_by_its_words_or_by_the_provider() -> None:
    assert said("is-refusal", "As an AI, I have no feet.").passed
    assert said("is-refusal", "").passed
    assert said("is-refusal", "Boots!", answer=Answer("Boots!", refused=True)).passed
    assert not said("is-refusal", "Boots that will not let you down").passed


def test_meteor_follows_its_formula() -> None:
    # Four of five words match, in one run but for "cold": P 4/5, R 4/4, 2 chunks of 4 matches.
    score = said("meteor", "warm and dry cold boots", "warm and dry boots").score
    mean = (0.8 * 1.0) / (0.9 * 0.8 + 0.1 * 1.0)
    assert score == pytest.approx(mean * (1 - 0.5 * (2 / 4) ** 3))
    assert said("meteor", "boot", "boots").score == said("meteor", "boots", "boots").score
    assert said("meteor", "", "boots").score == 0.0


def test_chrf_and_ter_are_one_for_the_same_text() -> None:
    assert said("chrf", "warm boots", ["cold", "warm boots"]).score == pytest.approx(1.0)
    assert said("ter", "warm boots", "warm boots").score == pytest.approx(1.0)
    one_of_four = said("ter", "warm dry light shoes", "warm dry light boots", threshold=0.25)
    assert one_of_four.passed
    assert one_of_four.score == pytest.approx(0.75)
    assert not said("ter", "warm dry light shoes", "warm dry light boots", threshold=0.2).passed


def _scored(*scores: float | None, **more: object) -> list[Verdict]:
    answers = [Answer("a", metadata={} if score is None else {"score": score}) for score in scores]
    found = SET_SCORERS["max-score"]([grading("max-score", "a", answer=answer, **more) for answer in answers])
    assert isinstance(found, list)
    return found


def test_the_first_of_the_best_outputs_passes() -> None:
    assert [verdict.passed for verdict in _scored(0.2, 0.9, 0.9)] == [False, True, False]
    assert [verdict.score for verdict in _scored(0.2, 0.9, 0.9)] == [0.0, 1.0, 0.0]


def test_none_passes_below_the_threshold() -> None:
    verdicts = _scored(0.2, 0.6, value={"threshold": 0.7})
    assert not any(verdict.passed for verdict in verdicts)
    assert "below the threshold" in verdicts[1].reason


@pytest.mark.parametrize(
    ("scores", "value", "problem"),
    [
        ((0.5,), None, "there must be two"),
        ((0.5, None), None, "add an assertion"),
        ((0.5, 0.6), {"method": "sum"}, "not supported"),
    ],
)
def test_what_cannot_be_compared_says_why(scores: tuple[float | None, ...], value: object, problem: str) -> None:
    with pytest.raises(InvalidInput, match=problem):
        _scored(*scores, value=value)
