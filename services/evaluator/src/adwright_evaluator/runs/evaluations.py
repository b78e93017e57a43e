"""The runs of all tenants: begun, found, listed, ended, forgotten."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from adwright_docstore import ABSENT, ConditionFailed, Delete, Key, Put, Store, TransactionConflict, Version
from adwright_evaluator.model import CellResult
from adwright_resources.partitions import new_id, partition
from adwright_resources.store_errors import translated
from adwright_servicekit.errors import AlreadyExists, Conflict, FailedPrecondition, NotFound

from .packing import unpack_row
from .pieces import from_pieces, to_pieces
from .records import (
    Counts,
    EvaluationRecord,
    ShardRecord,
    State,
    evaluation_key,
    open_shard_key,
    part,
    shard_key,
)

__all__ = ["Evaluations"]

_PAGE: Final = 50
_ATTEMPTS: Final = 8
_REQUESTS_KEPT: Final = timedelta(hours=1)
_PARTS: Final = ("files", "shards", "rows", "labels")


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
        """Keeps a run with its files and says that it has to be run; one that is there stays as it is."""
        where = part(record.tenant, record.id, "files")
        expires = record.expire_time
        files_ = [
            Put(Key(where, f"{number:04d}"), {"z": piece}, expires_at=expires)
            for number, piece in enumerate(to_pieces(files))
        ]
        shards = [
            Put(shard_key(record.tenant, record.id, number), ShardRecord(number).packed(), expires_at=expires)
            for number in range(record.shards)
        ]
        try:
            with translated():
                there = await self.store.get(evaluation_key(record.tenant, record.id))
                if there is not None:
                    return EvaluationRecord.unpacked(there)
                await self.store.write_many([*files_, *shards])
                # Last: what is there is there as a whole.
                item = await self.store.put(
                    evaluation_key(record.tenant, record.id), record.packed(), expect=ABSENT, expires_at=expires
                )
        except ConditionFailed:
            return await self.get(record.tenant, record.id)
        await self.open_shards(record)
        return replace(record, version=item.version)

    async def open_shards(self, record: EvaluationRecord) -> None:
        """Says that they have to be run."""
        with translated():
            await self.store.write_many(
                Put(open_shard_key(record.tenant, record.id, n), {}, expires_at=record.expire_time)
                for n in range(record.shards)
            )

    async def get(self, tenant: str, evaluation: str) -> EvaluationRecord:
        """Raises NotFound."""
        with translated():
            item = await self.store.get(evaluation_key(tenant, evaluation))
        if item is None:
            raise NotFound(
                f"there is no evaluations/{evaluation}: it was deleted, has expired, or is somebody else's",
                reason="EVALUATION_NOT_FOUND",
            )
        return EvaluationRecord.unpacked(item)

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
        return [EvaluationRecord.unpacked(item) for item in page.items], page.next_page_token or ""

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
        """All its shards."""
        with translated():
            where = part(record.tenant, record.id, "shards")
            return [ShardRecord.unpacked(item) async for item in self.store.query_all(where, consistent=True)]

    async def rows(self, record: EvaluationRecord, *, components: bool = True) -> AsyncIterator[list[CellResult]]:
        """The cells that are done, row by row, in order of case and repeat; without what each assertion said if so."""
        with translated():
            where = part(record.tenant, record.id, "rows")
            async for item in self.store.query_all(where, page_size=200, consistent=True):
                yield unpack_row(item.data, components=components)

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

    async def write(self, record: EvaluationRecord) -> EvaluationRecord | None:
        """Writes a record that was read and changed; None where somebody else wrote since."""
        try:
            with translated():
                item = await self.store.put(
                    evaluation_key(record.tenant, record.id),
                    record.packed(),
                    expect=Version(record.version),
                    expires_at=record.expire_time,
                )
        except (ConditionFailed, TransactionConflict, Conflict):
            return None
        return replace(record, version=item.version)

    async def stop(self, tenant: str, evaluation: str, state: State = State.CANCELLED) -> EvaluationRecord:
        """Has it end as it is; one that has ended stays as it is. Raises NotFound."""

        def stopped(record: EvaluationRecord) -> EvaluationRecord | None:
            if record.state is not State.RUNNING:
                return None
            return replace(record, state=state, end_time=self.now())

        return await self.change(tenant, evaluation, stopped)

    async def reopen(self, tenant: str, evaluation: str, budget_usd: float) -> EvaluationRecord:
        """Has it go on. Raises NotFound, FailedPrecondition where it runs or is whole."""
        before = await self.get(tenant, evaluation)
        counts = await self.counts(before)
        if before.state is State.RUNNING:
            raise FailedPrecondition(f"{before.name} runs already", reason="EVALUATION_RUNNING")
        if counts.done == before.cell_count and not counts.errors:
            raise FailedPrecondition(f"{before.name} is done: every cell has a result", reason="EVALUATION_DONE")

        def reopened(record: EvaluationRecord) -> EvaluationRecord:
            choices = replace(record.choices, budget_usd=budget_usd) if budget_usd else record.choices
            return replace(record, state=State.RUNNING, end_time=None, counts=None, columns=(), choices=choices)

        with translated():
            await self.store.write_many(
                Put(
                    shard_key(tenant, evaluation, n),
                    ShardRecord(n, retry_errors=True).packed(),
                    expires_at=before.expire_time,
                )
                for n in range(before.shards)
            )
        record = await self.change(tenant, evaluation, reopened)
        await self.open_shards(record)
        return record

    async def delete(self, tenant: str, evaluation: str) -> None:
        """Forgets it with all that belongs to it. Raises NotFound."""
        record = await self.get(tenant, evaluation)
        with translated():
            # First: nobody begins to run it again.
            await self.store.write_many(Delete(open_shard_key(tenant, evaluation, n)) for n in range(record.shards))
            await self.store.delete(evaluation_key(tenant, evaluation))
            for what in _PARTS:
                where = part(tenant, evaluation, what)
                keys = [item.key async for item in self.store.query_all(where, page_size=1000, consistent=True)]
                await self.store.write_many(map(Delete, keys))
