"""How many generations run at a time: batch work is turned away first, and everybody before memory or time run out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from adwright.type.v1.priority_pb2 import PRIORITY_BATCH, Priority
from adwright_servicekit.errors import ResourceExhausted

__all__ = ["Admission"]

_FOR_BATCH: Final = 0.75
"""The share that batch work may fill; the rest is kept for people who wait."""
_RETRY_AFTER: Final = 1.0
_RETRY_BATCH_AFTER: Final = 5.0


class Admission:
    """Counts the generations of this gateway."""

    def __init__(self, most: int) -> None:
        """`most` run at a time, three quarters of them at most when a batch asks."""
        self._most = most
        self.running = 0
        """Generations that run now, whatever they came in by."""

    @contextmanager
    def admitted(self, priority: Priority.ValueType) -> Iterator[None]:
        """One that may run. Raises ResourceExhausted at once: who waits here would only wait longer."""
        batch = priority == PRIORITY_BATCH
        if self.running >= (int(self._most * _FOR_BATCH) if batch else self._most):
            what = "batch work has to wait" if batch else "try again shortly"
            raise ResourceExhausted(
                f"this gateway runs {self.running} generations already: {what}",
                reason="GATEWAY_BUSY",
                retry_after=_RETRY_BATCH_AFTER if batch else _RETRY_AFTER,
            )
        self.running += 1
        try:
            yield
        finally:
            self.running -= 1
