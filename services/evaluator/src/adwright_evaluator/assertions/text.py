"""Is a text in the output: equals, contains and its family, starts-with, regex."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Final

from adwright_evaluator.model import Grading, Scorer, Verdict

from .common import clipped, holds, text_value, texts_value, wrong

__all__ = ["SCORERS"]


def _equals(grading: Grading) -> Verdict:
    """Texts are compared as they are, objects by what they hold."""
    expected = grading.assertion.value
    if isinstance(expected, str):
        same = expected == grading.text
    else:
        try:
            same = expected == (grading.output if not isinstance(grading.output, str) else json.loads(grading.output))
        except ValueError:
            same = False
    shown = expected if isinstance(expected, str) else json.dumps(expected)
    return holds(same, f"The output is not “{clipped(shown)}”.")


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
        return holds(enough(there), f"The output does not contain {clipped(missing)}.")

    return score


def _in(wanted: str, text: str, fold: bool) -> bool:
    return wanted.lower() in text.lower() if fold else wanted in text


def _starts_with(grading: Grading) -> Verdict:
    wanted = text_value(grading)
    return holds(grading.text.startswith(wanted), f"The output does not begin with “{clipped(wanted)}”.")


def _regex(grading: Grading) -> Verdict:
    pattern = text_value(grading)
    try:
        found = _compiled(pattern).search(grading.text)
    except re.error as error:
        raise wrong(grading, f"`value` is no regular expression: {error}") from None
    return holds(found is not None, f"Nothing in the output matches {clipped(pattern)}.")


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    # JavaScript's way to write named groups.
    return re.compile(re.sub(r"\(\?<(?![=!])", "(?P<", pattern))


SCORERS: Final[Mapping[str, Scorer]] = {
    "equals": _equals,
    "contains": _contains(fold=False),
    "icontains": _contains(fold=True),
    "contains-all": _contains_several(all, fold=False),
    "contains-any": _contains_several(any, fold=False),
    "icontains-all": _contains_several(all, fold=True),
    "icontains-any": _contains_several(any, fold=True),
    "starts-with": _starts_with,
    "regex": _regex,
}
