"""Sees to it that every shard of every run is run by somebody: also when who ran it is gone.

Each process looks at what has to be run, takes what nobody holds, says every few seconds that it still has it, and
leaves what was cancelled. Any number of processes may do so over one store. A run is seen to until it is settled: also
one that was stopped, or whose last row was written by a process that is gone.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Coroutine, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from adwright_resources.store_errors import translated
from adwright_servicekit.errors import AdwrightError, InvalidInput, NotFound
from adwright_servicekit.logs import where

from .evaluations import Evaluations
from .records import OPEN_RUNS, EvaluationRecord, State, open_run_of
from .runner import Ended, run_shard
from .session import Sessions
from .settling import settle
from .shard import HeldShard, ShardLost, free, hold, new_owner

__all__ = ["Keeper"]

_log = logging.getLogger(__name__)

_LOOK: Final = 2.0
"""Between looks at what has to be run. Units: seconds."""
_FULL: Final = 5
"""Where every place is taken, only one look in so many goes through all runs."""
_RENEW: Final = 4.0
_STOPPED: Final = "shard %d of %s stopped, and is gone on with soon: %s"
_AGAIN: Final = 5.0
"""After a failure that has nothing to do with the run."""
_TRIES: Final = 5
"""So often a shard is taken without getting on before its run is given up."""
_SETTLING: Final = -1
"""In the place of a shard's number: the run is settled."""


@dataclass(eq=False)
class _Work:
    record: EvaluationRecord
    give_way: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None


class Keeper:
    """Runs shards, as many at a time as it may, and settles runs."""

    def __init__(self, evaluations: Evaluations, sessions: Sessions, *, most: int) -> None:
        """`most` shards at a time."""
        self._evaluations = evaluations
        self._sessions = sessions
        self._most = most
        self._owner = new_owner()
        self._work: dict[tuple[str, str, int], _Work] = {}
        self._served: dict[str, int] = {}
        self._turns = itertools.count(1)
        self._asked = asyncio.Event()
        self._looking: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """From now on."""
        self._looking = asyncio.create_task(self._look())

    def look(self) -> None:
        """There is something new."""
        self._asked.set()

    async def cancel(self, tenant: str, evaluation: str) -> None:
        """Ends what runs of a run that was stopped, and settles it; other processes notice within seconds."""
        for (whose, which, shard), work in list(self._work.items()):
            if (whose, which) == (tenant, evaluation) and work.task is not None and shard != _SETTLING:
                work.task.cancel()
        with contextlib.suppress(NotFound):
            record = await self._evaluations.get(tenant, evaluation)
            if not record.settled:
                self._settle_soon(record)

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
            ended = (await self._evaluations.shards(record))[shard].ended
            if ended or record.state is not State.RUNNING:
                await settle(self._evaluations, record)
                return (await self._evaluations.get(tenant, evaluation)).state
            held = await hold(self._evaluations, record, shard, self._owner)
            if held is None:
                await asyncio.sleep(_LOOK)
            else:
                await self._run(record, held, asyncio.Event())

    async def _look(self) -> None:
        for count in itertools.count():
            try:
                if len(self._at_work()) < self._most or count % _FULL == 0:
                    await self._take()
            except AdwrightError as error:
                _log.warning("cannot look for evaluations to run: %s", error.message)
            except Exception as error:
                _log.error("cannot look for evaluations to run: %s", where(error))
            with contextlib.suppress(TimeoutError):
                # Not wait_for: until Python 3.12 it forgets that it was cancelled where both happen at once.
                async with asyncio.timeout(_LOOK):
                    await self._asked.wait()
            self._asked.clear()

    async def _take(self) -> None:
        """Tenants take turns: whoever has least at work here comes next, of several who was served longest ago."""
        runs: defaultdict[str, list[str]] = defaultdict(list)
        with translated():
            async for item in self._evaluations.store.query_all(OPEN_RUNS, page_size=500, consistent=True):
                tenant, evaluation = open_run_of(item.key)
                runs[tenant].append(evaluation)
        self._served = {tenant: turn for tenant, turn in self._served.items() if tenant in runs}
        waiting = {tenant: self._to_run(tenant, evaluations) for tenant, evaluations in runs.items()}
        while waiting:
            places = Counter(self._at_work())
            tenant = min(waiting, key=lambda each: (places[each], self._served.get(each, 0)))
            found = await anext(waiting[tenant], None)
            if found is None:
                del waiting[tenant]
            elif places.total() >= self._most:
                self._make_way(tenant, places)
                del waiting[tenant]
            else:
                await self._begin(*found)

    async def _to_run(self, tenant: str, evaluations: Sequence[str]) -> AsyncIterator[tuple[EvaluationRecord, int]]:
        """The shards of a tenant's runs that are not run here, the oldest run first; runs without any are settled."""
        for evaluation in evaluations:
            try:
                record = await self._evaluations.get(tenant, evaluation)
                shards = await self._evaluations.shards(record)
            except NotFound:
                continue
            except (LookupError, TypeError, ValueError) as error:
                # Another version may write otherwise: the runs behind it are still run.
                _log.error("evaluations/%s cannot be read: %s", evaluation, where(error))
                continue
            if record.state is not State.RUNNING or all(shard.ended for shard in shards):
                self._settle_soon(record)
                continue
            for shard in shards:
                here = (tenant, evaluation, shard.number) in self._work
                if not here and free(shard, self._owner, self._evaluations.now()):
                    yield record, shard.number

    async def _begin(self, record: EvaluationRecord, shard: int) -> None:
        held = await hold(self._evaluations, record, shard, self._owner)
        if held is None:
            return
        self._served[record.tenant] = next(self._turns)
        work = _Work(record)
        self._start((record.tenant, record.id, shard), work, self._run(record, held, work.give_way))

    def _make_way(self, tenant: str, places: Counter[str]) -> None:
        """Somebody who has several places gives one to a tenant who has none."""
        [(richest, most)] = places.most_common(1) or [("", 0)]
        giving = [work for work in self._work.values() if work.give_way.is_set()]
        if places[tenant] == 0 and most > 1 and not giving:
            [*_, last] = [work for (whose, _, shard), work in self._work.items() if whose == richest and shard >= 0]
            last.give_way.set()

    def _at_work(self) -> list[str]:
        """The tenants whose shards are run here, once for each shard."""
        return [tenant for tenant, _, shard in self._work if shard != _SETTLING]

    def _settle_soon(self, record: EvaluationRecord) -> None:
        which = (record.tenant, record.id, _SETTLING)
        if which not in self._work:
            self._start(which, _Work(record), self._settle(record))

    def _start(self, which: tuple[str, str, int], work: _Work, what: Coroutine[None, None, None]) -> None:
        self._work[which] = work
        work.task = asyncio.create_task(what)
        work.task.add_done_callback(partial(self._done, which))

    def _done(self, which: tuple[str, str, int], task: asyncio.Task[None]) -> None:
        self._work.pop(which, None)
        if which[-1] != _SETTLING:
            self.look()

    async def _settle(self, record: EvaluationRecord) -> None:
        """Never raises but for a cancellation: who looks next does it again."""
        try:
            # Who was told to stop leaves first.
            mine = [work.task for key, work in self._work.items() if key[:2] == (record.tenant, record.id)]
            others = [task for task in mine if task is not None and task is not asyncio.current_task()]
            if others and record.state is not State.RUNNING:
                await asyncio.wait(others)
            await settle(self._evaluations, record)
        except NotFound:
            return
        except AdwrightError as error:
            _log.warning("%s is not settled yet: %s", record.name, error.message)
        except Exception as error:
            _log.error("%s is not settled yet: %s", record.name, where(error))

    async def _run(self, record: EvaluationRecord, held: HeldShard, give_way: asyncio.Event) -> None:
        """Never raises but for a cancellation."""
        try:
            await self._run_held(record, held, give_way)
        except ShardLost:
            _log.info("shard %d of %s is run by somebody else now", held.number, record.name)
        except asyncio.CancelledError:
            with contextlib.suppress(ShardLost, AdwrightError, TimeoutError):
                await asyncio.shield(asyncio.wait_for(held.leave(), 5))
            raise
        except InvalidInput as error:
            # It was possible when it began: a backend is gone, or another version reads suites otherwise.
            await self._give_up(record, held, error.message)
        except AdwrightError as error:
            _log.warning(_STOPPED, held.number, record.name, error.message)
            await self._leave(held, failed=False)
        except Exception as error:
            _log.error(_STOPPED, held.number, record.name, where(error))
            if held.tries >= _TRIES:
                await self._give_up(record, held, f"shard {held.number} failed {held.tries} times: {where(error)}")
            else:
                await self._leave(held, failed=True)

    async def _run_held(self, record: EvaluationRecord, held: HeldShard, give_way: asyncio.Event) -> None:
        if held.tries > _TRIES:
            raise InvalidInput(f"shard {held.number} was begun {_TRIES} times, and each time its process ended")
        # From the first moment: to read a large suite may take longer than a lease lasts.
        renewing = asyncio.create_task(self._renew(record, held))
        working = asyncio.create_task(self._work_on(record, held, give_way))
        try:
            await asyncio.wait({renewing, working}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            renewing.cancel()
            stopped = working.cancel()
            await asyncio.gather(renewing, working, return_exceptions=True)
        if stopped:
            # The run was stopped, or is gone.
            await held.leave()
            return
        ended = working.result()
        if ended is Ended.WHOLE:
            await held.finish()
        elif ended is Ended.OUT_OF_BUDGET:
            await held.out_of_budget()
        else:
            await held.leave()
            return
        await settle(self._evaluations, record)

    async def _work_on(self, record: EvaluationRecord, held: HeldShard, give_way: asyncio.Event) -> Ended:
        files = await self._evaluations.files(record)
        plan = await self._sessions.plan(files, record.main, record.choices)
        session = await self._sessions.open(record.tenant, plan, files, held.number)
        try:
            return await run_shard(session, held, give_way)
        finally:
            session.close()

    async def _renew(self, record: EvaluationRecord, held: HeldShard) -> None:
        """Keeps the lease; returns where the run was stopped or the shard is lost."""
        while True:
            await asyncio.sleep(_RENEW)
            try:
                await held.renew()
                now = await self._evaluations.get(record.tenant, record.id)
            except (ShardLost, NotFound):
                return
            except AdwrightError as error:
                _log.warning("the lease of a shard of %s was not renewed: %s", record.name, error.message)
                continue
            if now.state is not State.RUNNING or now.resumed != record.resumed:
                return

    async def _leave(self, held: HeldShard, *, failed: bool) -> None:
        """Somebody goes on after a pause, and this place is free meanwhile."""
        try:
            await held.leave(_AGAIN, failed=failed)
        except (ShardLost, AdwrightError):
            # The lease runs out by itself.
            await asyncio.sleep(_AGAIN)

    async def _give_up(self, record: EvaluationRecord, held: HeldShard, why: str) -> None:
        _log.warning("%s cannot be run any more: %s", record.name, why)
        try:
            await self._evaluations.stop(record.tenant, record.id, why=why)
            await held.leave()
            await settle(self._evaluations, record)
        except (ShardLost, NotFound):
            return
        except AdwrightError as error:
            _log.warning(_STOPPED, held.number, record.name, error.message)
            await asyncio.sleep(_AGAIN)
