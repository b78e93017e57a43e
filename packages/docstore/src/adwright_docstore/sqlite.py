"""The store on one SQLite file: for a laptop, for tests, for a single machine.

Several processes may share the file, on a local disk. A write that was acknowledged survives the
death of the process; a power failure may take the last ones (synchronous=NORMAL), never the file.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from adwright_docstore import _sqlite_items as rows
from adwright_docstore import limits
from adwright_docstore._fingerprints import fingerprint_of
from adwright_docstore._page_tokens import PageTokens
from adwright_docstore._sqlite_file import open_file, read_page_token_key, writing
from adwright_docstore._worker import Worker
from adwright_docstore.errors import CeilingReached, InvalidItem
from adwright_docstore.model import (
    ALL,
    ANY,
    JSON,
    Check,
    Delete,
    Expect,
    Item,
    Key,
    Op,
    Page,
    Put,
    SkRange,
)
from adwright_docstore.store import Store

__all__ = ["SqliteStore", "utc_now"]

T = TypeVar("T")

# More than a write can add, so that expired rows do not pile up while there are writes.
_SWEPT_PER_WRITE: Final = 4


def utc_now() -> datetime:
    """The clock of a store that is given no other."""
    return datetime.now(UTC)


class SqliteStore(Store):
    """Opens the file at `path`, created with its folder if need be; `:memory:` keeps nothing.

    `page_token_key` defaults to one kept in the file. `now` returns an aware datetime and is
    called from another thread. `lock_timeout`, in seconds, is how long a call waits while another
    process writes. Opening may block as long; it raises StoreUnavailable, as do calls.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        page_token_key: bytes | None = None,
        now: Callable[[], datetime] = utc_now,
        lock_timeout: float = 5.0,
    ) -> None:
        tokens = None if page_token_key is None else PageTokens(page_token_key)
        connection = open_file(path, lock_timeout=lock_timeout)
        self._tokens = tokens or PageTokens(read_page_token_key(connection))
        self._clock = now
        self._worker = Worker(connection, name=str(path), lock_timeout=lock_timeout)

    async def get(self, key: Key, *, consistent: bool = True) -> Item | None:
        return await self._worker.run(lambda db: rows.read(db, key, self._now()))

    async def get_many(self, keys: Iterable[Key], *, consistent: bool = True) -> dict[Key, Item]:
        wanted = set(keys)

        def work(db: sqlite3.Connection) -> dict[Key, Item]:
            now = self._now()
            found = ((key, rows.read(db, key, now)) for key in wanted)
            return {key: item for key, item in found if item is not None}

        return await self._worker.run(work)

    async def put(
        self,
        key: Key,
        data: Mapping[str, JSON],
        *,
        expect: Expect = ANY,
        expires_at: datetime | None = None,
    ) -> Item:
        text, expiry = _encode(key, data), limits.epoch_seconds(expires_at)
        return await self._write(lambda db, now: rows.put(db, key, text, expect, expiry, now))

    async def delete(self, key: Key, *, expect: Expect = ANY) -> None:
        await self._write(lambda db, now: rows.delete(db, key, expect, now))

    async def query(
        self,
        pk: str,
        *,
        sk: SkRange = ALL,
        limit: int = 100,
        page_token: str | None = None,
        descending: bool = False,
        consistent: bool = False,
        bind: str = "",
    ) -> Page:
        limits.check_query(pk, limit)
        after = None if page_token is None else self._tokens.read(page_token, pk, sk, descending, bind)
        items, last = await self._worker.run(
            lambda db: rows.read_range(db, pk, sk, after=after, descending=descending, limit=limit, now=self._now())
        )
        return Page(items, None if last is None else self._tokens.issue(pk, sk, descending, bind, last))

    async def write_many(self, ops: Iterable[Put | Delete]) -> None:
        wanted = limits.last_of_each(ops)
        for at in range(0, len(wanted), limits.MAX_OPS):
            # In parts, so that a large batch does not hold the file from others.
            batch = [(op.key, _written(op)) for op in wanted[at : at + limits.MAX_OPS]]
            await self._write(partial(_overwrite, batch), writes=len(batch))

    async def ready(self) -> None:
        await self._worker.run(lambda db: rows.read(db, Key("ready", "ready"), 0))

    async def _continued(self, pk: str, sk: SkRange, descending: bool, bind: str, last: str) -> str:
        return self._tokens.issue(pk, sk, descending, bind, last)

    async def transact(self, ops: Sequence[Op], *, request_token: str | None = None) -> None:
        limits.check_ops(ops, request_token)
        steps = [_step(op) for op in ops]
        fingerprint = fingerprint_of(ops) if request_token is not None else b""

        def work(db: sqlite3.Connection, now: int) -> None:
            if request_token is None or rows.claim_request(db, request_token, fingerprint, now):
                for step in steps:
                    step(db, now)

        await self._write(work, writes=len(ops))

    async def increment(
        self,
        key: Key,
        deltas: Mapping[str, int],
        *,
        ceilings: Mapping[str, int] | None = None,
        expires_at: datetime | None = None,
    ) -> Mapping[str, int]:
        deltas, ceilings = dict(deltas), dict(ceilings or {})
        limits.check_increment(deltas, ceilings)
        expiry = limits.epoch_seconds(expires_at)

        def work(db: sqlite3.Connection, now: int) -> dict[str, int]:
            item = rows.read(db, key, now)
            before = item.data if item else {}
            after = {name: _add(before, name, deltas[name], ceilings.get(name)) for name in deltas}
            kept = limits.epoch_seconds(item.expires_at) if item else None
            text = _encode(key, {**before, **after})
            rows.put(db, key, text, ANY, kept if expiry is None else expiry, now)
            return after

        return await self._write(work)

    async def close(self) -> None:
        await self._worker.close()

    async def _write(self, work: Callable[[sqlite3.Connection, int], T], writes: int = 1) -> T:
        def transaction(db: sqlite3.Connection) -> T:
            with writing(db):
                # Read under the lock: a write that waited must not see an expired item.
                now = self._now()
                result = work(db, now)
                rows.sweep(db, now, _SWEPT_PER_WRITE * writes)
                return result

        return await self._worker.run(transaction)

    def _now(self) -> int:
        return int(self._clock().timestamp())


def _encode(key: Key, data: Mapping[str, JSON]) -> str:
    limits.check_item(key, data)
    return json.dumps(dict(data), ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _overwrite(batch: list[tuple[Key, tuple[str, int | None] | None]], db: sqlite3.Connection, now: int) -> None:
    rows.overwrite(db, batch)


def _written(op: Put | Delete) -> tuple[str, int | None] | None:
    return (_encode(op.key, op.data), limits.epoch_seconds(op.expires_at)) if isinstance(op, Put) else None


def _step(op: Op) -> Callable[[sqlite3.Connection, int], object]:
    # Encoded here, so that the caller may change its data once the call has begun.
    match op:
        case Put(key, data, expect, expires_at):
            text, expiry = _encode(key, data), limits.epoch_seconds(expires_at)
            return lambda db, now: rows.put(db, key, text, expect, expiry, now)
        case Delete(key, expect):
            return lambda db, now: rows.delete(db, key, expect, now)
        case Check(key, expect):
            return lambda db, now: rows.require(db, key, expect, now)


def _add(data: Mapping[str, JSON], name: str, delta: int, ceiling: int | None) -> int:
    current = data.get(name, 0)
    if not isinstance(current, int) or isinstance(current, bool):
        raise InvalidItem(f"field {name!r} is not an integer counter")
    if ceiling is not None and delta > 0 and current + delta > ceiling:
        raise CeilingReached(name, ceiling, current)
    return current + delta
