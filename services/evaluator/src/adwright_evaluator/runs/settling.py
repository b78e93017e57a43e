"""What became of a run as a whole, written down once its rows are there, and anew when people have their say."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Final

from adwright_evaluator.summary import Tally
from adwright_servicekit.errors import Conflict

from .evaluations import Evaluations
from .records import Counts, EvaluationRecord, State
from .summaries import packed_columns

__all__ = ["settle"]

_ATTEMPTS: Final = 5


async def settle(evaluations: Evaluations, record: EvaluationRecord, state: State) -> None:
    """Counts and columns from the rows; nothing where the run goes on, or has ended in another way.

    Rows that change meanwhile are counted anew, so the last one who writes has seen them all.
    """
    for _ in range(_ATTEMPTS):
        before = await evaluations.get(record.tenant, record.id)
        if before.state not in (State.RUNNING, state):
            return
        tally, counts = Tally(), Counts()
        async for row in evaluations.rows(before, components=False):
            tally.add(row)
            counts += Counts.of(row)
        columns = packed_columns(await asyncio.to_thread(tally.summaries))
        ended = before.end_time or evaluations.now()
        if await evaluations.write(replace(before, state=state, end_time=ended, counts=counts, columns=columns)):
            return
    raise Conflict(f"{record.name} is changed by others all the time: try again")
