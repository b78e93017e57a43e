"""Admission by quota, exact over any number of gateways that share a store.

=====================  ======================  ===========
access                 partition key           sort key
=====================  ======================  ===========
a tenant's ledger      ``TENANT#quota``        ``ledger``
=====================  ======================  ===========

A ledger is changed by comparing its version, so no two gateways admit on the same state. What callers of one gateway
want of one tenant at the same time goes into one write, so gateways compete with each other and not with themselves.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from contextvars import Context
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeVar

from adwright_docstore import ABSENT, ConditionFailed, Key, Store, Version
from adwright_resources.partitions import partition
from adwright_resources.store_errors import translated
from adwright_servicekit.errors import AdwrightError, ResourceExhausted, Unavailable

from .ledger import Ledger, Limits, Room

__all__ = ["Quotas", "Settle", "SettledUse"]

_log = logging.getLogger(__name__)

T = TypeVar("T")
_ATTEMPTS: Final = 60
_LONGEST_PAUSE: Final = 0.1
_SWEPT_EVERY: Final = 10.0


@dataclass(frozen=True, slots=True)
class SettledUse:
    """What a generation has used in the end."""

    tokens: int
    usd_micros: int


Settle = Callable[[str, str], Awaitable["SettledUse | None"]]
"""Says for a tenant's generation what it used; None: it is still at work, or nobody can be asked now."""


@dataclass(eq=False, slots=True)
class _Wish:
    change: Callable[[Ledger], Any]
    done: asyncio.Future[Any]


class Quotas:
    """The ledgers of all tenants. Methods raise AdwrightError: ResourceExhausted (quota), Unavailable (store)."""

    def __init__(self, store: Store, now: Callable[[], datetime], find_use: Settle) -> None:
        """`find_use` is asked for generations whose gateway did not settle them."""
        self._store = store
        self._now = now
        self._find_use = find_use
        self._wishes: dict[str, list[_Wish]] = defaultdict(list)
        self._known: dict[str, tuple[Ledger, int]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._reclaiming: set[str] = set()
        self._sweeper: asyncio.Task[None] | None = None

    async def admit(
        self, tenant: str, generation: str, limits: Mapping[str, Limits], variants: int, expires: datetime
    ) -> list[Room]:
        """Reserves for a generation, by subject of all who pay; what is left then of their limits."""
        if self._sweeper is None:
            # In a context of its own: the deadline of the call that began it is not its.
            self._sweeper = asyncio.get_running_loop().create_task(self._sweep(), context=Context())

        def admit(ledger: Ledger) -> list[Room]:
            now = self._now()
            ledger.admit(now, generation, limits, variants, expires)
            return ledger.room(now, limits)

        try:
            return await self._apply(tenant, admit)
        except ResourceExhausted:
            # What a gateway left behind when it was killed may be in the way.
            if not await self.reclaim(tenant):
                raise
            return await self._apply(tenant, admit)

    async def settle(self, tenant: str, generation: str, used: SettledUse) -> bool:
        """Replaces a reservation by what was used; False where that was done before."""
        return await self._apply(
            tenant, lambda ledger: ledger.settle(self._now(), generation, used.tokens, used.usd_micros)
        )

    async def read(self, tenant: str) -> Ledger:
        """The ledger as it is now."""
        ledger, _ = await self._load(tenant)
        ledger.roll(self._now())
        return ledger

    async def reclaim(self, tenant: str) -> int:
        """Settles what expired without being settled, because its gateway is gone; how many those were."""
        count = 0
        for generation in (await self.read(tenant)).expired(self._now()):
            if generation in self._reclaiming:
                continue
            self._reclaiming.add(generation)
            try:
                used = await self._find_use(tenant, generation)
                if used is not None and await self.settle(tenant, generation, used):
                    _log.warning("settled %s, which its gateway left behind", generation)
                    count += 1
            finally:
                self._reclaiming.discard(generation)
        return count

    async def close(self) -> None:
        """Finishes what is being written."""
        if self._sweeper is not None:
            self._sweeper.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=5.0)

    async def _apply(self, tenant: str, change: Callable[[Ledger], T]) -> T:
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        waiting = self._wishes[tenant]
        waiting.append(_Wish(change, done))
        if len(waiting) == 1:
            task = asyncio.create_task(self._write(tenant))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        # A caller who leaves does not take back what others are written with.
        return await asyncio.shield(done)

    async def _write(self, tenant: str) -> None:
        """Writes until nobody wishes anything more."""
        waiting = self._wishes[tenant]
        while waiting:
            wishes = list(waiting)
            try:
                await self._commit(tenant, wishes)
            except Exception as error:  # whatever it is, it is told to those who wait
                for wish in wishes:
                    if not wish.done.done():
                        wish.done.set_exception(error)
            # Those who came meanwhile are next.
            del waiting[: len(wishes)]
        del self._wishes[tenant]

    async def _commit(self, tenant: str, wishes: list[_Wish]) -> None:
        for attempt in range(_ATTEMPTS):
            known = self._known.pop(tenant, None)
            before, version = known or await self._load(tenant)
            ledger = before.copy()
            answers = [_answer(wish.change, ledger) for wish in wishes]
            if known is not None and any(isinstance(answer, AdwrightError) for answer in answers):
                # Nobody is refused for what was true a while ago.
                continue
            if ledger != before:
                try:
                    with translated():
                        item = await self._store.put(
                            _place(tenant), {"ledger": ledger.pack()}, expect=Version(version) if version else ABSENT
                        )
                except ConditionFailed:
                    pause = min(_LONGEST_PAUSE, 0.002 * 2**attempt)
                    await asyncio.sleep(random.uniform(0, pause))  # noqa: S311 - nothing to guess
                    continue
                version = item.version
            self._known[tenant] = (ledger, version)
            for wish, answer in zip(wishes, answers, strict=True):
                if isinstance(answer, AdwrightError):
                    wish.done.set_exception(answer)
                else:
                    wish.done.set_result(answer)
            return
        raise Unavailable("too many are admitted at once: try again", reason="QUOTA_BUSY", retry_after=1.0)

    async def _load(self, tenant: str) -> tuple[Ledger, int]:
        with translated():
            item = await self._store.get(_place(tenant))
        if item is None:
            return Ledger(), 0
        data: Any = item.data["ledger"]
        return Ledger.unpack(data), item.version

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(_SWEPT_EVERY)
            for tenant in list(self._known):
                with suppress(AdwrightError):
                    await self.reclaim(tenant)


def _answer(change: Callable[[Ledger], T], ledger: Ledger) -> T | AdwrightError:
    try:
        return change(ledger)
    except AdwrightError as error:
        return error


def _place(tenant: str) -> Key:
    return Key(partition(tenant, "quota"), "ledger")
