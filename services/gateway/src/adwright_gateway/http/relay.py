"""What a call says, between the task that makes the call and the connections that read it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final

from adwright_servicekit.errors import AdwrightError
from adwright_servicekit.interceptor import slow_reader

__all__ = ["SLOW_READER", "Relay"]

SLOW_READER: Final = 30.0
"""So long may a reader leave a full buffer standing before its call is ended. Units: seconds."""


class Relay:
    """Reads a stream in a task of its own, and keeps what it said for readers; at most one reads at a time."""

    def __init__(
        self,
        stream: AsyncGenerator[bytes],
        *,
        most_unread: int,
        keep: bool,
        slow_reader: float = SLOW_READER,
    ) -> None:
        """Begins at once. `most_unread` is in bytes; with `keep` everything can be read again, else only once."""
        self._most_unread = most_unread
        self._keep = keep
        self._slow_reader = slow_reader
        self._said: deque[bytes] = deque()
        self._first = 0
        self._next = 0
        self._unread = 0
        self._changed = asyncio.Event()
        self._room = asyncio.Event()
        self.ended = False
        self.error: AdwrightError | None = None
        self._task = asyncio.create_task(self._pump(stream))

    async def begun(self) -> bytes:
        """Returns what was said first. Raises the error of a call that said nothing; cancelled, it ends the call."""
        try:
            while not (self._said or self.ended):
                self._changed.clear()
                await self._changed.wait()
        except asyncio.CancelledError:
            self.cancel()
            raise
        if not self._said and self.error is not None:
            raise self.error
        return self._said[0] if self._said else b""

    async def read(self, start: int = 0) -> AsyncGenerator[list[tuple[int, bytes]]]:
        """What has gathered since the last time, numbered from 0, from `start` on. Ends with the call's error."""
        at = max(start, self._first)
        # What is said again was not counted out by the reader before.
        self._unread = sum(len(data) for data in self._from(at))
        while True:
            batch = list(enumerate(self._from(at), at))
            if batch:
                at += len(batch)
                self._unread = 0
                if not self._keep:
                    self._said.clear()
                    self._first = at
                self._room.set()
                yield batch
            elif self.ended:
                if self.error is not None:
                    raise self.error
                return
            else:
                self._changed.clear()
                await self._changed.wait()

    def cancel(self) -> None:
        """Ends the call, if it has not ended."""
        self._task.cancel()

    def _from(self, at: int) -> list[bytes]:
        behind = at - self._first
        return list(self._said) if behind == 0 else [self._said[i] for i in range(behind, len(self._said))]

    async def _pump(self, stream: AsyncGenerator[bytes]) -> None:
        try:
            async with aclosing(stream):
                async for data in stream:
                    self._said.append(data)
                    self._next += 1
                    self._unread += len(data)
                    self._changed.set()
                    if self._unread > self._most_unread:
                        await self._until_read()
        except AdwrightError as error:
            self.error = error
        finally:
            self.ended = True
            self._changed.set()

    async def _until_read(self) -> None:
        self._room.clear()
        try:
            async with asyncio.timeout(self._slow_reader):
                await self._room.wait()
        except TimeoutError:
            raise slow_reader(self._slow_reader) from None
