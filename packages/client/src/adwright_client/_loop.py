"""An event loop in a thread, for callers that have none."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any, TypeVar

__all__ = ["LoopThread"]

T = TypeVar("T")


class LoopThread:
    """An event loop in a thread. What runs there sees the context (the current span) of whoever asked."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="adwright-client", daemon=True)
        self._thread.start()

    def run(self, work: Callable[[], Awaitable[T]]) -> T:
        async def awaited() -> T:
            return await work()

        future = asyncio.run_coroutine_threadsafe(awaited(), self._loop)
        try:
            return future.result()
        except BaseException:
            # Ctrl-C interrupts only the waiting; the work has to be told.
            future.cancel()
            raise

    def iterate(self, items: AsyncIterator[T]) -> Iterator[T]:
        while True:
            try:
                yield self.run(lambda: anext(items))
            except StopAsyncIteration:
                return

    def soon(self, callback: Callable[[], Any]) -> None:
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(callback)

    def close(self) -> None:
        self.soon(self._loop.stop)
        self._thread.join()
        self._loop.close()
