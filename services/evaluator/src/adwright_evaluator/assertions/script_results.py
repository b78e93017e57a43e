"""What code of suites is told, and what its results mean: promptfoo's true and false, scores and mappings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from adwright_evaluator.model import JSON, Grading, Verdict

from .common import wrong

__all__ = ["script_context", "script_verdict"]

_LINE: Final = 120


def script_context(grading: Grading) -> dict[str, JSON]:
    """`context` of the code."""
    case = grading.case
    return {
        "vars": dict(grading.vars),
        "prompt": grading.prompt,
        "config": dict(grading.assertion.config),
        "metadata": dict(grading.answer.metadata),
        "test": {"description": case.description, "vars": dict(case.vars), "metadata": dict(case.metadata)},
    }


def script_verdict(grading: Grading, value: JSON, *, strict: bool) -> Verdict:
    """The verdict, negated where the assertion is: `not-` turns round what passed, and leaves scores as they are.

    A number passes from the threshold on, without one above 0. `strict`: a mapping whose score is below the threshold
    does not pass, as promptfoo has it for Python alone. Raises InvalidInput for all other values.
    """
    threshold, negated = grading.assertion.threshold, grading.assertion.negated
    if isinstance(value, bool):
        passed = value != negated
        return Verdict(passed, float(passed), _said(grading, "yes" if value else "no"))
    if isinstance(value, int | float):
        held = value > 0 if threshold is None else value >= threshold
        return Verdict(held != negated, float(value), _said(grading, f"{value:g}"))
    if isinstance(value, Mapping):
        given, score = value.get("pass", value.get("pass_")), value.get("score")
        if isinstance(given, bool) and isinstance(score, int | float):
            reason = str(value.get("reason") or _said(grading, "yes" if given else "no"))
            if strict and threshold is not None and score < threshold:
                given, reason = False, f"The code's score {score:g} is below {threshold:g}: {reason}"
            return Verdict(given != negated, float(score), reason, named_scores=_named(value))
    raise wrong(grading, "the code must give true, false, a number, or a mapping with `pass`, `score` and `reason`")


def _said(grading: Grading, what: str) -> str:
    """One line of code is a reason that people can act on; more of it stands in the suite."""
    code = grading.assertion.value
    line = code.strip() if isinstance(code, str) else ""
    shown = f"`{line}`" if line and "\n" not in line and len(line) <= _LINE else "The code"
    return f"{shown} says {what}."


def _named(value: Mapping[str, JSON]) -> dict[str, float]:
    named = value.get("namedScores", value.get("named_scores"))
    if not isinstance(named, Mapping):
        return {}
    return {name: float(score) for name, score in named.items() if isinstance(score, int | float)}
