"""`human`: what people said of an output.

A run waits for nobody: the assertion is not applicable until somebody has said something, and from then on it is what
the labels say. Labels are those of the API, with `labeler`, `metric`, `passed`, `score` and `comment`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean
from typing import Final, Protocol

from ..model import Assertion, Grading, Verdict
from .back_translation import translation_wanted, with_translation
from .panel import judges_of

__all__ = ["Said", "human", "said_by_people"]

_WAITING: Final = "waiting for a person"


class Said(Protocol):
    """What one person said; `score` is from 0 to 1, None: as `passed` says."""

    @property
    def labeler(self) -> str: ...

    @property
    def metric(self) -> str: ...

    @property
    def passed(self) -> bool: ...

    @property
    def score(self) -> float | None: ...

    @property
    def comment(self) -> str: ...


async def human(grading: Grading) -> Verdict:
    """Not applicable: nobody has seen it. With `config.backTranslation` a translation is there for who will."""
    waiting = Verdict.not_applicable(_WAITING)
    if not translation_wanted(grading):
        return waiting
    return await with_translation(grading, judges_of(grading)[0], waiting)


def said_by_people(assertion: Assertion, before: Verdict, labels: Sequence[Said]) -> Verdict:
    """The verdict once people have spoken; `before` is the one without them.

    More than half of them must pass the output, and their mean score reach the threshold, if there is one. The labels
    with the assertion's metric count; for an assertion without one, those about the output as a whole.
    """
    metric = assertion.metric
    told = [label for label in labels if label.metric == metric]
    if not told:
        return replace(Verdict.not_applicable(_WAITING), metadata=before.metadata)
    votes = sum(label.passed for label in told)
    score = fmean(float(label.passed) if label.score is None else label.score for label in told)
    threshold = assertion.threshold
    passed = 2 * votes > len(told) and (threshold is None or score >= threshold)
    comments = [f"{label.labeler or 'anonymous'}: {label.comment}" for label in told if label.comment]
    return Verdict(
        passed,
        score,
        " ".join([f"{votes} of {len(told)} people pass it; their mean score is {score:.2f}.", *comments]),
        usage=before.usage,
        cost_usd=before.cost_usd,
        metadata={**before.metadata, "people": len(told), "votes": votes},
    )
