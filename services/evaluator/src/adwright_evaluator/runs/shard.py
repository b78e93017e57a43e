"""A shard in the hands of one process: what it writes counts only as long as nobody else has taken the shard over."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from adwright_docstore import ABSENT, Check, ConditionFailed, Key, Put, StoreError, Version
from adwright_docstore.limits import check_item
from adwright_evaluator.model import Answer, CellResult, CellStatus
from adwright_resources.store_errors import translated
from adwright_servicekit.errors import Conflict, InvalidInput
from adwright_servicekit.logs import where

from .evaluations import Evaluations
from .packing import pack_row, tell_row
from .records import Counts, EvaluationRecord, ShardRecord, evaluation_key, part, shard_key

__all__ = ["LEASE", "DoneRow", "HeldShard", "ShardLost", "free", "hold", "new_owner", "sealed"]

LEASE: Final = 15.0
"""So long a process that says nothing more keeps a shard. Units: seconds."""
_MOST_ROWS: Final = 90
"""A transaction has at most a hundred operations."""
_MOST_BYTES: Final = 3_000_000
_PAUSES: Final = (0.05, 0.1, 0.2, 0.5)


class ShardLost(Exception):
    """Somebody else runs this shard now, or its run was deleted."""


@dataclass(frozen=True, slots=True)
class DoneRow:
    """A row with its results."""

    key: str
    cells: Sequence[CellResult]


async def hold(evaluations: Evaluations, record: EvaluationRecord, shard: int, owner: str) -> HeldShard | None:
    """Takes a shard that is free, of a run that is still as `record` says; None otherwise."""
    with translated():
        item = await evaluations.store.get(shard_key(record.tenant, record.id, shard))
    there = ShardRecord.unpacked(item).as_of(record) if item else ShardRecord(shard, resumed=record.resumed)
    if not free(there, owner, evaluations.now()):
        return None
    held = HeldShard(evaluations, record, there, owner)
    try:
        await held.begin()
    except ShardLost:
        return None
    return held


async def sealed(evaluations: Evaluations, record: EvaluationRecord, shards: Sequence[ShardRecord]) -> bool:
    """Sees to it that nobody writes rows of a run that was stopped; False where somebody may still be at it."""
    now = evaluations.now()
    open_ones = [shard for shard in shards if shard.owner and not shard.ended]
    if any(_held(shard, now) for shard in open_ones):
        return False
    for shard in open_ones:
        # Its version rises: who held it, and comes back from wherever it was, has lost it.
        put = replace(shard, owner="", until=0.0)
        key = shard_key(record.tenant, record.id, shard.number)
        try:
            with translated():
                await evaluations.store.put(
                    key, put.packed(), expect=Version(shard.version), expires_at=record.expire_time
                )
        except (ConditionFailed, Conflict):
            return False
    return True


def free(shard: ShardRecord, owner: str, now: datetime) -> bool:
    """Whether `owner` may take it."""
    return not shard.ended and (shard.owner == owner or not _held(shard, now))


def _held(shard: ShardRecord, now: datetime) -> bool:
    return shard.until > now.timestamp() and not _gone(shard.owner)


def new_owner() -> str:
    """A name for this process: `host-pid-chance`."""
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"


def _gone(owner: str) -> bool:
    """Whether an owner was a process of this machine that is there no more: then its lease need not run out."""
    host, pid, _ = owner.rsplit("-", 2) if owner else ("", "", "")
    if host != socket.gethostname():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except (ValueError, PermissionError):
        return False
    return False


class HeldShard:
    """Every method raises ShardLost where the shard is somebody else's by now."""

    def __init__(self, evaluations: Evaluations, record: EvaluationRecord, there: ShardRecord, owner: str) -> None:
        self._store = evaluations.store
        self._now = evaluations.now
        self._record = record
        self._there = replace(there, owner=owner)
        self._lock = asyncio.Lock()
        self._key = shard_key(record.tenant, record.id, there.number)
        self._rows = part(record.tenant, record.id, "rows")

    @property
    def number(self) -> int:
        """Which one it is."""
        return self._there.number

    @property
    def counts(self) -> Counts:
        """What is done of it."""
        return self._there.counts

    @property
    def tries(self) -> int:
        """How often it was taken since it last got on, this time included."""
        return self._there.tries

    async def begin(self) -> None:
        """Says that it is held here, of a run that is still as it was read."""
        run = Check(evaluation_key(self._record.tenant, self._record.id), Version(self._record.version))
        await self._write([run], tries=self._there.tries + 1)

    async def renew(self) -> None:
        """Says so again, before the lease ends."""
        await self._write([])

    async def done(self) -> set[str]:
        """Keys of the rows that are done, counted anew; where a run is resumed, a row with an error is not done."""
        found: set[str] = set()
        counts = Counts()
        shards, number = self._record.shards, self.number
        with translated():
            async for item in self._store.query_all(self._rows, page_size=500, consistent=True):
                if int(item.key.sk.partition("#")[0]) % shards != number:
                    continue
                cells = tell_row(item.data)
                if self._record.resumed and any(cell.status is CellStatus.ERROR for cell in cells):
                    continue
                found.add(item.key.sk)
                counts += Counts.of(cells)
        await self._write([], counts=counts)
        return found

    async def append(self, rows: Sequence[DoneRow]) -> None:
        """Writes rows; each is there as a whole, and once, or not at all. One that cannot be kept is an ERROR."""
        batch: list[_PackedRow] = []
        size = 0
        for row in rows:
            packed = self._packed(row)
            if batch and (len(batch) == _MOST_ROWS or size + packed.weight > _MOST_BYTES):
                await self._append(batch)
                batch, size = [], 0
            batch.append(packed)
            size += packed.weight
        if batch:
            await self._append(batch)

    async def finish(self) -> None:
        """Nothing is left to do."""
        await self._write([], finished=True)

    async def out_of_budget(self) -> None:
        """Nothing is left to pay with."""
        await self._write([], out_of_budget=True)

    async def leave(self, pause: float = 0.0, *, failed: bool = False) -> None:
        """Somebody else may go on, after a pause in seconds; it got on as far as it could, or `failed`."""
        tries = self._there.tries if failed else max(0, self._there.tries - 1)
        until = self._now().timestamp() + pause if pause else 0.0
        await self._write([], owner="", until=until, tries=tries)

    async def _append(self, batch: Sequence[_PackedRow]) -> None:
        try:
            await self._put(batch)
        except InvalidInput:
            # Looked for only now: all but the rarest rows can be kept, and the store has looked at them already.
            await self._put(
                [packed if (why := _unkept(packed)) is None else self._broken(packed.row, why) for packed in batch]
            )

    async def _put(self, batch: Sequence[_PackedRow]) -> None:
        added = Counts.of(cell.told for packed in batch for cell in packed.row.cells)
        await self._write([packed.put for packed in batch], counts=self._there.counts + added, tries=0)

    def _packed(self, row: DoneRow) -> _PackedRow:
        try:
            data = pack_row(row.cells)
        except Exception as error:
            return self._broken(row, where(error))
        put = Put(Key(self._rows, row.key), data, expires_at=self._record.expire_time)
        return _PackedRow(row, put, sum(len(str(value)) for value in data.values()))

    def _broken(self, row: DoneRow, why: str) -> _PackedRow:
        return self._packed(DoneRow(row.key, [_without_content(cell, why) for cell in row.cells]))

    async def _write(self, ops: Sequence[Put | Check], **changes: Any) -> None:
        async with self._lock:
            there = replace(self._there, **{"until": self._now().timestamp() + LEASE} | changes)
            expect = Version(there.version) if there.version else ABSENT
            own = Put(self._key, there.packed(), expect, expires_at=self._record.expire_time)
            for pause in _PAUSES:
                try:
                    with translated():
                        await self._store.transact([own, *ops])
                    break
                except ConditionFailed as error:
                    raise ShardLost from error
                except Conflict:
                    # Somebody reads or takes it at this moment: the version says whether it is still ours.
                    await asyncio.sleep(pause)
            else:
                raise ShardLost
            self._there = replace(there, version=there.version + 1)


@dataclass(frozen=True, slots=True)
class _PackedRow:
    row: DoneRow
    put: Put
    weight: int


def _unkept(packed: _PackedRow) -> str | None:
    """Why the store does not take a row, or None."""
    try:
        check_item(packed.put.key, packed.put.data)
    except StoreError as error:
        return str(error)
    return None


def _without_content(cell: CellResult, why: str) -> CellResult:
    """A cell of which only what it took is kept."""
    answer = Answer(None, cost_usd=cell.answer.cost_usd, usage=cell.answer.usage, cached=cell.answer.cached)
    return replace(
        cell,
        status=CellStatus.ERROR,
        score=0.0,
        answer=answer,
        prompt_text="",
        vars={},
        verdict=None,
        error=f"the result cannot be kept: {why}",
        description="",
        # In a comparison it is still the case that it was.
        vars_hash=cell.case_key,
    )
