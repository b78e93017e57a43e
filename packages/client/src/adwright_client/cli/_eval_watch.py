"""A run followed to its end, with a bar on a terminal and a line now and then elsewhere."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from adwright.evaluator.v1.evaluation_pb2 import Evaluation
from adwright_servicekit.errors import AdwrightError

from ..client import AsyncClient
from ._eval_tables import progress_line, run_id
from ._interrupted import Interrupted

__all__ = ["follow"]

_EVERY: Final = 10.0
"""Seconds between two lines where no bar can be painted."""


async def follow(client: AsyncClient, begun: Evaluation) -> Evaluation:
    """The run once it has ended. Raises Interrupted on Ctrl-C: the run goes on."""
    last, id_ = begun, run_id(begun)
    try:
        with _progress() as show:
            async for last in client.evaluations.watch(begun.name):
                show(last)
    except asyncio.CancelledError:
        how = f"watch it with adwright eval show {id_}, end it with adwright eval cancel {id_}"
        raise Interrupted(f"interrupted; {begun.name} goes on at the server: {how}") from None
    except AdwrightError as error:
        if last.state == Evaluation.STATE_RUNNING:
            error.message = f"{error.message}; {begun.name} may go on: adwright eval show {id_}"
        raise
    return last


@contextmanager
def _progress() -> Iterator[Callable[[Evaluation], None]]:
    if not sys.stderr.isatty() or os.environ.get("TERM", "dumb") in ("dumb", "unknown"):
        yield _Lines().show
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    with Progress(
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TextColumn("{task.description}", markup=False),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    ) as progress:
        task = progress.add_task("", total=None)

        def show(now: Evaluation) -> None:
            counts = now.counts
            said = f"{counts.passed} passed, {counts.failed} failed, {counts.errors} errors, ${counts.cost_usd:.4f}"
            progress.update(task, total=counts.cells, completed=counts.done, description=said)

        yield show


class _Lines:
    def __init__(self) -> None:
        self._spoken = -_EVERY

    def show(self, now: Evaluation) -> None:
        if now.state == Evaluation.STATE_RUNNING and time.monotonic() - self._spoken >= _EVERY:
            self._spoken = time.monotonic()
            print(progress_line(now), file=sys.stderr, flush=True)
