"""What the assertions of a case say of an output, one by one and together."""

from __future__ import annotations

import asyncio
import inspect
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import mul
from typing import Final

from adwright_evaluator.assertions import NEGATING, SCORERS, SET_SCORERS
from adwright_evaluator.model import (
    JSON,
    NO_USAGE,
    Answer,
    Assertion,
    AssertionSet,
    Case,
    CellStatus,
    Grading,
    Outcome,
    Tools,
    Verdict,
)
from adwright_evaluator.suites.templates import render_value
from adwright_evaluator.suites.transforms import text_of, transform
from adwright_servicekit.errors import AdwrightError
from adwright_servicekit.logs import where

from .aside import Beside

__all__ = ["Answered", "counted", "score", "score_together", "status_of", "together"]

_SHOWN = 200
_LARGEST: Final = 1e100
"""Squares of a million such numbers can still be added up."""
_ENDLESS: Final = "A score is not finite, or larger than any score can be."
_SLOW: Final = frozenset({"javascript", "regex"})
"""Types that run code of the suite, which may take until its limit of time."""


@dataclass(frozen=True, slots=True)
class Answered:
    """An output and where it comes from."""

    case: Case
    vars: Mapping[str, JSON]
    prompt: str
    answer: Answer
    output: JSON
    """After the transforms of provider and case."""


async def score(answered: Answered, tools: Tools, aside: Beside = asyncio.to_thread) -> Verdict:
    """The verdict of a case's assertions together; `components` are theirs. Those on all outputs have none yet."""
    case = answered.case
    said = [await _one(each, answered, tools, aside) for each in case.assertions]
    return together(said, case.threshold)


async def score_together(
    answers: Sequence[Answered], verdicts: Sequence[Verdict], tools: Tools, aside: Beside = asyncio.to_thread
) -> list[Verdict]:
    """The verdicts once more, with what the assertions say that compare all outputs of the case."""
    if not answers:
        return []
    case = answers[0].case
    columns = [list(verdict.components) for verdict in verdicts]
    for place, assertion in enumerate(case.assertions):
        if isinstance(assertion, AssertionSet) or assertion.type not in SET_SCORERS:
            continue
        try:
            gradings = [
                await _grading(assertion, _with_score(each, verdict), tools, aside)
                for each, verdict in zip(answers, verdicts, strict=True)
            ]
            given = SET_SCORERS[assertion.type](gradings)
            said = list(await given if inspect.isawaitable(given) else given)
        except Exception as error:
            said = [_broken(assertion, error)] * len(answers)
        for column, verdict in zip(columns, said, strict=True):
            column[place] = _finite(verdict.of(assertion))
    return [together(column, case.threshold) for column in columns]


def _with_score(answered: Answered, verdict: Verdict) -> Answered:
    """What the other assertions said so far stands in the answer's metadata."""
    answer = replace(answered.answer, metadata={**answered.answer.metadata, "score": verdict.score})
    return replace(answered, answer=answer)


async def _one(assertion: Assertion | AssertionSet, answered: Answered, tools: Tools, aside: Beside) -> Verdict:
    if isinstance(assertion, AssertionSet):
        said = [await _one(each, answered, tools, aside) for each in assertion.assertions]
        return together(said, assertion.threshold).of(assertion)
    if assertion.type in SET_SCORERS:
        return Verdict.not_applicable("It looks at all outputs of the case together.").of(assertion)
    try:
        grading = await _grading(assertion, answered, tools, aside)
        scorer = SCORERS[assertion.type]
        given = await aside(lambda: scorer(grading)) if assertion.type in _SLOW else scorer(grading)
        verdict = given if isinstance(given, Verdict) else await given
    except Exception as error:
        verdict = _broken(assertion, error)
    return counted(verdict, assertion)


def _broken(assertion: Assertion, error: Exception) -> Verdict:
    """A scorer that breaks takes neither the run with it nor counts as a zero."""
    return Verdict.failed(
        error.message if isinstance(error, AdwrightError) else f"{assertion.name} broke: {where(error)}"
    )


def _finite(verdict: Verdict) -> Verdict:
    """The verdict, unless it has numbers that cannot be added up."""
    if _usable(verdict.score) and all(map(_usable, verdict.named_scores.values())):
        return verdict
    return replace(Verdict.failed(_ENDLESS), assertion=verdict.assertion)


def _usable(number: float) -> bool:
    return -_LARGEST < number < _LARGEST


def counted(verdict: Verdict, assertion: Assertion) -> Verdict:
    """What a scorer said, as it counts: the other way round after `not-`, without a say where it weighs nothing."""
    if assertion.negated and assertion.type not in NEGATING and verdict.outcome is Outcome.SCORED:
        verdict = _negated(verdict, assertion)
    if assertion.weight == 0 and verdict.outcome is Outcome.SCORED:
        # Only a number to look at.
        verdict = replace(verdict, passed=True)
    return _finite(verdict.of(assertion))


def _negated(verdict: Verdict, assertion: Assertion) -> Verdict:
    """The other way round; where it fails now, it is said what should not be."""
    shown = json.dumps(assertion.value, ensure_ascii=False) if assertion.value is not None else ""
    ruled_out = f"{assertion.type} {shown if len(shown) <= _SHOWN else shown[:_SHOWN] + '…'}".rstrip()
    return replace(
        verdict,
        passed=not verdict.passed,
        score=1.0 - min(1.0, max(0.0, verdict.score)),
        reason=f"What should not be is so: {ruled_out}." if verdict.passed else "It holds.",
    )


async def _grading(assertion: Assertion, answered: Answered, tools: Tools, aside: Beside) -> Grading:
    output = answered.output
    if assertion.transform:
        output = await aside(lambda: transform(assertion.transform, answered.output, answered.vars))
    value = render_value(assertion.value, answered.vars)
    if value is not assertion.value or "{" in assertion.metric:
        assertion = replace(assertion, value=value, metric=str(render_value(assertion.metric, answered.vars)))
    return Grading(
        assertion=assertion,
        output=output,
        text=text_of(output),
        answer=answered.answer,
        case=answered.case,
        vars=answered.vars,
        prompt=answered.prompt,
        tools=tools,
    )


def together(said: Sequence[Verdict], threshold: float | None) -> Verdict:
    """Weighted mean; passed when it reaches the threshold, or without one when each has passed."""
    counted = [verdict for verdict in said if verdict.outcome is Outcome.SCORED]
    weights = [verdict.assertion.weight if verdict.assertion else 1.0 for verdict in counted]
    weight = sum(weights)
    # Where nothing is asked, all is well; where nothing could be looked at, too.
    score = sum(map(mul, weights, [verdict.score for verdict in counted])) / weight if weight else 1.0
    broken = [verdict for verdict in said if verdict.outcome is Outcome.FAILED]
    wrong = [verdict for verdict in counted if not verdict.passed]
    passed = not wrong if threshold is None else score >= threshold
    if broken:
        outcome, reason, passed = Outcome.FAILED, broken[0].reason, False
    elif passed:
        outcome, reason = Outcome.SCORED, "All assertions hold." if threshold is None else f"The score is {score:.2f}."
    else:
        outcome = Outcome.SCORED
        reason = wrong[0].reason if wrong else f"The score of {score:.2f} is below the threshold of {threshold:g}."
    named = _named(said)
    if not broken and not (_usable(score) and all(map(_usable, named.values()))):
        # Each number can be, and what they add up to, with their weights, cannot.
        outcome, reason, passed, score, named = Outcome.FAILED, _ENDLESS, False, 0.0, {}
    return Verdict(
        passed=passed,
        score=0.0 if broken else score,
        reason=reason,
        outcome=outcome,
        named_scores=named,
        usage=sum((verdict.usage for verdict in said if verdict.usage is not NO_USAGE), NO_USAGE),
        cost_usd=sum([verdict.cost_usd for verdict in said]),
        components=tuple(said),
    )


def status_of(verdict: Verdict | None) -> CellStatus:
    """How a cell ended; what could not be told, and what was not answered, is an ERROR."""
    if verdict is None or verdict.outcome is Outcome.FAILED:
        return CellStatus.ERROR
    return CellStatus.PASSED if verdict.passed else CellStatus.FAILED


def _named(said: Iterable[Verdict]) -> Mapping[str, float]:
    found: dict[str, list[float]] = defaultdict(list)
    for verdict in said:
        for name, value in verdict.named_scores.items():
            found[name].append(value)
        metric = verdict.assertion.metric if verdict.assertion else ""
        if metric and verdict.outcome is Outcome.SCORED:
            found[metric].append(verdict.score)
    return {name: sum(values) / len(values) for name, values in found.items()}
