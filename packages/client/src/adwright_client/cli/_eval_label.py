"""People say of outputs whether they are good: in the terminal, one after the other, blind to whose they are."""

from __future__ import annotations

import getpass
import hashlib
import signal
import sys
from collections.abc import AsyncIterable, AsyncIterator, Iterator
from contextlib import contextmanager

import typer

from adwright.evaluator.v1.evaluation_pb2 import CellResult
from adwright.evaluator.v1.label_pb2 import CellKey, Label
from adwright_servicekit.errors import InvalidInput

from ..client import AsyncClient
from ._eval_show import resolved
from ._words import printable

__all__ = ["label_in_terminal"]

_KEYS = "y good, n not good, c comment first, s skip, q quit"


async def label_in_terminal(client: AsyncClient, name: str, labeler: str, metric: str) -> int:
    """Writes each label as it is said; those that this person said of this metric before are left out.

    Raises InvalidInput where there is no terminal to ask on.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        problem = "labelling needs a terminal: read labels from a file with adwright eval labels import"
        raise InvalidInput(problem, reason="NO_TERMINAL")
    full = await resolved(client, name)
    who = labeler or getpass.getuser()
    done = {
        _key(label.cell)
        async for label in client.evaluations.labels(full)
        if (label.labeler, label.metric) == (who, metric)
    }
    total = (await client.evaluations.get(full)).counts
    left = total.passed + total.failed - len(done)
    print(f"{full}: about {max(left, 0)} to label as {who}; {_KEYS}")
    said = 0
    try:
        with _own_interrupt():
            async for cell in _shuffled(client.evaluations.results(full), who):
                if _key(cell.cell) in done or cell.status == CellResult.STATUS_ERROR:
                    continue
                _show(cell)
                answer, comment = _ask()
                if answer == "q":
                    break
                if answer == "s":
                    continue
                label = Label(cell=cell.cell, labeler=who, metric=metric, comment=comment)
                setattr(label, "pass", answer == "y")
                await client.evaluations.label(full, [label])
                said += 1
    except (KeyboardInterrupt, EOFError):
        print()
    print(f"{said} labels written to {full}")
    return 0


async def _shuffled(cells: AsyncIterable[CellResult], who: str) -> AsyncIterator[CellResult]:
    """Case by case; within one in an order that says nothing of the models, and is the same for a person each time."""
    gathered: list[CellResult] = []

    def in_order() -> list[CellResult]:
        return sorted(gathered, key=lambda cell: hashlib.sha256(f"{who}{_key(cell.cell)}".encode()).digest())

    async for cell in cells:
        if gathered and gathered[-1].cell.case != cell.cell.case:
            for each in in_order():
                yield each
            gathered.clear()
        gathered.append(cell)
    for each in in_order():
        yield each


def _show(cell: CellResult) -> None:
    description = " ".join(cell.description.split())
    print(f"\n── case {cell.cell.case + 1}{': ' if description else ''}{printable(description)}")
    print(f"{printable(cell.output)}\n")
    if cell.back_translation:
        print(f"in {cell.back_translation_language}: {printable(cell.back_translation)}\n")


def _ask() -> tuple[str, str]:
    """One of y, n, s, q; and a comment."""
    comment = ""
    while True:
        print("y/n/c/s/q? ", end="", flush=True)
        key = typer.getchar().lower()
        print(printable(key[:1]))
        if key in ("y", "n", "s", "q"):
            return key, comment
        if key == "c":
            comment = input("comment: ").strip()[:2000]
        elif key in ("\x03", "\x04"):
            return "q", ""
        else:
            print(_KEYS)


@contextmanager
def _own_interrupt() -> Iterator[None]:
    # While the event loop handles Ctrl-C it only takes note of it, and whoever waits for a key would go on waiting.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _key(cell: CellKey) -> tuple[int, int, int, int]:
    return (cell.case, cell.provider, cell.prompt, cell.repeat)
