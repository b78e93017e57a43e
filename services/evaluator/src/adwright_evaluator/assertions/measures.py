"""What an answer took and how it ended: latency, cost, words, finish reason, guardrails, perplexity."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

from adwright_evaluator.model import Grading, Scorer, Verdict

from .common import holds, number_value, wrong

__all__ = ["SCORERS"]


def _latency(grading: Grading) -> Verdict:
    most, latency = _threshold(grading), grading.answer.latency_ms
    if grading.answer.cached:
        raise wrong(grading, "a cached answer has no latency: run with --no-cache")
    if latency is None:
        return Verdict.not_applicable("The provider says no latency.")
    return holds(latency <= most, f"The answer took {latency:.0f} ms, more than {most:g}.")


def _cost(grading: Grading) -> Verdict:
    most, cost = _threshold(grading), grading.answer.cost_usd
    if cost is None:
        return Verdict.not_applicable("The provider says no cost.")
    return holds(cost <= most, f"The answer cost {cost:.6f} USD, more than {most:g}.")


def _threshold(grading: Grading) -> float:
    if grading.assertion.threshold is None:
        raise wrong(grading, "`threshold` is needed")
    return grading.assertion.threshold


def _word_count(grading: Grading) -> Verdict:
    """`value` is how many, or has `min`, `max` or both; words are what stands between spaces."""
    count = len(grading.text.split())
    value = grading.assertion.value
    if not isinstance(value, Mapping):
        exactly = number_value(grading)
        return holds(count == exactly, f"The output has {count} words, not {exactly:g}.")
    least, most = value.get("min", 0), value.get("max", math.inf)
    if not isinstance(least, int | float) or not isinstance(most, int | float) or not {"min", "max"} & set(value):
        raise wrong(grading, "`value` must be a number, or have `min` or `max`")
    if least > most:
        raise wrong(grading, f"`min` {least:g} is more than `max` {most:g}")
    wanted = f"at least {least:g}" if most == math.inf else f"{least:g} to {most:g}"
    return holds(least <= count <= most, f"The output has {count} words, not {wanted}.")


def _finish_reason(grading: Grading) -> Verdict:
    wanted = grading.assertion.value
    if not isinstance(wanted, str):
        raise wrong(grading, "`value` must be a reason like stop or length")
    reason = grading.answer.finish_reason
    same = bool(reason) and reason.lower() == wanted.lower()
    return holds(same, f"The answer ended with “{reason or 'no reason'}”, not “{wanted}”.")


def _guardrails(grading: Grading) -> Verdict:
    """Passes unless the provider says that its guardrails stepped in."""
    said = grading.answer.metadata.get("guardrails")
    flagged = bool(said.get("flagged")) if isinstance(said, Mapping) else False
    return holds(not flagged, "The provider's guardrails stepped in.")


def _perplexity(grading: Grading) -> Verdict:
    value, most = _perplexity_of(grading), grading.assertion.threshold
    if value is None:
        return Verdict.not_applicable("The provider gives no probabilities of tokens.")
    return holds(most is None or value <= most, f"The perplexity is {value:.2f}, more than {most}.")


def _perplexity_score(grading: Grading) -> Verdict:
    """1 / (1 + perplexity)."""
    value, least = _perplexity_of(grading), grading.assertion.threshold
    if value is None:
        return Verdict.not_applicable("The provider gives no probabilities of tokens.")
    score = 1 / (1 + value)
    return holds(least is None or score >= least, f"The score is {score:.2f}, less than {least}.", score)


def _perplexity_of(grading: Grading) -> float | None:
    """e to the minus mean logarithm of the tokens' probabilities; infinite where one is beyond what a float holds."""
    if grading.assertion.negated and grading.assertion.threshold is None:
        raise wrong(grading, "`threshold` is needed: without one every output passes")
    logprobs = grading.answer.logprobs
    if not logprobs:
        return None
    try:
        return math.exp(-math.fsum(logprobs) / len(logprobs))
    except OverflowError:
        return math.inf


SCORERS: Final[Mapping[str, Scorer]] = {
    "latency": _latency,
    "cost": _cost,
    "word-count": _word_count,
    "finish-reason": _finish_reason,
    "guardrails": _guardrails,
    "perplexity": _perplexity,
    "perplexity-score": _perplexity_score,
}
