"""`human`: what people said of an output.

Labels come in the answer's metadata as `labels`, objects with the members of the API's Label: `labeler`, `metric`,
`pass`, `score` (0 to 1; as `pass` says where it is left out) and `comment`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean

from ..model import JSON, Grading, Verdict
from .verdicts import wrong

__all__ = ["human"]


def human(grading: Grading) -> Verdict:
    """More than half of the people must pass it, and the mean score reach the threshold, if there is one.

    The labels with the assertion's metric count; without a metric, those about the output as a whole. Not applicable as
    long as there is none. Raises InvalidInput for labels that cannot be read.
    """
    labels = [label for label in _labels(grading) if (label.get("metric") or "") == grading.assertion.metric]
    if not labels:
        return Verdict.not_applicable("waiting for a person")
    votes = sum(label["pass"] is True for label in labels)
    score = fmean(_score(grading, label) for label in labels)
    threshold = grading.assertion.threshold
    passed = 2 * votes > len(labels) and (threshold is None or score >= threshold)
    comments = [
        f"{label.get('labeler') or 'anonymous'}: {label['comment']}" for label in labels if label.get("comment")
    ]
    reason = " ".join([f"{votes} of {len(labels)} people pass it; their mean score is {score:.2f}.", *comments])
    return Verdict(passed, score, reason, metadata={"people": len(labels), "votes": votes})


def _labels(grading: Grading) -> list[Mapping[str, JSON]]:
    listed = grading.answer.metadata.get("labels") or []
    if isinstance(listed, str) or not isinstance(listed, Sequence):
        raise wrong(grading, "labels", "is a list of labels")
    labels = [label for label in listed if isinstance(label, Mapping) and isinstance(label.get("pass"), bool)]
    if len(labels) < len(listed):
        raise wrong(grading, "labels", "every label is an object with pass, true or false")
    return labels


def _score(grading: Grading, label: Mapping[str, JSON]) -> float:
    score = label.get("score")
    if score is None:
        return float(label["pass"] is True)
    if isinstance(score, bool) or not isinstance(score, int | float) or not 0 <= score <= 1:
        raise wrong(grading, "labels.score", "is a number from 0 to 1")
    return float(score)
