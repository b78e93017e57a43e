"""Who gets which backend, and when: eligibility, queue prediction and spill, fair waiting.

A claim goes to the first backend in routing order that may see the data, can do what is asked, is up, and whose
predicted wait fits. Where none fits it waits for its turn, bounded in number and in time, and is then refused in clear
words.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from functools import partial

from adwright_checks import Output
from adwright_servicekit.errors import AdwrightError

from ..backends.base import Backend, BackendBusy, BackendUnavailable
from ..job import Job
from .capability import able, named
from .lease import Lease, Seat
from .residency import may_see
from .slots import Slots, Taken
from .waiting import FairQueue, Priority

__all__ = ["Claim", "Dispatcher", "Limits"]

_TICK = 0.05
"""Seconds between looks at the backends while somebody waits: load and breakers change by themselves."""
_MARGIN = 0.1
"""Seconds before a call's deadline by which it is told that its turn does not come."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long, and how many. Seconds."""

    max_predicted_wait: float = 2.0
    max_waiting: int = 256
    max_wait: float = 10.0


@dataclass(eq=False, slots=True)
class Claim:
    """One that wants slots: a generation that begins, or a variant that lost its backend."""

    tenant: str
    priority: Priority
    weight: int
    choose: Callable[[], Sequence[Backend]]
    """Gives those it may have, in routing order; asked again when the configuration changes."""
    backends: Sequence[Backend]
    since: float
    until: float
    """When it gives up."""
    turn: asyncio.Future[Taken] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Dispatcher:
    """Hands out the slots of all backends."""

    def __init__(
        self, backends: Sequence[Backend], limits: Limits | None = None, *, now: Callable[[], float] = time.monotonic
    ) -> None:
        """`backends` stand in routing order."""
        self.now = now
        self.limits = limits or Limits()
        self._queue: FairQueue[Claim] = FairQueue(self.limits.max_waiting)
        self._ticker: asyncio.TimerHandle | None = None
        self._slots = {backend: Slots(backend, now=now) for backend in backends}
        self.in_flight = 0
        """Generations and completions that wait or run."""
        self.demand: Counter[str] = Counter()
        """By backend: variants that wait or run, wherever, and would have gone to this one had it been up and free."""
        self.wanted: Counter[str] = Counter()
        """As `demand`, but all that there ever were."""

    @property
    def backends(self) -> Sequence[Backend]:
        """In routing order."""
        return list(self._slots)

    @property
    def waiting(self) -> int:
        """Generations that wait to begin."""
        return len(self._queue)

    def used(self) -> dict[str, int]:
        """By backend: variants that hold one of its slots."""
        return {slots.backend.info.name: slots.used for slots in [*self._slots.values()]}

    def fits(self, backend: Backend) -> bool:
        """Whether a new request would be given to `backend` rather than to the next one."""
        slots = self._slots[backend]
        wait = backend.predicted_wait + slots.wait_for(1)
        return backend.ready and not slots.cooling and wait <= self.limits.max_predicted_wait

    def predicted_wait(self, backend: Backend) -> float:
        """Seconds until a new request would have its turn there: for a slot, and then inside the model server."""
        slots = self._slots[backend]
        return max(slots.cooling, backend.predicted_wait + slots.wait_for(1))

    def replace(self, backends: Sequence[Backend], limits: Limits) -> list[Slots]:
        """Goes on with other backends and limits. Returns what is gone; what runs there may end undisturbed."""
        before = self._slots
        self.limits = limits
        self._queue.max_waiting = limits.max_waiting
        self._slots = {b: before.get(b) or Slots(b, now=self.now) for b in backends}
        for claim in [*self._queue]:
            try:
                claim.backends = claim.choose()
            except AdwrightError as error:
                self._dismiss(claim, error)
        self._look()
        return [slots for backend, slots in before.items() if backend not in self._slots]

    def eligible(self, job: Job) -> list[Backend]:
        """The backends that may have `job`, in routing order, whether they are up or not.

        Raises NotFound (backend, adapter) and FailedPrecondition (residency).
        """
        allowed = may_see(named(self.backends, job.backend), job.residencies)
        return able(allowed, adapter=job.adapter, constrained=job.format.output is Output.JSON)

    @asynccontextmanager
    async def admit(self, job: Job) -> AsyncIterator[Lease]:
        """Waits for room for a generation and holds it.

        Raises as `eligible`, BackendUnavailable when none that may have it is up, and BackendBusy when its turn does
        not come: too many wait, or it waited too long.
        """
        with self._counted(self.eligible(job)[0].info.name, job.variant_count):
            taken = await self.turn(job, partial(self.eligible, job), job.priority, job.variant_count, job.deadline)
            lease = Lease([Seat(self, job, taken) for _ in range(taken.count)], job.variant_count)
            try:
                yield lease
            finally:
                lease.leave()

    @contextmanager
    def _counted(self, first_choice: str, variants: int) -> Iterator[None]:
        self.in_flight += 1
        self.demand[first_choice] += variants
        self.wanted[first_choice] += variants
        try:
            yield
        finally:
            self.in_flight -= 1
            self.demand[first_choice] -= variants

    async def turn(
        self,
        job: Job,
        choose: Callable[[], Sequence[Backend]],
        priority: Priority,
        weight: int,
        deadline: float | None,
    ) -> Taken:
        """Waits for `weight` slots, or all there are, of one of the backends that `choose` gives, and takes them."""
        since = self.now()
        until = since + self.limits.max_wait
        if deadline is not None:
            until = min(until, deadline - _MARGIN)
        claim = Claim(job.tenant, priority, weight, choose, choose(), since, until)
        self._queue.push(claim)
        self._look()
        pushed_out = None if claim.turn.done() else self._queue.overflow(claim)
        if pushed_out is not None:
            why = f"{self.limits.max_waiting} generations wait already"
            self._dismiss(pushed_out, self._busy(pushed_out, why))
        try:
            if not claim.turn.done():
                await asyncio.wait([claim.turn], timeout=max(0.0, until - self.now()))
        except asyncio.CancelledError:
            self._withdraw(claim)
            raise
        if not claim.turn.done():
            self._withdraw(claim)
            raise self._busy(claim, f"none was free for {self.now() - since:.1f} s")
        return claim.turn.result()

    def give(self, taken: Taken, *, worked: bool = True) -> None:
        """Gives one slot back and lets the next ones have their turn."""
        taken.give(1, worked=worked)
        self._look()

    def _withdraw(self, claim: Claim) -> None:
        self._queue.remove(claim)
        if claim.turn.done() and claim.turn.exception() is None:
            taken = claim.turn.result()
            taken.give(taken.count, worked=False)
        # Those behind may have less to wait for.
        self._look()

    def _dismiss(self, claim: Claim, error: AdwrightError) -> None:
        self._queue.remove(claim)
        claim.turn.set_exception(error)

    def _look(self) -> None:
        """Gives turns to all who can have them, and looks again later while others wait."""
        for claim in [*self._queue]:
            if not any(backend.ready for backend in claim.backends):
                self._dismiss(claim, _nobody_up())
        while (found := self._next()) is not None:
            claim, slots = found
            self._queue.serve(claim)
            claim.turn.set_result(slots.take(slots.fits(claim.weight)))
        if self._ticker is None and self._queue:
            self._ticker = asyncio.get_running_loop().call_later(_TICK, self._tick)

    def _tick(self) -> None:
        self._ticker = None
        self._look()

    def _next(self) -> tuple[Claim, Slots] | None:
        """The first in the queue's order who can have a turn now. Nobody overtakes one who waits for the same."""
        ahead: dict[Slots, int] = {}
        up = [slots for backend, slots in self._slots.items() if backend.ready]
        for claim in self._queue:
            slots = self._choose(claim, [slots for slots in up if slots.backend in claim.backends], ahead)
            if slots is not None:
                return claim, slots
            if len(ahead) == len(up):
                break
        return None

    def _choose(self, claim: Claim, options: Sequence[Slots], ahead: dict[Slots, int]) -> Slots | None:
        limit = self.limits.max_predicted_wait
        waited = self.now() - claim.since
        for slots in options:
            count = slots.fits(claim.weight)
            inside = slots.backend.predicted_wait
            before = ahead.get(slots, 0)
            wait = slots.wait_for(count + before)
            if not before and not wait and not slots.cooling and inside <= limit:
                return slots
            worth_it = not slots.cooling and waited + wait + inside <= limit
            # Nobody looks at a batch: it waits for the first choice rather than spill to what costs more.
            if worth_it or (claim.priority is Priority.BATCH and not slots.cooling):
                ahead[slots] = before + count
                return None
        for slots in options:
            ahead[slots] = ahead.get(slots, 0) + slots.fits(claim.weight)
        return None

    def _busy(self, claim: Claim, why: str) -> BackendBusy:
        waits = [self.predicted_wait(backend) for backend in claim.backends if backend in self._slots]
        return BackendBusy(
            f"all backends that may take this are full, and {why}: try again in a moment",
            retry_after=max(1.0, min(waits, default=1.0)),
        )


def _nobody_up() -> BackendUnavailable:
    return BackendUnavailable("no backend that may take this is up; try again in a moment", retry_after=1.0)
