"""Stores that stand beside the real one and let tests choose what they do."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from adwright_docstore import ALL, ANY, Delete, Expect, Item, Key, Op, Page, Put, SkRange, Store, StoreUnavailable
from adwright_docstore.model import JSON

T = TypeVar("T")


class Mortal(Store):
    """A store as a process has it that is killed: from a chosen write on, nothing is written or read any more."""

    def __init__(self, inner: Store, *, writes: int | None = None) -> None:
        """`writes` are done; None: all."""
        self.inner = inner
        self.left = writes
        self.dead = asyncio.Event()
        self.writes = 0

    def _alive(self) -> None:
        if self.dead.is_set():
            raise StoreUnavailable("this process is dead")

    async def _write(self, what: Callable[[], Awaitable[T]]) -> T:
        self._alive()
        if self.left is not None and self.writes >= self.left:
            self.dead.set()
        self._alive()
        self.writes += 1
        return await what()

    async def get(self, key: Key, *, consistent: bool = True) -> Item | None:
        self._alive()
        return await self.inner.get(key, consistent=consistent)

    async def get_many(self, keys: Iterable[Key], *, consistent: bool = True) -> dict[Key, Item]:
        self._alive()
        return await self.inner.get_many(keys, consistent=consistent)

    async def put(
        self, key: Key, data: Mapping[str, JSON], *, expect: Expect = ANY, expires_at: datetime | None = None
    ) -> Item:
        return await self._write(lambda: self.inner.put(key, data, expect=expect, expires_at=expires_at))

    async def delete(self, key: Key, *, expect: Expect = ANY) -> None:
        await self._write(lambda: self.inner.delete(key, expect=expect))

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
        self._alive()
        return await self.inner.query(
            pk, sk=sk, limit=limit, page_token=page_token, descending=descending, consistent=consistent, bind=bind
        )

    async def write_many(self, ops: Iterable[Put | Delete]) -> None:
        await self._write(lambda: self.inner.write_many(ops))

    async def transact(self, ops: Sequence[Op], *, request_token: str | None = None) -> None:
        await self._write(lambda: self.inner.transact(ops, request_token=request_token))

    async def increment(
        self,
        key: Key,
        deltas: Mapping[str, int],
        *,
        ceilings: Mapping[str, int] | None = None,
        expires_at: datetime | None = None,
    ) -> Mapping[str, int]:
        return await self._write(lambda: self.inner.increment(key, deltas, ceilings=ceilings, expires_at=expires_at))

    async def ready(self) -> None:
        self._alive()
        await self.inner.ready()

    async def close(self) -> None:
        """The inner one belongs to somebody else."""

    async def _continued(self, pk: str, sk: SkRange, descending: bool, bind: str, last: str) -> str:
        return await self.inner._continued(pk, sk, descending, bind, last)


class Broken(Mortal):
    """A store with a defect: reading or writing a partition that ends so raises what no store should, `times` times."""

    def __init__(self, inner: Store, *, end: str, times: int) -> None:
        super().__init__(inner)
        self._end = end
        self.times = times

    def _check(self, *partitions: str) -> None:
        if self.times > 0 and any(each.endswith(self._end) for each in partitions):
            self.times -= 1
            raise RuntimeError("a defect")

    async def query(self, pk: str, **more: Any) -> Page:
        self._check(pk)
        return await super().query(pk, **more)

    async def transact(self, ops: Sequence[Op], *, request_token: str | None = None) -> None:
        self._check(*(op.key.pk for op in ops))
        await super().transact(ops, request_token=request_token)
