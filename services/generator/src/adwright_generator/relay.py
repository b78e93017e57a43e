"""Moving tokens: how often a stream hands something on, and variants side by side on one stream.

Tokens need no buffer of ours: what comes while nobody reads gathers where it arrives, in the connection's bounded
buffer, and is read as one chunk. A slow reader slows the backend.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import TypeVar

__all__ = ["Pace", "merged"]

T = TypeVar("T")

_FREE_STREAMS = 8
_SECONDS_A_STREAM = 0.001
_LONGEST = 0.05


class Pace:
    """Bounds how many messages all streams together send, and so what a token costs when there are many streams.

    A message costs far more than the token in it. With few streams every token is handed on at once. With more, each
    waits a little between two messages, so that together they send about a thousand a second; at most 50 ms, which
    readers take for continuous. The first text of a stream never waits, and neither does its end.
    """

    def __init__(
        self,
        *,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._sleep = sleep
        self._now = now
        self._streams = 0

    @asynccontextmanager
    async def stream(self) -> AsyncIterator[None]:
        """Counts a stream while it is open."""
        self._streams += 1
        try:
            yield
        finally:
            self._streams -= 1

    async def rest(self) -> None:
        """The wait between two messages of one stream."""
        if self._streams > _FREE_STREAMS:
            wait = min(_LONGEST, _SECONDS_A_STREAM * (self._streams - _FREE_STREAMS))
            # All to the same beat: who wakes up for one message sends those of the others too.
            await self._sleep(wait - self._now() % wait)


async def merged(sources: Sequence[AsyncGenerator[T]]) -> AsyncGenerator[T]:
    """The events of all sources as they come; each keeps its own order. One that fails ends the others.

    Each source is one event ahead of the reader at most.
    """
    if len(sources) == 1:
        async with aclosing(sources[0]) as source:
            async for event in source:
                yield event
        return
    queue: asyncio.Queue[T | Exception | None] = asyncio.Queue(maxsize=1)

    async def pump(source: AsyncGenerator[T]) -> None:
        try:
            async with aclosing(source):
                async for event in source:
                    await queue.put(event)
        except Exception as error:
            await queue.put(error)
        else:
            await queue.put(None)

    pumps = [asyncio.create_task(pump(source)) for source in sources]
    try:
        running = len(pumps)
        while running:
            item = await queue.get()
            if item is None:
                running -= 1
            elif isinstance(item, Exception):
                raise item
            else:
                yield item
    finally:
        for task in pumps:
            task.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)
