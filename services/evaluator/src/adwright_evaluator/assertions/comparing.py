"""`max-score`: of all outputs of a case the one with the best scores passes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from adwright_evaluator.model import Grading, SetScorer, Verdict

__all__ = ["SET_SCORERS"]


def _max_score(gradings: Sequence[Grading]) -> list[Verdict]:
    """Needs what the other assertions said, which whoever runs it puts into the answers' metadata as `score`."""
    scores = [_score(grading) for grading in gradings]
    best = scores.index(max(scores))
    threshold = gradings[best].assertion.threshold
    enough = threshold is None or scores[best] >= threshold
    return [
        Verdict(
            index == best and enough,
            float(index == best and enough),
            "It has the best score." if index == best and enough else f"{score:.2f} is not the best score.",
        )
        for index, score in enumerate(scores)
    ]


def _score(grading: Grading) -> float:
    given = grading.answer.metadata.get("score", 0.0)
    return float(given) if isinstance(given, int | float) else 0.0


SET_SCORERS: Final[Mapping[str, SetScorer]] = {"max-score": _max_score}
