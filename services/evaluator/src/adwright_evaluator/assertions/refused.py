"""promptfoo's types without a model that are not looked at here: each says so, and what to write instead."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Final

from adwright_evaluator.model import Grading, Scorer, Verdict

__all__ = ["SCORERS"]

_NO_CALLS: Final = "adwright's providers call no tools, so there are no calls to look at: leave it out"
_NO_TRACES: Final = "adwright keeps no traces of answers to look into: leave it out, or use `latency` for the time"
_WRITE_CODE: Final = "write it as `javascript` or `python`"
_REMEDIES: Final[Mapping[str, str]] = {
    "webhook": f"the evaluator calls no addresses that suites name: {_WRITE_CODE}",
    "ruby": f"Ruby is not run: {_WRITE_CODE}",
    "skill-used": _NO_CALLS,
    "tool-call-f1": _NO_CALLS,
    "is-valid-function-call": _NO_CALLS,
    "is-valid-openai-function-call": _NO_CALLS,
    "is-valid-openai-tools-call": _NO_CALLS,
    "trace-error-spans": _NO_TRACES,
    "trace-span-count": _NO_TRACES,
    "trace-span-duration": _NO_TRACES,
    "trajectory:goal-success": _NO_TRACES,
    "trajectory:step-count": _NO_TRACES,
    "trajectory:tool-args-match": _NO_TRACES,
    "trajectory:tool-sequence": _NO_TRACES,
    "trajectory:tool-used": _NO_TRACES,
}


def _refused(kind: str, grading: Grading) -> Verdict:
    return Verdict.failed(f"`{grading.assertion.name}` is not supported: {_REMEDIES[kind]}.")


SCORERS: Final[Mapping[str, Scorer]] = {kind: partial(_refused, kind) for kind in _REMEDIES}
