"""`javascript`: code of suites, run in an engine without files or network (see `suites.javascript`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from adwright_evaluator.model import JSON, Grading, Scorer, Verdict
from adwright_evaluator.suites.javascript import evaluate_javascript, evaluate_module

from .common import text_value
from .script_results import script_context, script_verdict

__all__ = ["SCORERS"]


def _javascript(grading: Grading) -> Verdict:
    """`value`: an expression, statements with `return`, or `file://checks.js`, of which the export is called."""
    code = text_value(grading)
    names: dict[str, JSON] = {"output": grading.output, "context": script_context(grading)}
    if code.startswith("file://"):
        path, _, function = code.removeprefix("file://").partition(":")
        found = evaluate_module(grading.tools.file(path).decode(), function, names)
    else:
        found = evaluate_javascript(code, names)
    return script_verdict(grading, found, strict=False)


SCORERS: Final[Mapping[str, Scorer]] = {"javascript": _javascript}
