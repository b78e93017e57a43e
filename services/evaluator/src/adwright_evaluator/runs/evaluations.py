"""The runs of all tenants: begun, found, listed, ended, forgotten."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from adwright_docstore import (
    ABSENT,
    ConditionFailed,
    Delete,
    Expect,
    Item,
    Key,
    Prefix,
    Put,
    Store,
    TransactionConflict,
    Version,
)
from adwright_evaluator.model import Told
from adwright_resources.partitions import new_id, partition
from adwright_resources.store_errors import translated
from adwright_servicekit.errors import AlreadyExists, Conflict, FailedPrecondition, NotFound

from .packing import tell_row
from .pieces import from_pieces, to_pieces
from .records import (
    Counts,
    EvaluationRecord,
    ShardRecord,
    State,
    evaluation_key,
    fields_prefix,
    open_run_key,
    part,
)

__all__ = ["Evaluations"]

_PAGE: Final = 50
_TOLD: Final = 500
_ATTEMPTS: Final = 8
_REQUESTS_KEPT: Final = timedelta(hours=1)
_PARTS: Final = ("shards", "files", "fields", "rows", "labels")
"""The shards first: then nobody writes rows any more."""


Change: TypeAlias = "Callable[[EvaluationRecord], EvaluationRecord | None]"


class Evaluations:
    """Methods raise AdwrightError: NotFound, InvalidInput (token), Unavailable (store), Conflict."""

    def __init__(self, store: Store, now: Callable[[], datetime], keep: timedelta) -> None:
        """`keep` counts from a run's begin."""
        self.store = store
        self.now = now
        self.keep = keep

    async def id_for(self, tenant: str, request_id: str, fingerprint: str) -> str:
        """A new id, or the one that this request was given before. Raises AlreadyExists."""
        fresh = new_id(self.now())
        if not request_id:
            return fresh
        key = Key(partition(tenant, "evaluation-requests"), request_id.lower())
        with translated():
            try:
                await self.store.put(
                    key,
                    {"id": fresh, "fingerprint": fingerprint},
                    expect=ABSENT,
                    expires_at=self.now() + _REQUESTS_KEPT,
                )
            except ConditionFailed:
                there = await self.store.get(key)
                if there is not None and there.data["fingerprint"] == fingerprint:
                    return str(there.data["id"])
                raise AlreadyExists(
                    "request_id: was used for another run: take a new UUID for each request", reason="REQUEST_ID_REUSED"
                ) from None
        return fresh

    async def create(self, record: EvaluationRecord, files: Mapping[str, bytes]) -> EvaluationRecord:
        """Keeps a run with its files, to be run; one that is there stays as it is."""
        where = part(record.tenant, record.id, "files")
        with translated():
            there = await self.store.get(evaluation_key(record.tenant, record.id))
            if there is not None:
                return await self._unpacked(there)
            await self.store.write_many(
                Put(Key(where, f"{number:04d}"), {"z": piece}, expires_at=record.expire_time)
                for number, piece in enumerate(to_pieces(files))
            )
        # Last: what is there is there as a whole.
        return await self.write(record, open=True) or await self.get(record.tenant, record.id)

    async def get(self, tenant: str, evaluation: str) -> EvaluationRecord:
        """Raises NotFound."""
        with translated():
            item = await self.store.get(evaluation_key(tenant, evaluation))
        if item is None:
            raise NotFound(
                f"there is no evaluations/{evaluation}: it was deleted, has expired, or is somebody else's",
                reason="EVALUATION_NOT_FOUND",
            )
        return await self._unpacked(item)

    async def page(self, tenant: str, page_size: int, page_token: str) -> tuple[Sequence[EvaluationRecord], str]:
        """One page, the newest first, and the token of the next."""
        with translated():
            page = await self.store.query(
                evaluation_key(tenant, "x").pk,
                limit=page_size or _PAGE,
                page_token=page_token or None,
                descending=True,
                consistent=True,
            )
        return await asyncio.gather(*map(self._unpacked, page.items)), page.next_page_token or ""

    async def files(self, record: EvaluationRecord) -> dict[str, bytes]:
        """The files that it was begun with, by path."""
        with translated():
            pieces = [
                str(item.data["z"])
                async for item in self.store.query_all(part(record.tenant, record.id, "files"), consistent=True)
            ]
        return from_pieces(pieces)

    async def counts(self, record: EvaluationRecord) -> Counts:
        """How far it is."""
        if record.counts is not None:
            return record.counts
        return sum((shard.counts for shard in await self.shards(record)), Counts())

    async def shards(self, record: EvaluationRecord) -> list[ShardRecord]:
        """All its shards, by number."""
        with translated():
            where = part(record.tenant, record.id, "shards")
            taken = [ShardRecord.unpacked(item) async for item in self.store.query_all(where, consistent=True)]
        there = {shard.number: shard.as_of(record) for shard in taken}
        return [there.get(n) or ShardRecord(n, resumed=record.resumed) for n in range(record.shards)]

    async def told(self, record: EvaluationRecord) -> AsyncIterator[list[Told]]:
        """What the cells that are done add to sums, some hundreds at a time, in order of case and repeat."""
        with translated():
            found: list[Told] = []
            async for item in self.store.query_all(
                part(record.tenant, record.id, "rows"), page_size=500, consistent=True
            ):
                found += tell_row(item.data)
                if len(found) >= _TOLD:
                    yield found
                    found = []
            yield found

    async def change(self, tenant: str, evaluation: str, change: Change) -> EvaluationRecord:
        """Writes what `change` makes of it; None leaves it. Raises NotFound."""
        for _ in range(_ATTEMPTS):
            before = await self.get(tenant, evaluation)
            after = change(before)
            if after is None:
                return before
            if (written := await self.write(after)) is not None:
                return written
        raise Conflict(f"evaluations/{evaluation} is changed by others all the time: try again")

    async def write(self, record: EvaluationRecord, *, open: bool | None = None) -> EvaluationRecord | None:
        """Writes a record that was read and changed, or is new; None where somebody else wrote since.

        `open`: in the same transaction, whether somebody has to see to the run from now on; None leaves that.
        """
        item, pieces = record.packed()
        key, opened = evaluation_key(record.tenant, record.id), open_run_key(record.tenant, record.id)
        expect: Expect = Version(record.version) if record.version else ABSENT
        ops: list[Put | Delete] = [Put(key, item, expect, expires_at=record.expire_time)]
        if open is not None:
            ops.append(Put(opened, {}, expires_at=record.expire_time) if open else Delete(opened))
        try:
            with translated():
                if pieces:
                    await self.store.write_many(pieces)
                await self.store.transact(ops)
        except (ConditionFailed, TransactionConflict, Conflict):
            return None
        return replace(record, version=record.version + 1)

    async def stop(self, tenant: str, evaluation: str, *, why: str = "") -> EvaluationRecord:
        """Has it end as it is, and be settled soon; one that has ended stays as it is. Raises NotFound."""

        def stopped(record: EvaluationRecord) -> EvaluationRecord | None:
            if record.state is not State.RUNNING:
                return None
            warnings = (*record.warnings, why) if why else record.warnings
            return replace(record, state=State.CANCELLED, end_time=self.now(), warnings=warnings)

        return await self.change(tenant, evaluation, stopped)

    async def reopen(self, tenant: str, evaluation: str, budget_usd: float) -> EvaluationRecord:
        """Has it go on. Raises NotFound, FailedPrecondition where it runs or is whole."""
        for _ in range(_ATTEMPTS):
            before = await self.get(tenant, evaluation)
            counts = await self.counts(before)
            if before.state is State.RUNNING:
                raise FailedPrecondition(f"{before.name} runs already", reason="EVALUATION_RUNNING")
            if counts.done == before.cell_count and not counts.errors:
                raise FailedPrecondition(f"{before.name} is done: every cell has a result", reason="EVALUATION_DONE")
            after = replace(
                before,
                state=State.RUNNING,
                end_time=None,
                counts=None,
                columns=(),
                choices=replace(before.choices, budget_usd=budget_usd or before.choices.budget_usd),
                resumed=before.resumed + 1,
            )
            if (written := await self.write(after, open=True)) is not None:
                return written
        raise Conflict(f"evaluations/{evaluation} is changed by others all the time: try again")

    async def _unpacked(self, item: Item) -> EvaluationRecord:
        prefix = fields_prefix(item)
        if not prefix:
            return EvaluationRecord.unpacked(item)
        where = part(str(item.data["tenant"]), item.key.sk, "fields")
        with translated():
            rest = [
                str(piece.data["z"]) async for piece in self.store.query_all(where, sk=Prefix(prefix), consistent=True)
            ]
        return EvaluationRecord.unpacked(item, rest)

    async def delete(self, tenant: str, evaluation: str) -> None:
        """Forgets it with all that belongs to it. Raises NotFound."""
        await self.get(tenant, evaluation)
        with translated():
            # First: nobody begins to run it again.
            await self.store.transact(
                [Delete(open_run_key(tenant, evaluation)), Delete(evaluation_key(tenant, evaluation))]
            )
            for what in _PARTS:
                where = part(tenant, evaluation, what)
                keys = [item.key async for item in self.store.query_all(where, page_size=1000, consistent=True)]
                await self.store.write_many(map(Delete, keys))
