"""`python`: code of suites, run in a process of its own with bounds of time and memory, where the server allows it."""

from __future__ import annotations

import asyncio
import json
import select
import subprocess
import sys
from collections.abc import Mapping
from importlib.resources import files
from threading import Lock
from typing import IO, Final

from adwright_evaluator.model import JSON, Grading, Scorer, Verdict

from .common import clipped, text_value, wrong
from .script_results import script_context, script_verdict

__all__ = ["SCORERS"]

_SECONDS: Final = 10.0
_SLACK: Final = 5.0
"""Seconds more than the code may take after which its process is given up."""
_REFUSED: Final = (
    "Python of suites is not run here: set ADWRIGHT_EVALUATOR_ALLOW_PYTHON=true where whoever runs suites may run "
    "programs, or write it as `javascript`."
)


async def _python(grading: Grading) -> Verdict:
    """`value`: an expression, lines with `return`, or a file, of which `get_assert` is called."""
    if not grading.tools.allow_python:
        return Verdict.failed(_REFUSED)
    code, file, function = text_value(grading), "value", None
    if code.startswith("file://"):
        file, _, named = code.removeprefix("file://").partition(":")
        code, function = grading.tools.file(file).decode(), named or "get_assert"
    asked = {
        "code": code,
        "file": file,
        "function": function,
        "output": grading.output,
        "context": script_context(grading),
        "seconds": _SECONDS,
    }
    said = await asyncio.to_thread(_PROCESS.answer, json.dumps(asked, default=str))
    if "error" in said:
        raise wrong(grading, f"the code failed: {clipped(str(said['error']))}")
    return script_verdict(grading, _read(grading, said.get("value")), strict=True)


def _read(grading: Grading, value: JSON) -> JSON:
    """Texts may stand for what they say: `true`, `0.5`, a mapping as JSON."""
    if not isinstance(value, str):
        return value
    if value.lower() in ("true", "false"):
        return value.lower() == "true"
    try:
        return dict(json.loads(value)) if value.startswith("{") else float(value)
    except ValueError:
        raise wrong(grading, f"the code gave the text “{clipped(value)}”, which is no verdict") from None


class _Process:
    """One process that answers one question at a time; started when first asked, and again when it is gone."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._running: subprocess.Popen[bytes] | None = None

    def answer(self, asked: str) -> Mapping[str, JSON]:
        """What the code gives; blocks for at most `_SECONDS` and some."""
        with self._lock:
            try:
                return self._ask(asked)
            except (OSError, ValueError):
                self._stop()
                return {"error": "the process that runs Python is gone; the next piece of code gets a new one"}

    def _ask(self, asked: str) -> Mapping[str, JSON]:
        running = self._running
        if running is None or running.poll() is not None:
            running = self._running = _started()
        into, out = _pipes(running)
        into.write(asked.encode() + b"\n")
        into.flush()
        if not select.select([out], [], [], _SECONDS + _SLACK)[0]:
            raise TimeoutError
        found: Mapping[str, JSON] = json.loads(out.readline())
        return found

    def _stop(self) -> None:
        if self._running is not None:
            self._running.kill()
            self._running.communicate()
            self._running = None


def _pipes(running: subprocess.Popen[bytes]) -> tuple[IO[bytes], IO[bytes]]:
    assert running.stdin is not None
    assert running.stdout is not None
    return running.stdin, running.stdout


def _started() -> subprocess.Popen[bytes]:
    source = files("adwright_evaluator.assertions").joinpath("python_child.py").read_text(encoding="utf-8")
    # -I: nothing of this process's folder or environment is looked at.
    return subprocess.Popen(  # noqa: S603 - allowed by a setting
        [sys.executable, "-I", "-c", source],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={"LANG": "C.UTF-8"},
    )


_PROCESS: Final = _Process()

SCORERS: Final[Mapping[str, Scorer]] = {"python": _python}
