"""Concurrency limit: how much of a backend is taken, and how long until some of it is free."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from ..backends.base import Backend, BreakerState

__all__ = ["Slots", "Taken"]

_FIRST_GUESS = 5.0
"""Seconds that a slot is held, until the first was given back."""
_NEWEST = 0.2
"""Weight of the newest holding time in the running mean."""


class Slots:
    """One slot of a backend is one variant being written. It is held over all calls that the variant makes."""

    def __init__(self, backend: Backend, *, now: Callable[[], float] = time.monotonic) -> None:
        self.backend = backend
        self._now = now
        self._used = 0
        self._hold = _FIRST_GUESS
        self._cool_until = 0.0

    @property
    def used(self) -> int:
        """Slots that are held."""
        return self._used

    @property
    def cooling(self) -> float:
        """Seconds for which it is to be left alone, because it said that it is full."""
        return max(0.0, self._cool_until - self._now())

    def cool(self, seconds: float) -> None:
        """Notes that it refused a request, and for how long."""
        self._cool_until = max(self._cool_until, self._now() + seconds)

    def fits(self, count: int) -> int:
        """So many of `count` as it can have at all: the whole backend for one that wants more than there is.

        A single one while the backend is on trial.
        """
        if self.backend.breaker is BreakerState.HALF_OPEN:
            return 1
        return min(count, max(1, self.backend.capacity))

    def wait_for(self, count: int) -> float:
        """Seconds until `count` slots will be free, by Little's law over what is held; 0 when they are."""
        if self.backend.breaker is BreakerState.HALF_OPEN:
            # Whether it is on trial already is said by its being ready.
            return 0.0
        capacity = max(1, self.backend.capacity)
        missing = count - (capacity - self._used)
        return max(0, missing) * self._hold / capacity

    def take(self, count: int) -> "Taken":
        """Takes slots."""
        self._used += count
        return Taken(self, count, self._now())

    def give(self, count: int, since: float, *, worked: bool) -> None:
        """Gives back slots that were taken at `since`. Without work done it says nothing of how long work takes."""
        self._used -= count
        if worked:
            self._hold += _NEWEST * (self._now() - since - self._hold)


@dataclass(frozen=True, slots=True)
class Taken:
    """Slots that somebody holds."""

    slots: Slots
    count: int
    since: float

    def give(self, count: int, *, worked: bool) -> None:
        """Gives back some of them."""
        self.slots.give(count, self.since, worked=worked)
