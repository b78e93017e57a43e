"""Threads for work that would hold up the event loop, and no more of it waiting than can be served."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Self, TypeVar

from adwright_servicekit.errors import ResourceExhausted

__all__ = ["ScoringPool"]

T = TypeVar("T")

_RETRY_AFTER = 1.0
"""Seconds; a text takes milliseconds, so a full queue is soon empty again."""


class ScoringPool:
    """Runs CPU-bound work in a bounded number of threads with a bounded queue."""

    def __init__(self, workers: int, max_waiting: int) -> None:
        """`workers` run at once; `max_waiting` more may wait."""
        self._executor = ThreadPoolExecutor(workers, thread_name_prefix="scoring")
        self._limit = workers + max_waiting
        self._inside = 0

    async def run(self, work: Callable[[], T]) -> T:
        """What `work` returns, or raises. Raises ResourceExhausted when too much is waiting already.

        A caller that is cancelled stops waiting; work that has not begun is then not done.
        """
        if self._inside >= self._limit:
            raise ResourceExhausted(
                f"{self._inside} texts are being scored or wait for it: try again shortly",
                reason="EVALUATOR_BUSY",
                retry_after=_RETRY_AFTER,
            )
        future = self._executor.submit(work)
        self._inside += 1
        try:
            return await asyncio.wrap_future(future)
        finally:
            self._inside -= 1

    def close(self) -> None:
        """Ends the threads once they have finished what they are doing."""
        self._executor.shutdown(cancel_futures=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
