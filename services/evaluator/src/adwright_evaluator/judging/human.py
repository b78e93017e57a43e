"""`human`: what people said of the output; until somebody did, it counts neither for nor against."""

from __future__ import annotations

from adwright_evaluator.model import Grading, Verdict

__all__ = ["human"]


def human(grading: Grading) -> Verdict:
    """Of labels in the answer's metadata, `labels`: a list of true and false, the majority decides."""
    labels = grading.answer.metadata.get("labels")
    said = [bool(each) for each in labels] if isinstance(labels, list | tuple) else []
    if not said:
        return Verdict.not_applicable("It waits for a person: label the cell.")
    share = sum(said) / len(said)
    return Verdict(share > 0.5, share, f"{sum(said)} of {len(said)} people say that it is good enough.")
