"""One run of the same work at a time, whoever asks for it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, Generic, TypeVar

__all__ = ["SingleFlight"]

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


class SingleFlight(Generic[K]):
    """Callers that come while the work of a key is under way get its outcome, also its error.

    The work is nobody's own: it goes on when a caller leaves, and ends with `close`.
    """

    def __init__(self) -> None:
        self._running: dict[K, asyncio.Task[Any]] = {}

    async def do(self, key: K, work: Callable[[], Awaitable[T]]) -> T:
        """Joins the work of `key`, or begins it."""
        result: T = await asyncio.shield(self.begin(key, work))
        return result

    def begin(self, key: K, work: Callable[[], Awaitable[T]]) -> asyncio.Task[T]:
        """The running work of `key`, begun if need be; errors are not lost on who never waits for it."""
        task = self._running.get(key)
        if task is None:
            task = asyncio.create_task(_awaited(work))
            self._running[key] = task
            task.add_done_callback(lambda done: self._end(key, done))
        return task

    async def close(self) -> None:
        """Cancels what is under way."""
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _end(self, key: K, done: asyncio.Task[Any]) -> None:
        del self._running[key]
        if not done.cancelled():
            done.exception()


async def _awaited(work: Callable[[], Awaitable[T]]) -> T:
    return await work()
