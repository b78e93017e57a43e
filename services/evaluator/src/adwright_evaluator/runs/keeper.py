"""Sees to it that every shard of every run is run by somebody: also when who ran it is gone.

Each process looks at what has to be run, takes what nobody holds, says every few seconds that it still has it, and
leaves what was cancelled. Any number of processes may do so over one store.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from adwright_docstore import Delete
from adwright_resources.store_errors import translated
from adwright_servicekit.errors import AdwrightError, InvalidInput, NotFound
from adwright_servicekit.logs import where

from .evaluations import Evaluations
from .records import OPEN_SHARDS, EvaluationRecord, State, open_shard_of
from .runner import run_shard
from .session import Session, Sessions
from .settling import settle
from .shard import HeldShard, ShardLost, hold, new_owner

__all__ = ["Keeper"]

_log = logging.getLogger(__name__)

_LOOK: Final = 2.0
"""Between looks at what has to be run. Units: seconds."""
_RENEW: Final = 4.0
_STOPPED: Final = "shard %d of %s stopped, and is gone on with soon: %s"
_AGAIN: Final = 5.0
"""After a failure that has nothing to do with the run."""


@dataclass(eq=False)
class _Work:
    record: EvaluationRecord
    shard: int
    task: asyncio.Task[None] | None = None


class Keeper:
    """Runs shards, as many at a time as it may."""

    def __init__(self, evaluations: Evaluations, sessions: Sessions, *, most: int) -> None:
        """`most` shards at a time."""
        self._evaluations = evaluations
        self._sessions = sessions
        self._most = most
        self._owner = new_owner()
        self._work: dict[tuple[str, str, int], _Work] = {}
        self._asked = asyncio.Event()
        self._looking: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """From now on."""
        self._looking = asyncio.create_task(self._look())

    def look(self) -> None:
        """There is something new."""
        self._asked.set()

    async def cancel(self, tenant: str, evaluation: str) -> None:
        """Ends what runs of it here; other processes notice within seconds."""
        for (whose, which, _), work in list(self._work.items()):
            if (whose, which) == (tenant, evaluation) and work.task is not None:
                work.task.cancel()

    async def close(self) -> None:
        """Leaves everything for others to go on with."""
        tasks = [self._looking, *(work.task for work in self._work.values())]
        running = [task for task in tasks if task is not None]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def run_one(self, tenant: str, evaluation: str, shard: int) -> State:
        """Sees one shard to its end, as a worker of a job does, also where somebody else runs it; the run's state then.

        Raises NotFound, and InvalidInput for a shard that the run does not have.
        """
        while True:
            record = await self._evaluations.get(tenant, evaluation)
            if not 0 <= shard < record.shards:
                raise InvalidInput.of(
                    "shard", f"{record.name} has {record.shards}, numbered from 0: begin it with as many shards as pods"
                )
            ended = (await self._evaluations.shards(record))[shard].finished
            if ended or record.state is not State.RUNNING:
                return record.state
            held = await hold(self._evaluations.store, record, shard, self._owner)
            if held is None:
                await asyncio.sleep(_LOOK)
            else:
                await self._run(record, held)

    async def _look(self) -> None:
        while True:
            try:
                await self._take()
            except AdwrightError as error:
                _log.warning("cannot look for evaluations to run: %s", error.message)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._asked.wait(), _LOOK)
            self._asked.clear()

    async def _take(self) -> None:
        with translated():
            keys = [
                item.key
                async for item in self._evaluations.store.query_all(OPEN_SHARDS, page_size=500, consistent=True)
            ]
        for key in keys:
            if len(self._work) >= self._most:
                return
            where_ = open_shard_of(key)
            if where_ in self._work:
                continue
            tenant, evaluation, shard = where_
            try:
                record = await self._evaluations.get(tenant, evaluation)
            except NotFound:
                await self._evaluations.store.write_many([Delete(key)])
                continue
            held = await hold(self._evaluations.store, record, shard, self._owner)
            if held is not None:
                work = self._work[where_] = _Work(record, shard)
                work.task = asyncio.create_task(self._run(record, held))
                work.task.add_done_callback(partial(self._done, where_))

    def _done(self, which: tuple[str, str, int], task: asyncio.Task[None]) -> None:
        self._work.pop(which, None)
        self.look()

    async def _run(self, record: EvaluationRecord, held: HeldShard) -> None:
        """Never raises but for a cancellation."""
        try:
            await self._run_held(record, held)
        except ShardLost:
            _log.info("shard %d of %s is run by somebody else now", held.number, record.name)
        except asyncio.CancelledError:
            with contextlib.suppress(ShardLost, AdwrightError):
                await asyncio.shield(asyncio.wait_for(self._left(record, held), 5))
            raise
        except InvalidInput as error:
            # It was possible when it began: a backend is gone, or another version reads suites otherwise.
            _log.warning("%s cannot be run any more: %s", record.name, error.message)
            await self._impossible(record, held, error.message)
        except AdwrightError as error:
            _log.warning(_STOPPED, held.number, record.name, error.message)
            await asyncio.sleep(_AGAIN)
        except Exception as error:
            _log.error(_STOPPED, held.number, record.name, where(error))
            await asyncio.sleep(_AGAIN)

    async def _run_held(self, record: EvaluationRecord, held: HeldShard) -> None:
        if record.state is not State.RUNNING:
            await held.close()
            return
        files = await self._evaluations.files(record)
        plan = await self._sessions.plan(files, record.main, record.choices)
        session = await self._sessions.open(record.tenant, plan, files)
        renewing = asyncio.create_task(self._renew(record, held, session, asyncio.current_task()))
        try:
            whole = await run_shard(session, held)
        finally:
            renewing.cancel()
        if whole:
            await held.finish()
            await self._end(record)
        else:
            await held.close()
            await settle(self._evaluations, record, State.OUT_OF_BUDGET)

    async def _renew(
        self, record: EvaluationRecord, held: HeldShard, session: Session, runner: asyncio.Task[None] | None
    ) -> None:
        """Keeps the lease; ends the runner where the run was stopped or the shard is lost."""
        assert runner is not None
        while True:
            try:
                await held.renew()
                now = await self._evaluations.get(record.tenant, record.id)
                if now.state is not State.RUNNING:
                    runner.cancel()
                    return
                if record.choices.budget_usd:
                    counts = await self._evaluations.counts(now)
                    session.asker.spent_elsewhere = counts.cost_usd - held.counts.cost_usd
            except (ShardLost, NotFound):
                runner.cancel()
                return
            except AdwrightError as error:
                _log.warning("the lease of a shard of %s was not renewed: %s", record.name, error.message)
            await asyncio.sleep(_RENEW)

    async def _left(self, record: EvaluationRecord, held: HeldShard) -> None:
        """Who was cancelled: the process ends, and others go on; or the run was stopped, and nobody does."""
        now = await self._evaluations.get(record.tenant, record.id)
        if now.state is State.RUNNING:
            await held.leave()
        else:
            await held.close()
            await settle(self._evaluations, now, now.state)

    async def _impossible(self, record: EvaluationRecord, held: HeldShard, why: str) -> None:
        await held.close()
        stopped = await self._evaluations.stop(record.tenant, record.id)
        await self._evaluations.change(
            record.tenant, record.id, lambda before: replace(before, warnings=(*before.warnings, why))
        )
        await settle(self._evaluations, stopped, State.CANCELLED)

    async def _end(self, record: EvaluationRecord) -> None:
        """The last shard that is finished finishes the run."""
        if all(shard.finished for shard in await self._evaluations.shards(record)):
            await settle(self._evaluations, record, State.SUCCEEDED)
