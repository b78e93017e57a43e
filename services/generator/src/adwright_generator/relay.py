"""Variants side by side on one stream.

Tokens need no buffer of ours: what comes while the reader is busy gathers where it arrives, in the connection's bounded
buffer, and is read as one chunk. At low load every token is handed on at once; under load each hand-over carries more of
them, and the cost of a token falls. A slow reader slows the backend, and nobody waits on a timer.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import TypeVar

__all__ = ["merged"]

T = TypeVar("T")


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
