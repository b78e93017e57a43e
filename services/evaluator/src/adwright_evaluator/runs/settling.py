"""What became of a run as a whole, written down once its rows are there, and anew when people have their say."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from typing import Final

from adwright_evaluator.summary import Tally
from adwright_servicekit.errors import Conflict

from .evaluations import Evaluations
from .records import Counts, EvaluationRecord, State
from .shard import sealed
from .summaries import packed_columns

__all__ = ["settle"]

_ATTEMPTS: Final = 25
"""Of many people who label one run at once, each waits for the others."""
_PAUSE: Final = 0.02
"""Seconds, at most and at first."""


async def settle(evaluations: Evaluations, record: EvaluationRecord) -> None:
    """Counts and columns from the rows, and that nobody has to see to the run any more, in one transaction.

    Does nothing where there is still something to do, or somebody at work, or where the run went on since `record` was
    read. Rows that change meanwhile are counted anew, so the last one who writes has seen them all.
    Raises NotFound, Conflict.
    """
    for attempt in range(_ATTEMPTS):
        before = await evaluations.get(record.tenant, record.id)
        if before.resumed != record.resumed:
            return
        shards = await evaluations.shards(before)
        state = before.state
        if state is State.RUNNING:
            if not all(shard.ended for shard in shards):
                return
            state = State.OUT_OF_BUDGET if any(shard.out_of_budget for shard in shards) else State.SUCCEEDED
        elif not await sealed(evaluations, before, shards):
            return
        tally, counts = Tally(), Counts()
        async for cells in evaluations.told(before):
            tally.add(cells)
            counts += Counts.of(cells)
        columns = packed_columns(await asyncio.to_thread(tally.summaries))
        ended = before.end_time or evaluations.now()
        after = replace(before, state=state, end_time=ended, counts=counts, columns=columns)
        if await evaluations.write(after, open=False):
            return
        await asyncio.sleep(random.uniform(0, _PAUSE * (attempt + 1)))  # noqa: S311
    raise Conflict(f"{record.name} is changed by others all the time: try again")
