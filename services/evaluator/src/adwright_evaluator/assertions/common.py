"""What assertions share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from adwright_evaluator.model import JSON, Grading, Verdict
from adwright_evaluator.suites.commas import comma_separated
from adwright_servicekit.errors import InvalidInput

__all__ = ["clipped", "holds", "mapping_value", "number_value", "shown", "text_value", "texts_value", "wrong"]


_HOLDS: Final = Verdict(True, 1.0, "It holds.")


def holds(passed: bool, otherwise: str, score: float | None = None) -> Verdict:
    """A verdict that says `otherwise` where it does not hold; 1 or 0 without a score."""
    if passed and score is None:
        return _HOLDS
    return Verdict(passed, float(passed) if score is None else score, "It holds." if passed else otherwise)


def wrong(grading: Grading, problem: str) -> InvalidInput:
    """The error of an assertion that cannot be looked at as it is written."""
    assertion = grading.assertion
    return InvalidInput.of(f"{assertion.place} ({assertion.name})", problem, reason="ASSERTION_INVALID")


def shown(value: JSON) -> str:
    """A plain value as JavaScript writes it: `5` for 5.0, `true`."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "null" if value is None else str(value)


def text_value(grading: Grading) -> str:
    """The value as a text that is not empty; numbers are written out. Raises InvalidInput."""
    value = grading.assertion.value
    if isinstance(value, str | int | float) and not isinstance(value, bool) and value != "":
        return shown(value)
    raise wrong(grading, "`value` must be a text that is not empty")


def texts_value(grading: Grading) -> list[str]:
    """The value as texts: a list, or one text with commas between. Raises InvalidInput."""
    value = grading.assertion.value
    if isinstance(value, str) and value:
        try:
            return list(comma_separated(value))
        except ValueError as error:
            raise wrong(grading, f"`value` {error}") from None
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [shown(each) for each in value]
    raise wrong(grading, "`value` must be a list of texts, or a text with commas between")


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
