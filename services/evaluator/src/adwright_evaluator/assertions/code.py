"""Code of suites: JavaScript in an engine of its own; Python in a process of its own, where the server allows it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from typing import Any, Final

from adwright_evaluator.model import JSON, Grading, Scorer, Verdict
from adwright_evaluator.suites.javascript import evaluate_javascript, evaluate_module

from .common import holds, text_value, wrong

__all__ = ["SCORERS"]

_SECONDS: Final = 10.0
_MOST_SAID: Final = 1_000_000
_RUNNER: Final = """
import json, sys, types
asked = json.loads(sys.stdin.read())
names = {"output": asked["output"], "context": asked["context"]}
sys.stdout, said = sys.stderr, sys.stdout
if asked["function"] is not None:
    module = types.ModuleType("suite")
    exec(compile(asked["code"], asked["file"], "exec"), module.__dict__)
    value = getattr(module, asked["function"])(asked["output"], asked["context"])
elif "return" in asked["code"]:
    body = "".join("    " + line + "\\n" for line in asked["code"].splitlines())
    exec("def f(output, context):\\n" + body, names)
    value = names["f"](asked["output"], asked["context"])
else:
    value = eval(asked["code"], names)
said.write(json.dumps(value))
"""


def _javascript(grading: Grading) -> Verdict:
    code = text_value(grading)
    names: dict[str, JSON] = {"output": grading.output, "context": _context(grading)}
    if code.startswith("file://"):
        path, _, function = code.removeprefix("file://").partition(":")
        return _verdict(grading, evaluate_module(grading.tools.file(path).decode(), function, names))
    return _verdict(grading, evaluate_javascript(code, names))


async def _python(grading: Grading) -> Verdict:
    if not grading.tools.allow_python:
        return Verdict.failed(
            "Python of suites is not run here: set ADWRIGHT_EVALUATOR_ALLOW_PYTHON=true where whoever runs suites "
            "may run programs, or write it as `javascript`."
        )
    import asyncio

    return _verdict(grading, await asyncio.to_thread(_python_value, grading))


def _python_value(grading: Grading) -> JSON:
    code, file, function = text_value(grading), "value", None
    if code.startswith("file://"):
        file, _, named = code.removeprefix("file://").partition(":")
        code, function = grading.tools.file(file).decode(), named or "get_assert"
    asked = {
        "code": code.strip(),
        "file": file,
        "function": function,
        "output": grading.output,
        "context": _context(grading),
    }
    try:
        # -I: nothing of this process's folder or environment is looked at.
        done = subprocess.run(  # noqa: S603 - allowed by a setting
            [sys.executable, "-I", "-c", _RUNNER],
            input=json.dumps(asked, default=str),
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            env={},
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise wrong(grading, f"the code took more than {_SECONDS:.0f} s") from None
    if done.returncode or len(done.stdout) > _MOST_SAID:
        raise wrong(grading, f"the code failed: {done.stderr.strip().splitlines()[-1:] or ['without a word']}")
    found: JSON = json.loads(done.stdout)
    return found


def _context(grading: Grading) -> dict[str, JSON]:
    return {
        "vars": dict(grading.vars),
        "prompt": grading.prompt,
        "config": dict(grading.assertion.config),
        "test": {"description": grading.case.description, "metadata": dict(grading.case.metadata)},
    }


def _verdict(grading: Grading, value: Any) -> Verdict:
    """promptfoo's results: true or false, a score, or a mapping with `pass`, `score` and `reason`."""
    threshold = grading.assertion.threshold
    if isinstance(value, Mapping):
        score = value.get("score")
        passed = value.get("pass", value.get("pass_"))
        number = float(score) if isinstance(score, int | float) else float(bool(passed))
        held = bool(passed) if passed is not None else number > 0
        if threshold is not None:
            held = held and number >= threshold
        named = value.get("namedScores", value.get("named_scores")) or {}
        verdict = holds(held, str(value.get("reason") or "The code says no."), number)
        return Verdict(verdict.passed, number, str(value.get("reason") or verdict.reason), named_scores=dict(named))
    if isinstance(value, bool):
        return holds(value, "The code says no.")
    if isinstance(value, int | float):
        least = threshold if threshold is not None else None
        held = value >= least if least is not None else value > 0
        return holds(held, f"The code says {value:g}.", float(value))
    raise wrong(grading, f"the code must give true, false, a number or a mapping, not {type(value).__name__}")


SCORERS: Final[Mapping[str, Scorer]] = {"javascript": _javascript, "python": _python}
