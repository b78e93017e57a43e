"""A shard in the hands of one process: what it writes counts only as long as nobody else has taken the shard over."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from adwright_docstore import ConditionFailed, Delete, Key, Put, Store, Version
from adwright_evaluator.model import CellResult, CellStatus
from adwright_resources.store_errors import translated
from adwright_servicekit.errors import Conflict

from .packing import pack_row, unpack_row
from .records import Counts, EvaluationRecord, ShardRecord, open_shard_key, part, shard_key

__all__ = ["LEASE", "DoneRow", "HeldShard", "ShardLost", "hold", "new_owner"]

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


async def hold(store: Store, record: EvaluationRecord, shard: int, owner: str) -> HeldShard | None:
    """Takes a shard that nobody holds; None where somebody does, or where it is finished or gone."""
    key = shard_key(record.tenant, record.id, shard)
    with translated():
        item = await store.get(key)
    if item is None:
        return None
    there = ShardRecord.unpacked(item)
    held_by_another = there.until > time.time() and there.owner != owner and not _gone(there.owner)
    if there.finished or held_by_another:
        return None
    held = HeldShard(store, record, there, owner)
    try:
        await held.begin()
    except ShardLost:
        return None
    return held


def new_owner() -> str:
    """A name for this process: `host-pid-chance`."""
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"


def _gone(owner: str) -> bool:
    """Whether an owner was a process of this machine that is there no more: then its lease need not run out."""
    host, pid, _ = owner.rsplit("-", 2)
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

    def __init__(self, store: Store, record: EvaluationRecord, there: ShardRecord, owner: str) -> None:
        self._store = store
        self._record = record
        self._there = replace(there, owner=owner)
        self._lock = asyncio.Lock()
        self._rows = part(record.tenant, record.id, "rows")

    @property
    def number(self) -> int:
        """Which one it is."""
        return self._there.number

    @property
    def counts(self) -> Counts:
        """What is done of it."""
        return self._there.counts

    async def begin(self) -> None:
        """Says that it is held here."""
        await self._write([])

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
                cells = unpack_row(item.data, components=False)
                if self._there.retry_errors and any(cell.status is CellStatus.ERROR for cell in cells):
                    continue
                found.add(item.key.sk)
                counts += Counts.of(cells)
        await self._write([], total=counts)
        return found

    async def append(self, rows: Sequence[DoneRow]) -> None:
        """Writes rows; each is there as a whole, and once, or not at all."""
        puts: list[Put] = []
        cells: list[CellResult] = []
        size = 0
        for row in rows:
            packed = pack_row(row.cells)
            weight = sum(len(str(value)) for value in packed.values())
            if puts and (len(puts) == _MOST_ROWS or size + weight > _MOST_BYTES):
                await self._write(puts, Counts.of(cells))
                puts, cells, size = [], [], 0
            puts.append(Put(Key(self._rows, row.key), packed, expires_at=self._record.expire_time))
            cells += row.cells
            size += weight
        if puts:
            await self._write(puts, Counts.of(cells))

    async def finish(self) -> None:
        """Nothing is left to do."""
        key = open_shard_key(self._record.tenant, self._record.id, self.number)
        await self._write([Delete(key)], finished=True)

    async def leave(self) -> None:
        """Somebody else may go on at once."""
        await self._write([], until=0.0)

    async def close(self) -> None:
        """Nobody is to go on."""
        key = open_shard_key(self._record.tenant, self._record.id, self.number)
        await self._write([Delete(key)], until=0.0)

    async def _write(
        self,
        ops: Sequence[Put | Delete],
        added: Counts | None = None,
        *,
        total: Counts | None = None,
        finished: bool = False,
        until: float | None = None,
    ) -> None:
        async with self._lock:
            counts = self._there.counts if total is None else total
            there = replace(
                self._there,
                until=time.time() + LEASE if until is None else until,
                finished=finished or self._there.finished,
                counts=counts + added if added else counts,
            )
            key = shard_key(self._record.tenant, self._record.id, self.number)
            own = Put(key, there.packed(), Version(there.version), expires_at=self._record.expire_time)
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
