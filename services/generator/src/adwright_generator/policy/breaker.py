"""Circuit breaker: a backend that keeps failing is left alone for a while, then tried with a single request.

Pattern: M. Nygard, Release It!, "Circuit Breaker".
"""

import time
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from ..backends.base import (
    Backend,
    BackendBusy,
    BackendDeclined,
    BackendEvent,
    BackendFailed,
    BackendMisconfigured,
    BackendRequest,
    BackendUnavailable,
    BreakerState,
    Finish,
)
from .wrapper import Wrapper

__all__ = ["CircuitBroken"]


class CircuitBroken(Wrapper):
    """Opens when at least `failures` calls failed within `window` seconds, and no fewer than went well.

    Refusals of a full backend, what it declines to do, mistakes of the caller and readers who leave are no failures.
    """

    def __init__(
        self,
        inner: Backend,
        *,
        failures: int,
        window: float,
        open_for: float,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """`window` and `open_for` in seconds."""
        super().__init__(inner)
        self._failures = failures
        self._window = window
        self._open_for = open_for
        self._now = now
        self._ended: deque[tuple[float, bool]] = deque()
        self._opened: float | None = None
        self._trying = False

    @property
    def breaker(self) -> BreakerState:
        if self._opened is None:
            return BreakerState.CLOSED
        return BreakerState.OPEN if self._now() < self._opened + self._open_for else BreakerState.HALF_OPEN

    @property
    def ready(self) -> bool:
        state = self.breaker
        open_to_us = state is BreakerState.CLOSED or (state is BreakerState.HALF_OPEN and not self._trying)
        return open_to_us and self._inner.ready

    async def generate(self, request: BackendRequest) -> AsyncGenerator[BackendEvent]:
        state = self.breaker
        if state is BreakerState.OPEN or (state is BreakerState.HALF_OPEN and self._trying):
            raise self._left_alone(state)
        trial = state is BreakerState.HALF_OPEN
        self._trying = self._trying or trial
        try:
            async with aclosing(self._inner.generate(request)) as events:
                async for event in events:
                    if isinstance(event, Finish):
                        self._went(well=True)
                    yield event
        except BackendDeclined:
            self._went(well=True)
            raise
        except (BackendUnavailable, BackendFailed, BackendMisconfigured):
            self._went(well=False)
            raise
        finally:
            if trial:
                self._trying = False

    def _went(self, *, well: bool) -> None:
        now = self._now()
        if self._opened is not None:
            # A trial, or a call from before it opened: either says how things are.
            self._opened = None if well else now
            self._ended.clear()
            return
        self._ended.append((now, well))
        while self._ended[0][0] <= now - self._window:
            self._ended.popleft()
        failed = sum(1 for _, went_well in self._ended if not went_well)
        if not well and failed >= self._failures and failed * 2 >= len(self._ended):
            self._opened = now
            self._ended.clear()

    def _left_alone(self, state: BreakerState) -> BackendUnavailable | BackendBusy:
        if state is BreakerState.HALF_OPEN:
            return BackendBusy(f"backend {self.info.name} is being tried again; try again in a moment", retry_after=1.0)
        left = max(0.0, (self._opened or 0.0) + self._open_for - self._now())
        return BackendUnavailable(
            f"backend {self.info.name} failed repeatedly and is left alone; try again in {left:.0f} s",
            retry_after=max(left, 1.0),
        )
