"""Is a text in the output: equals, contains and its family, starts-with."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Final

from adwright_evaluator.model import JSON, Grading, Scorer, Verdict

from .common import clipped, holds, shown, text_value, texts_value, wrong

__all__ = ["SCORERS"]


def _equals(grading: Grading) -> Verdict:
    """Lists, mappings and null are compared with the JSON that the output is, all else letter by letter."""
    expected = grading.assertion.value
    if expected is None or isinstance(expected, list | tuple | Mapping):
        try:
            same = _canonical(expected) == _canonical(json.loads(grading.text))
        except (ValueError, RecursionError):
            same = False
        return holds(same, f"The output is not {clipped(json.dumps(expected, ensure_ascii=False, default=str))}.")
    return holds(shown(expected) == grading.text, f"The output is not “{clipped(shown(expected))}”.")


def _canonical(value: JSON) -> str:
    """Unlike in Python, true is not 1 in JSON, but 1.0 is."""
    return json.dumps(_whole(value), sort_keys=True)


def _whole(value: JSON) -> JSON:
    if isinstance(value, Mapping):
        return {str(key): _whole(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_whole(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _contains(*, fold: bool) -> Scorer:
    def score(grading: Grading) -> Verdict:
        wanted = text_value(grading)
        return holds(_in(wanted, grading.text, fold), f"The output does not contain “{clipped(wanted)}”.")

    return score


def _contains_several(enough: Callable[[list[bool]], bool], *, fold: bool) -> Scorer:
    def score(grading: Grading) -> Verdict:
        wanted = texts_value(grading)
        there = [_in(each, grading.text, fold) for each in wanted]
        missing = ", ".join(f"“{each}”" for each, found in zip(wanted, there, strict=True) if not found)
        return holds(enough(there), f"The output does not contain {clipped(missing) or 'any text'}.")

    return score


def _in(wanted: str, text: str, fold: bool) -> bool:
    return wanted.lower() in text.lower() if fold else wanted in text


def _starts_with(grading: Grading) -> Verdict:
    wanted = grading.assertion.value
    if not isinstance(wanted, str) or not wanted:
        raise wrong(grading, "`value` must be a text that is not empty")
    return holds(grading.text.startswith(wanted), f"The output does not begin with “{clipped(wanted)}”.")


SCORERS: Final[Mapping[str, Scorer]] = {
    "equals": _equals,
    "contains": _contains(fold=False),
    "icontains": _contains(fold=True),
    "contains-all": _contains_several(all, fold=False),
    "contains-any": _contains_several(any, fold=False),
    "icontains-all": _contains_several(all, fold=True),
    "icontains-any": _contains_several(any, fold=True),
    "starts-with": _starts_with,
}
