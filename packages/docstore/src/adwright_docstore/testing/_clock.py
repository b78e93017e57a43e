"""A clock that moves when it is told to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

__all__ = ["ManualClock"]


class ManualClock:
    """Called, it returns a time that only `advance` moves; far enough ahead for a real table.

    A real DynamoDB table deletes by its own clock, so the clock starts in that clock's future.
    """

    def __init__(self, start: datetime = datetime(2100, 1, 1, tzinfo=UTC)) -> None:
        self._now = start

    def __call__(self) -> datetime:
        return self._now

    def advance(self, seconds: float) -> None:
        """Moves the time forward."""
        self._now += timedelta(seconds=seconds)

    def after(self, seconds: float) -> datetime:
        """Returns the moment that many seconds from now."""
        return self._now + timedelta(seconds=seconds)
