"""Responses that are written while a call is at work, and what a request says of itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Coroutine, Mapping
from contextlib import aclosing
from typing import Any, TypeVar

from starlette.requests import ClientDisconnect, Request
from starlette.responses import StreamingResponse
from starlette.types import Message, Send

from .relay import SLOW_READER

__all__ = ["LiveResponse", "metadata_of", "unless_left"]

T = TypeVar("T")

_PASSED_ON = ("authorization", "traceparent", "tracestate")
# Nobody on the way is to gather what should arrive at once.
_HEADERS = {"cache-control": "no-store", "x-accel-buffering": "no"}


def metadata_of(request: Request) -> tuple[tuple[str, str], ...]:
    """The headers that count, as gRPC metadata. Others, also those that name a tenant, stop here."""
    return tuple((name, request.headers[name]) for name in _PASSED_ON if name in request.headers)


class LiveResponse(StreamingResponse):
    """A streamed response that gives up a connection which takes nothing any more."""

    def __init__(
        self,
        content: AsyncGenerator[bytes],
        *,
        media_type: str,
        headers: Mapping[str, str] | None = None,
        slow_reader: float = SLOW_READER,
    ) -> None:
        super().__init__(content, headers=_HEADERS | dict(headers or {}), media_type=media_type)
        self._content = content
        self._slow_reader = slow_reader

    async def stream_response(self, send: Send) -> None:
        """Writes, as the class above, each piece within the time a reader has."""

        async def timed(message: Message) -> None:
            async with asyncio.timeout(self._slow_reader):
                await send(message)

        async with aclosing(self._content):
            await super().stream_response(timed)


async def unless_left(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """What the work gives; it is cancelled when the client leaves, which raises ClientDisconnect.

    The body of the request must have been read.
    """

    async def left() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass

    working, leaving = asyncio.ensure_future(work), asyncio.ensure_future(left())
    try:
        await asyncio.wait((working, leaving), return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise ClientDisconnect
        return working.result()
    finally:
        leaving.cancel()
        if not working.done():
            working.cancel()
            await asyncio.wait((working,))
