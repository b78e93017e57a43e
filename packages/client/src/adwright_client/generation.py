"""One running generation: its events, and the view they add up to."""

import asyncio
from collections.abc import AsyncIterator, Callable
from types import TracebackType
from typing import Self

import grpc

from adwright.gateway.v1.ad_service_pb2 import GenerateAdRequest
from adwright.type.v1.ad_event_pb2 import AdCompleted, AdEvent
from adwright_servicekit.errors import AdwrightError, Internal

from .fold import AdView

__all__ = ["Generation"]

_Call = grpc.aio.UnaryStreamCall[GenerateAdRequest, AdEvent]


class Generation:
    """Iterate over it for the events; `view` holds the texts as they stand.

    The call begins with the iteration and ends with it: who leaves the loop early cancels the call, and the
    backend is free again. Iterating and `completed` raise errors of `adwright_servicekit.errors`.
    """

    def __init__(self, start: Callable[[], _Call], translate: Callable[[grpc.aio.AioRpcError], AdwrightError]) -> None:
        self.view = AdView()
        self._start = start
        self._translate = translate
        self._call: _Call | None = None
        self._left = False

    def __aiter__(self) -> AsyncIterator[AdEvent]:
        self.begin()
        return _Events(self)

    def begin(self) -> None:
        """Starts the call, for whoever calls `read` and `cancel` without a loop."""
        if self._call is not None or self._left:
            raise RuntimeError("a generation is read once; what it said is in its view")
        self._call = self._start()

    async def completed(self) -> AdCompleted:
        """Reads to the end, and gives the last event."""
        if self.view.completed is None:
            async for _ in self:
                pass
        assert self.view.completed is not None, "a stream without `completed` has raised"
        return self.view.completed

    def cancel(self) -> None:
        """Ends the call; whoever iterates sees the end of the events."""
        self._left = True
        if self._call is not None:
            self._call.cancel()

    async def read(self) -> AdEvent | None:
        """The next event of a call that was begun, or None at the end."""
        assert self._call is not None
        try:
            event = await self._call.read()
        except grpc.aio.AioRpcError as error:
            raise self._translate(error) from None
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if self._left and not (task and task.cancelling()):
                return None  # It is the call that was cancelled, not the task that reads it.
            raise
        if isinstance(event, AdEvent):
            self.view.apply(event)
            return event
        if self.view.completed is None:
            raise Internal("the stream ended before the ad was complete: try again", reason="STREAM_INCOMPLETE")
        return None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.cancel()


class _Events:
    """An iterator of its own, so that a `for` loop that is left drops it, and dropping it cancels the call.

    An async generator would be closed only when the event loop gets to it.
    """

    def __init__(self, generation: Generation) -> None:
        self._generation = generation

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> AdEvent:
        event = await self._generation.read()
        if event is None:
            raise StopAsyncIteration
        return event

    def __del__(self) -> None:
        self._generation.cancel()
