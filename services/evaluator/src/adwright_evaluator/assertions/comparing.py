"""`max-score`: of all outputs of a case the one with the best scores passes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from adwright_evaluator.model import Grading, SetScorer, Verdict

from .common import mapping_value, wrong

__all__ = ["SET_SCORERS"]


def _max_score(gradings: Sequence[Grading]) -> list[Verdict]:
    """Needs what the other assertions said, which whoever runs it puts into the answers' metadata as `score`.

    The first of several best ones passes. `value.threshold`, or the assertion's, is the least that passes.
    """
    first = gradings[0]
    options = mapping_value(first)
    if len(gradings) < 2:
        raise wrong(first, "it compares outputs, so there must be two: add a prompt or a provider")
    if options.get("weights") or options.get("method") not in (None, "average"):
        raise wrong(first, "`weights` and `method: sum` are not supported: give the assertions a `weight` each")
    scores = [_score(grading) for grading in gradings]
    best = max(scores)
    limit = options.get("threshold", first.assertion.threshold)
    enough = not isinstance(limit, int | float) or best >= limit
    return [_verdict(score, best, index == scores.index(best) and enough, enough) for index, score in enumerate(scores)]


def _verdict(score: float, best: float, passed: bool, enough: bool) -> Verdict:
    if passed:
        reason = f"Of all outputs its score of {score:.2f} is the best."
    elif score == best and not enough:
        reason = f"Its score of {score:.2f} is the best, but below the threshold."
    else:
        reason = f"Its score is {score:.2f}, the best one {best:.2f}."
    return Verdict(passed, float(passed), reason)


def _score(grading: Grading) -> float:
    given = grading.answer.metadata.get("score")
    if isinstance(given, bool) or not isinstance(given, int | float):
        raise wrong(grading, "there is no other score to compare: add an assertion")
    return float(given)


SET_SCORERS: Final[Mapping[str, SetScorer]] = {"max-score": _max_score}
