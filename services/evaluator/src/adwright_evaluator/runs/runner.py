"""Runs the rows of a shard, many at a time, and writes what is done as it goes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Sequence
from enum import Enum, auto
from typing import Final

from adwright_evaluator.model import CellResult

from .asking import OutOfBudget
from .plan import Row
from .session import Session
from .shard import DoneRow, HeldShard

__all__ = ["Ended", "run_shard"]

_BATCH: Final = 400
"""Rows that are written together at most, and those that may wait to be."""
_SOON: Final = 0.1
"""So long a row that is done may wait for others to be written with. Units: seconds."""
_TURN: Final = 20
"""Rows that need no waiting are run in a row; then others have their turn."""


class Ended(Enum):
    """Why a shard is run no more."""

    WHOLE = auto()
    """Every row is done."""
    OUT_OF_BUDGET = auto()
    """The budget ended before."""
    GAVE_WAY = auto()
    """Others were to have their turn."""


async def run_shard(session: Session, shard: HeldShard, give_way: asyncio.Event) -> Ended:
    """Runs what is to be run of a shard; after `give_way` only the rows that have begun.

    Raises ShardLost, and AdwrightError where rows cannot be written.
    """
    done = await shard.done()
    session.asker.spent_before = shard.counts.cost_usd
    rows = (row for row in session.plan.rows(shard.number) if row.key not in done)
    writing = _Writing(shard, session)
    workers = max(1, min(session.asker.seats, session.plan.cell_count))
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(writing.run())
            async with asyncio.TaskGroup() as at_work:
                for _ in range(workers):
                    at_work.create_task(_work(rows, session, writing, give_way))
            writing.end()
    except BaseExceptionGroup as together:
        raise _first(together) from together
    if writing.out_of_budget:
        return Ended.OUT_OF_BUDGET
    return Ended.WHOLE if next(rows, None) is None else Ended.GAVE_WAY


async def _work(rows: Iterator[Row], session: Session, writing: _Writing, give_way: asyncio.Event) -> None:
    while not (writing.out_of_budget or give_way.is_set()):
        for _ in range(_TURN):
            row = next(rows, None)
            if row is None:
                return
            try:
                cells = await session.rows.run(row)
            except OutOfBudget:
                writing.out_of_budget = True
                return
            await writing.add(DoneRow(row.key, cells))
            if writing.out_of_budget or give_way.is_set():
                return
        await asyncio.sleep(0)


def _first(together: BaseExceptionGroup[BaseException]) -> BaseException:
    """What went wrong first, and ended the others."""
    first = together.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first


class _Writing:
    """Gathers rows and writes them together."""

    def __init__(self, shard: HeldShard, session: Session) -> None:
        self._shard = shard
        self._session = session
        self._rows: list[DoneRow] = []
        self._there = asyncio.Event()
        self._enough = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._ended = False
        self.out_of_budget = False

    async def add(self, row: DoneRow) -> None:
        """Waits where too much waits already."""
        self._rows.append(row)
        self._session.asker.spend(_judging(row.cells))
        self._there.set()
        if len(self._rows) >= _BATCH:
            self._enough.set()
            self._room.clear()
            await self._room.wait()

    def end(self) -> None:
        """Nothing more will come."""
        self._ended = True
        self._there.set()
        self._enough.set()

    async def run(self) -> None:
        """Until the end."""
        while not (self._ended and not self._rows):
            await self._there.wait()
            with contextlib.suppress(TimeoutError):
                # Not wait_for: until Python 3.12 it forgets that it was cancelled where both happen at once.
                async with asyncio.timeout(_SOON):
                    await self._enough.wait()
            self._there.clear()
            if not self._ended:
                self._enough.clear()
            rows, self._rows = self._rows, []
            self._room.set()
            if rows:
                await self._shard.append(rows)


def _judging(cells: Sequence[CellResult]) -> float:
    return sum(cell.verdict.cost_usd for cell in cells if cell.verdict)
