"""Backends that get no more requests, and are closed when those they have are done."""

import asyncio
from collections.abc import Callable

from ..backends.base import Backend

__all__ = ["Leaving"]

_LOOK_EVERY = 0.1
"""Seconds."""


class Leaving:
    """Those that are on their way out."""

    def __init__(self) -> None:
        self._tasks: dict[asyncio.Task[None], Backend] = {}

    def let_go(self, backend: Backend, busy: Callable[[], object]) -> None:
        """Closes `backend` as soon as `busy` says that it is not."""
        task = asyncio.create_task(_close_when_idle(backend, busy))
        self._tasks[task] = backend
        task.add_done_callback(self._tasks.pop)

    async def close(self) -> None:
        """Closes those that are left at once."""
        left = dict(self._tasks)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        # A task that had not begun was cancelled before it could close anything.
        await asyncio.gather(*(backend.close() for backend in left.values()), return_exceptions=True)


async def _close_when_idle(backend: Backend, busy: Callable[[], object]) -> None:
    while busy():  # noqa: ASYNC110 - backends have no event for it, by design
        await asyncio.sleep(_LOOK_EVERY)
    await backend.close()
