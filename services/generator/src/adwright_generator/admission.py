"""Who may begin: bounded, fair waiting for a backend, by whole generations.

A generation makes several calls to its backend. It is admitted once, before its first event, so that one that has begun
is never refused half-way because others came after it.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from .backends.base import BackendBusy, BackendInfo

__all__ = ["Admission"]


class Admission:
    """Room for as many variants at a time as the backend serves; others wait in the order in which they came."""

    def __init__(self, info: BackendInfo, *, max_waiting: int = 64) -> None:
        """`max_waiting` generations may wait; more are refused."""
        self._name = info.name
        self._capacity = info.max_concurrency
        self._free = info.max_concurrency
        self._max_waiting = max_waiting
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    @asynccontextmanager
    async def admit(self, variants: int) -> AsyncIterator[None]:
        """Waits for room for so many variants at a time. Raises BackendBusy when too many wait already."""
        # One that wants more than there is takes all there is: its variants then take turns.
        weight = min(variants, self._capacity)
        await self._enter(weight)
        try:
            yield
        finally:
            self._leave(weight)

    async def _enter(self, weight: int) -> None:
        if not self._waiting and self._free >= weight:
            self._free -= weight
            return
        if len(self._waiting) >= self._max_waiting:
            raise BackendBusy(
                f"backend {self._name} is full and {self._max_waiting} generations wait for it: try again in a moment",
                retry_after=1.0,
            )
        turn = (weight, asyncio.get_running_loop().create_future())
        self._waiting.append(turn)
        try:
            await turn[1]
        except asyncio.CancelledError:
            if turn[1].done() and not turn[1].cancelled():
                self._leave(weight)
            elif turn in self._waiting:
                self._waiting.remove(turn)
                # Those behind may have less to wait for.
                self._leave(0)
            raise

    def _leave(self, weight: int) -> None:
        self._free += weight
        while self._waiting and self._free >= self._waiting[0][0]:
            next_weight, turn = self._waiting.popleft()
            if not turn.cancelled():
                self._free -= next_weight
                turn.set_result(None)
