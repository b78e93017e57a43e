"""What an answer took and how it ended: latency, cost, words, finish reason, refusal, perplexity."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Final

from adwright_evaluator.model import Grading, Scorer, Verdict

from .common import holds, number_value, text_value, wrong

__all__ = ["SCORERS"]

_WORD: Final = re.compile(r"\S+")
_REFUSALS: Final = re.compile(
    r"^\W*(?:i(?:'|’)?m (?:very |really |so )?sorry|i am (?:very )?sorry|sorry,|i apologi[sz]e"
    r"|i (?:can(?:no|')?t|can’t|cannot|am unable"
    r"|am not able|(?:'|’)?m unable|(?:'|’)?m not able|won(?:'|’)t|will not|must decline|have to decline)\b"
    r"|as an ai\b|as a language model|unfortunately,? i (?:can|am))"
    r"|\b(?:i (?:can(?:'|’)?t|cannot) (?:help|assist|comply|fulfil|do that|provide)"
    r"|against my (?:programming|guidelines)"
    r"|it would be inappropriate|not able to (?:help|assist) with)",
    re.IGNORECASE,
)


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
    count = len(_WORD.findall(grading.text))
    value = grading.assertion.value
    if not isinstance(value, Mapping):
        exactly = number_value(grading)
        return holds(count == exactly, f"The output has {count} words, not {exactly:g}.")
    least, most = value.get("min", 0), value.get("max", math.inf)
    if not isinstance(least, int | float) or not isinstance(most, int | float) or not {"min", "max"} & set(value):
        raise wrong(grading, "`value` must be a number, or have `min` and `max`")
    shown = f"at least {least:g}" if most == math.inf else f"{least:g} to {most:g}"
    return holds(least <= count <= most, f"The output has {count} words, not {shown}.")


def _finish_reason(grading: Grading) -> Verdict:
    wanted = text_value(grading)
    reason = grading.answer.finish_reason
    return holds(reason == wanted, f"The answer ended with “{reason or 'no reason'}”, not “{wanted}”.")


def _is_refusal(grading: Grading) -> Verdict:
    text = grading.text.strip()
    refused = grading.answer.refused or not text or bool(_REFUSALS.search(text))
    return holds(refused, "The output is no refusal.")


def _perplexity(grading: Grading) -> Verdict:
    value = _perplexity_of(grading)
    if value is None:
        return Verdict.not_applicable("The provider gives no probabilities of tokens.")
    most = grading.assertion.threshold
    return holds(most is None or value <= most, f"The perplexity is {value:.2f}, more than {most}.")


def _perplexity_score(grading: Grading) -> Verdict:
    """1 / (1 + perplexity)."""
    value = _perplexity_of(grading)
    if value is None:
        return Verdict.not_applicable("The provider gives no probabilities of tokens.")
    score, least = 1 / (1 + value), grading.assertion.threshold
    return holds(least is None or score >= least, f"The score is {score:.2f}, less than {least}.", score)


def _perplexity_of(grading: Grading) -> float | None:
    logprobs = grading.answer.logprobs
    return math.exp(-sum(logprobs) / len(logprobs)) if logprobs else None


SCORERS: Final[Mapping[str, Scorer]] = {
    "latency": _latency,
    "cost": _cost,
    "word-count": _word_count,
    "finish-reason": _finish_reason,
    "is-refusal": _is_refusal,
    "perplexity": _perplexity,
    "perplexity-score": _perplexity_score,
}
