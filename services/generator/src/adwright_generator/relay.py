"""Moving tokens: one task reads what a backend sends, the reader gets whatever has gathered since it last asked.

Nothing waits on a timer. At low load every token is handed on at once; under load tokens gather, each hand-over carries
more of them, and the cost of a token falls. Buffers are bounded in bytes: a slow reader slows the backend.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import TypeVar

from .backends.base import BackendEvent, Chunk, Finish, Switch

__all__ = ["gathered", "merged"]

T = TypeVar("T")

MAX_GATHERED_BYTES = 64 * 1024


async def gathered(
    source: AsyncGenerator[BackendEvent], *, max_bytes: int = MAX_GATHERED_BYTES
) -> AsyncGenerator[BackendEvent]:
    """The events of `source` with chunks joined that came faster than they were read; closes `source` at its end.

    At most `max_bytes` (and one chunk) are held. What had been sent before an error is handed on before it is raised.
    """
    data = bytearray()
    tokens = 0
    switch: Switch | None = None
    finish: Finish | None = None
    ended = False
    arrived, drained = asyncio.Event(), asyncio.Event()

    async def read() -> None:
        nonlocal tokens, switch, finish, ended
        try:
            async with aclosing(source):
                async for event in source:
                    if isinstance(event, Finish):
                        finish = event
                        return
                    if isinstance(event, Switch):
                        switch = event
                    else:
                        data.extend(event.data)
                        tokens += event.tokens
                    arrived.set()
                    # What comes after a switch must not be joined with what came before it.
                    while switch is not None or len(data) >= max_bytes:
                        drained.clear()
                        await drained.wait()
        finally:
            ended = True
            arrived.set()

    reader = asyncio.create_task(read())
    try:
        while True:
            await arrived.wait()
            arrived.clear()
            if data or tokens:
                chunk = Chunk(bytes(data), tokens)
                data.clear()
                tokens = 0
                drained.set()
                yield chunk
                if ended or switch is not None:
                    arrived.set()
            elif switch is not None:
                event, switch = switch, None
                drained.set()
                yield event
                if ended:
                    arrived.set()
            elif ended:
                await reader
                if finish is not None:
                    yield finish
                return
    finally:
        reader.cancel()
        await asyncio.gather(reader, return_exceptions=True)


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
