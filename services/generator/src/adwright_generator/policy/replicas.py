"""Several replicas as one backend: found by name, asked by load, replaced when they fail."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from weakref import WeakKeyDictionary

from adwright_servicekit.errors import AdwrightError

from ..backends.base import (
    Backend,
    BackendBusy,
    BackendEvent,
    BackendInfo,
    BackendRequest,
    BackendUnavailable,
    BreakerState,
)
from ..backends.discovery import Endpoint
from .failover import failover
from .leaving import Leaving

__all__ = ["ReplicaSet"]

_log = logging.getLogger(__name__)

_COOL = 1.0
"""Seconds for which a replica that refused without saying how long is asked last."""
_RESOLVE_EVERY = 5.0
"""Seconds: new replicas take traffic within this and the first poll of their load."""


class ReplicaSet(Backend):
    """Each generation goes to the replica with the least to do; one that fails is followed by another."""

    def __init__(
        self,
        info: BackendInfo,
        discover: Callable[[], Awaitable[Sequence[Endpoint]]],
        make: Callable[[Endpoint], Backend],
        *,
        resolve_every: float = _RESOLVE_EVERY,
    ) -> None:
        """`discover` raises BackendUnavailable when nothing is found; those known before are then kept."""
        self._info = replace(info, endpoint="")
        self._discover = discover
        self._make = make
        self._every = resolve_every
        self._replicas: dict[Endpoint, Backend] = {}
        self._leaving = Leaving()
        self._refresher: asyncio.Task[None] | None = None
        self._turn = 0
        self._refused: WeakKeyDictionary[Backend, float] = WeakKeyDictionary()
        """Until when those that refused a request are asked last."""

    @property
    def info(self) -> BackendInfo:
        return self._info

    @property
    def replicas(self) -> Sequence[Backend]:
        """Those that there are now."""
        return list(self._replicas.values())

    @property
    def ready(self) -> bool:
        return self._refresher is not None and any(replica.ready for replica in self._replicas.values())

    @property
    def in_flight(self) -> int:
        return sum(replica.in_flight for replica in self._replicas.values())

    @property
    def capacity(self) -> int:
        return sum(r.capacity for r in self._replicas.values() if r.ready) or self._info.max_concurrency

    @property
    def predicted_wait(self) -> float:
        return min((r.predicted_wait for r in self._replicas.values() if r.ready), default=0.0)

    @property
    def breaker(self) -> BreakerState:
        states = {replica.breaker for replica in self._replicas.values()}
        for state in (BreakerState.CLOSED, BreakerState.HALF_OPEN):
            if state in states or not states:
                return state
        return BreakerState.OPEN

    async def start(self) -> None:
        if self._refresher is None:
            for error in await self._refresh():
                await self.close()
                raise error
            self._refresher = asyncio.create_task(self._keep_refreshing())

    async def close(self) -> None:
        refresher, self._refresher = self._refresher, None
        if refresher is not None:
            refresher.cancel()
            await asyncio.gather(refresher, return_exceptions=True)
        await self._leaving.close()
        await asyncio.gather(*(replica.close() for replica in self._replicas.values()))
        self._replicas.clear()

    async def generate(self, request: BackendRequest) -> AsyncGenerator[BackendEvent]:
        tried: list[Backend] = []

        async def successor(error: AdwrightError) -> Backend | None:
            if isinstance(error, BackendBusy):
                self._refused[tried[-1]] = asyncio.get_running_loop().time() + (error.retry_after or _COOL)
            following = self._pick(tried)
            if following is not None:
                tried.append(following)
            return following

        first = self._pick(tried)
        if first is None:
            if any(replica.ready for replica in self._replicas.values()):
                raise BackendBusy(f"all replicas of backend {self._info.name} are full; try again", retry_after=1.0)
            raise BackendUnavailable(f"no replica of backend {self._info.name} can be reached", retry_after=1.0)
        tried.append(first)
        async with aclosing(failover(first, request, successor)) as events:
            async for event in events:
                yield event

    def _pick(self, tried: Sequence[Backend]) -> Backend | None:
        """The replica with the shortest wait, then the emptiest; equals take turns. Who just refused is last."""
        free = [r for r in self._replicas.values() if r.ready and r not in tried and r.in_flight < r.capacity]
        if not free:
            return None
        self._turn += 1
        place = self._turn % len(free)
        now = asyncio.get_running_loop().time()
        return min(
            free[place:] + free[:place],
            key=lambda r: (self._refused.get(r, 0.0) > now, r.predicted_wait, r.in_flight / r.capacity),
        )

    async def _keep_refreshing(self) -> None:
        while True:
            await asyncio.sleep(self._every)
            for error in await self._refresh():
                _log.warning("a replica of %s does not start: %s", self._info.name, error)

    async def _refresh(self) -> list[Exception]:
        """Returns why some do not start; those that do are in, whatever becomes of the others."""
        try:
            found = await self._discover()
        except BackendUnavailable as error:
            _log.warning("replicas of %s cannot be found: %s", self._info.name, error.message)
            return []
        for endpoint in [*self._replicas]:
            if endpoint not in found:
                replica = self._replicas.pop(endpoint)
                self._leaving.let_go(replica, partial(getattr, replica, "in_flight"))
        fresh = [endpoint for endpoint in found if endpoint not in self._replicas]
        return [error for error in await asyncio.gather(*map(self._admit, fresh)) if error is not None]

    async def _admit(self, endpoint: Endpoint) -> Exception | None:
        replica = self._make(endpoint)
        try:
            await replica.start()
        except Exception as error:
            await replica.close()
            return error
        except asyncio.CancelledError:
            await replica.close()
            raise
        self._replicas[endpoint] = replica
        return None
