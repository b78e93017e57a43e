"""What a generation holds of the backends: a seat for each variant that is being written."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING

from adwright_servicekit.errors import AdwrightError

from ..backends.base import Backend, BackendBusy, BackendEvent, BackendInfo, BackendRequest
from ..job import Job
from .failover import failover
from .slots import Taken
from .waiting import Priority

if TYPE_CHECKING:
    from .dispatcher import Dispatcher

__all__ = ["Lease", "Seat"]

_SHORTEST_COOL = 0.25
"""However soon it says that it may be asked again."""
_COOL = 1.0
"""Seconds for which a backend that refused without saying how long is left alone."""


class Seat:
    """A slot of one backend at a time. It moves to another one when that fails, and stays there."""

    def __init__(self, dispatcher: "Dispatcher", job: Job, taken: Taken) -> None:
        self._dispatcher = dispatcher
        self._job = job
        self._taken = taken
        self._held = True

    @property
    def info(self) -> BackendInfo:
        """Of the backend it is on."""
        return self._taken.slots.backend.info

    async def generate(self, request: BackendRequest) -> AsyncGenerator[BackendEvent]:
        """Like `Backend.generate`, over whichever backends it takes. A Switch says who goes on."""
        dispatcher = self._dispatcher
        # All the waiting for other backends together is bounded like the waiting at the start.
        patience = dispatcher.limits.max_wait
        failed: list[Backend] = []

        async def successor(error: AdwrightError) -> Backend | None:
            nonlocal patience
            backend = self._taken.slots.backend
            if isinstance(error, BackendBusy):
                self._taken.slots.cool(max(error.retry_after or _COOL, _SHORTEST_COOL))
            else:
                failed.append(backend)
            begun = dispatcher.now()
            try:
                return await self._move(backend, failed, begun + patience)
            finally:
                patience -= dispatcher.now() - begun

        async with aclosing(failover(self._taken.slots.backend, request, successor)) as events:
            async for event in events:
                yield event

    @property
    def held(self) -> bool:
        """False once it has left, or has lost its backend for good."""
        return self._held

    def leave(self, *, worked: bool = True) -> None:
        """Gives the slot back."""
        if self._held:
            self._held = False
            self._dispatcher.give(self._taken, worked=worked)

    async def _move(self, source: Backend, failed: Sequence[Backend], until: float) -> Backend | None:
        """To another backend than `source` that has not failed; back to it, after a while, when it was only full."""

        def choose() -> list[Backend]:
            left = [b for b in self._dispatcher.eligible(self._job) if b not in failed]
            return [b for b in left if b is not source and b.ready] or left

        self.leave(worked=False)
        if self._job.deadline is not None:
            until = min(until, self._job.deadline)
        try:
            self._taken = await self._dispatcher.turn(self._job, choose, Priority.BEGUN, 1, until)
        except AdwrightError:
            # The error that made it move says more.
            return None
        self._held = True
        return self._taken.slots.backend


class Lease:
    """The seats of a generation. Variants take turns where there are fewer seats than variants."""

    def __init__(self, seats: Sequence[Seat], variants: int) -> None:
        """`variants` is how many will ask for a seat."""
        self.info = seats[0].info
        """Of the backend that was chosen first."""
        self._seats = seats
        self._free: asyncio.Queue[Seat] = asyncio.Queue()
        for seat in seats:
            self._free.put_nowait(seat)
        self._to_come = variants

    @asynccontextmanager
    async def seat(self) -> AsyncIterator[Seat]:
        """A seat for one variant, from its first call to its last."""
        seat = await self._free.get()
        self._to_come -= 1
        try:
            yield seat
        finally:
            # A seat without a slot means that the generation fails, and those who wait for it with it.
            if self._to_come and seat.held:
                self._free.put_nowait(seat)
            else:
                seat.leave()

    def leave(self) -> None:
        """Gives all seats back."""
        for seat in self._seats:
            seat.leave()
