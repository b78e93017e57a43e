"""Run as a program of its own: keeps a clean Python ready and runs each piece of a suite's code in a copy of it.

Reads one JSON object a line: `code`, `file`, `function` (None: `code` is an expression or a body with `return`),
`output`, `context`, `seconds`. Answers with one line: `{"value": …}` or `{"error": "…"}`. Needs the standard library
alone, because it is started without the service's packages in sight of suites.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import time
import types
from typing import Any

__all__ = ["main"]

_MEMORY = 1024 * 1024 * 1024
_MOST_SAID = 1_000_000
_MOST_FILES = 256


def main() -> None:
    """Answers until its input ends."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    # What the code prints must not be taken for an answer.
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    for line in sys.stdin.buffer:
        answers.write(_answer(line) + "\n")
        answers.flush()


def _answer(line: bytes) -> str:
    asked = json.loads(line)
    ours, theirs = os.pipe()
    child = os.fork()
    if not child:
        os.close(ours)
        _in_copy(asked, theirs)
    os.close(theirs)
    try:
        said = _read(ours, float(asked["seconds"]))
    finally:
        os.close(ours)
        try:
            # Whatever the code started goes with it.
            os.killpg(child, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    if said is None:
        return json.dumps({"error": f"it took more than {asked['seconds']:g} s, or gave more than {_MOST_SAID} bytes"})
    return said.decode() or json.dumps({"error": "it ended its process"})


def _read(pipe: int, seconds: float) -> bytes | None:
    said, end = b"", time.monotonic() + seconds
    while len(said) <= _MOST_SAID and (left := end - time.monotonic()) > 0:
        if select.select([pipe], [], [], left)[0]:
            part = os.read(pipe, 65536)
            if not part:
                return said
            said += part
    return None


def _in_copy(asked: dict[str, Any], pipe: int) -> None:
    try:
        os.setpgid(0, 0)
        # Neither the next question nor the place for answers is for the code.
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.closerange(3, pipe)
        os.closerange(pipe + 1, _MOST_FILES)
        _bounded()
        said = {"value": _value(asked)}
        text = json.dumps(said)
    except BaseException as error:  # the code may raise anything, SystemExit among it
        text = json.dumps({"error": f"{type(error).__name__}: {error}"[:2000]})
    with os.fdopen(pipe, "wb") as answer:
        answer.write(text.encode())
    os._exit(0)


def _bounded() -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _value(asked: dict[str, Any]) -> Any:
    code, names = asked["code"], {"output": asked["output"], "context": asked["context"]}
    if asked["function"] is not None:
        module = types.ModuleType("suite")
        exec(compile(code, asked["file"], "exec"), module.__dict__)  # noqa: S102 - what it is for
        return getattr(module, asked["function"])(asked["output"], asked["context"])
    if "\n" not in code.strip():
        return eval(code.strip(), {"json": json, **names})  # noqa: S307 - what it is for
    body = "".join(f"    {line}\n" for line in code.splitlines())
    space: dict[str, Any] = {"json": json}
    exec(compile(f"def main(output, context):\n{body}", asked["file"], "exec"), space)  # noqa: S102
    return space["main"](asked["output"], asked["context"])


if __name__ == "__main__":
    main()
