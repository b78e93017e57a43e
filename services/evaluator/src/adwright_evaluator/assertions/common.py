"""What assertions share."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence

from adwright_evaluator.model import JSON, Grading, Verdict
from adwright_servicekit.errors import InvalidInput

__all__ = ["clipped", "holds", "mapping_value", "number_value", "text_value", "texts_value", "wrong"]


def holds(passed: bool, otherwise: str, score: float | None = None) -> Verdict:
    """A verdict that says `otherwise` where it does not hold; 1 or 0 without a score."""
    return Verdict(passed, float(passed) if score is None else score, "It holds." if passed else otherwise)


def wrong(grading: Grading, problem: str) -> InvalidInput:
    """The error of an assertion that cannot be looked at as it is written."""
    assertion = grading.assertion
    return InvalidInput.of(f"{assertion.place} ({assertion.name})", problem, reason="ASSERTION_INVALID")


def text_value(grading: Grading) -> str:
    """The value as a text. Raises InvalidInput."""
    value = grading.assertion.value
    if isinstance(value, str | int | float):
        return str(value)
    raise wrong(grading, "`value` must be a text")


def texts_value(grading: Grading) -> list[str]:
    """The value as texts: a list, or one text with commas between. Raises InvalidInput."""
    value = grading.assertion.value
    if isinstance(value, str):
        return [part.strip() for part in next(csv.reader([value], skipinitialspace=True), [])]
    if isinstance(value, Sequence) and value:
        return [str(each) for each in value]
    raise wrong(grading, "`value` must be a list of texts")


def number_value(grading: Grading) -> float:
    """The value as a number. Raises InvalidInput."""
    value = grading.assertion.value
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise wrong(grading, "`value` must be a number") from None


def mapping_value(grading: Grading) -> Mapping[str, JSON]:
    """The value as a mapping, empty where there is none. Raises InvalidInput."""
    value = grading.assertion.value
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise wrong(grading, "`value` must be a mapping")
    return value


def clipped(text: str, most: int = 200) -> str:
    """A text as reasons show it."""
    return text if len(text) <= most else f"{text[: most - 1]}…"
