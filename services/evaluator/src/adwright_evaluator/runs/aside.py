"""Threads for code of suites that may take its time: transforms, JavaScript, regular expressions.

QuickJS and `regex` let others run meanwhile, and stop at their own limits of time. Each run has threads of its own, so
that slow code holds up no run but its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, Protocol, TypeVar

__all__ = ["Aside", "Beside"]

T = TypeVar("T")

_THREADS: Final = 2
"""More than the cores of a small machine gain nothing."""


class Beside(Protocol):
    """Does work beside the event loop; `asyncio.to_thread` is one."""

    async def __call__(self, work: Callable[[], T], /) -> T:
        """What `work` returns, or raises."""
        ...


class Aside:
    """Does work beside the event loop. Threads begin with the first work."""

    def __init__(self) -> None:
        self._threads: ThreadPoolExecutor | None = None

    async def __call__(self, work: Callable[[], T], /) -> T:
        """What `work` returns, or raises."""
        if self._threads is None:
            self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="suite-code")
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def close(self) -> None:
        """What has begun ends at its limit of time; nobody waits for it."""
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)
