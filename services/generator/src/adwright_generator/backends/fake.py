"""A backend without a model: for tests, demos of failures, and benchmarks of everything around the model.

What it says is derived from the request, so it is the same every time. What goes wrong, and when, is data. It is
never used unless a configuration or a test names it.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from itertools import cycle
from typing import Annotated, Literal

from pydantic import Field

from adwright_servicekit.errors import AdwrightError

from .base import (
    Backend,
    BackendBusy,
    BackendEvent,
    BackendInfo,
    BackendRequest,
    BackendUnavailable,
    Chunk,
    Continuation,
    Finish,
    StopReason,
)
from .config import BackendConfig
from .fake_text import made_up

__all__ = ["FakeBackend", "FakeCall", "FakeConfig", "FakeScript"]

_TOKEN_BYTES = 4


class FakeConfig(BackendConfig):
    """An entry of kind `fake`."""

    kind: Literal["fake"]
    model: str = "fake"
    max_concurrency: Annotated[int, Field(ge=1)] = 1024
    """Beyond it requests are refused at once, as TGI does."""
    tokens_per_second: Annotated[float, Field(gt=0)] | None = None
    """Pace of every stream; without it as fast as possible."""
    first_delay: Annotated[float, Field(ge=0)] = 0.0
    """Seconds before the first chunk."""


@dataclass(frozen=True, slots=True)
class FakeScript:
    """What one call does. The defaults are a call that goes well."""

    text: str | None = None
    """Without it: words made from the request, in the shape of its schema. Of a text that begins with the request's
    prefix it says the rest."""
    chunk_bytes: tuple[int, ...] = (_TOKEN_BYTES,)
    """Sizes of the chunks, over and over; 0 is an empty chunk. They fall inside code points as they come."""
    first_delay: float | None = None
    tokens_per_second: float | None = None
    """These two replace what the configuration says."""
    fail: AdwrightError | None = None
    fail_after: int = 0
    """How many chunks come before `fail`; with 0 it is raised in place of the first."""
    stall_after: int | None = None
    """After so many chunks nothing comes any more, until the reader leaves or the backend is closed."""
    finish: StopReason | None = StopReason.STOP
    """None: the stream just ends, which no backend should do."""
    counts: bool = True
    """False: the numbers of tokens in Finish are unknown."""


@dataclass(slots=True)
class FakeCall:
    """One call that the backend got."""

    request: BackendRequest
    chunks: int = 0
    """Chunks that the reader took."""
    finished: bool = False
    closed_early: bool = False
    """The reader left before the end."""


class FakeBackend(Backend):
    """Says what it is told to. See `Backend` for the contract."""

    def __init__(
        self,
        config: FakeConfig | None = None,
        scripts: Iterable[FakeScript] = (),
        *,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        """Each call takes the next of `scripts`; when they are used up calls go well."""
        self._config = config or FakeConfig(name="fake", kind="fake")
        self._scripts = iter(tuple(scripts))
        self._sleep = sleep
        self._closed = asyncio.Event()
        self._ready = False
        self._in_flight = 0
        self.calls: list[FakeCall] = []
        self._info = BackendInfo(
            name=self._config.name,
            kind="fake",
            model=self._config.model,
            residency=self._config.residency,
            max_concurrency=self._config.max_concurrency,
            constrained_output=True,
            continuation=Continuation.EXACT,
            continues_json=True,
            price=self._config.price.price(),
            prompt=self._config.prompt,
        )

    @property
    def info(self) -> BackendInfo:
        """What is known of it before it is asked."""
        return self._info

    @property
    def ready(self) -> bool:
        """True between `start` and `close`."""
        return self._ready

    @property
    def in_flight(self) -> int:
        """Streams that are open."""
        return self._in_flight

    @property
    def requests(self) -> list[BackendRequest]:
        """The requests it got, oldest first."""
        return [call.request for call in self.calls]

    async def start(self) -> None:
        """Makes it ready."""
        self._closed.clear()
        self._ready = True

    async def close(self) -> None:
        """Readers of open streams get BackendUnavailable at their next chunk."""
        self._ready = False
        self._closed.set()

    async def generate(self, request: BackendRequest) -> AsyncGenerator[BackendEvent]:
        """Plays the next script."""
        if not self._ready:
            raise BackendUnavailable(f"Backend {self._info.name} is not running; start it first.")
        if self._in_flight >= self._config.max_concurrency:
            raise BackendBusy(f"Backend {self._info.name} is full; try again.", retry_after=1.0)
        script = next(self._scripts, FakeScript())
        call = FakeCall(request)
        self.calls.append(call)
        self._in_flight += 1
        try:
            async with aclosing(self._play(script, request)) as events:
                async for event in events:
                    call.finished = call.finished or isinstance(event, Finish)
                    yield event
                    call.chunks += isinstance(event, Chunk)
        except (GeneratorExit, asyncio.CancelledError):
            call.closed_early = not call.finished
            raise
        finally:
            self._in_flight -= 1

    async def _play(self, script: FakeScript, request: BackendRequest) -> AsyncGenerator[BackendEvent]:
        text = (_text(request) if script.text is None else script.text).removeprefix(request.prefix)
        for stop in request.stop:
            text = text.partition(stop)[0]
        data = text.encode()
        whole = len(data) <= request.max_tokens * _TOKEN_BYTES
        if not whole:
            data = data[: request.max_tokens * _TOKEN_BYTES].decode(errors="ignore").encode()
        await self._wait(self._config.first_delay if script.first_delay is None else script.first_delay)
        rate = script.tokens_per_second or self._config.tokens_per_second
        sent = 0
        for chunk in _cut(data, script.chunk_bytes):
            await self._fault(script, sent)
            if rate and sent:
                await self._wait(chunk.tokens / rate)
            yield chunk
            sent += 1
        await self._fault(script, sent, at_end=True)
        if script.finish is not None:
            size = sum(len(message.content.encode()) for message in request.messages)
            reason = script.finish if whole else StopReason.LENGTH
            yield Finish(reason, _tokens(size), _tokens(len(data))) if script.counts else Finish(reason)

    async def _fault(self, script: FakeScript, sent: int, *, at_end: bool = False) -> None:
        """A fault whose time has come; one that was meant for later than the end comes at the end."""
        if script.fail is not None and (sent == script.fail_after or (at_end and sent < script.fail_after)):
            raise script.fail.with_traceback(None)
        if script.stall_after is not None and (sent == script.stall_after or (at_end and sent < script.stall_after)):
            await self._closed.wait()
        if self._closed.is_set():
            raise BackendUnavailable(f"Backend {self._info.name} was closed before the generation ended.")

    async def _wait(self, seconds: float) -> None:
        if seconds > 0:
            await self._sleep(seconds)


def _tokens(size: int) -> int:
    return -(-size // _TOKEN_BYTES)


def _cut(data: bytes, sizes: Sequence[int]) -> Iterable[Chunk]:
    if data and not any(sizes):
        raise ValueError("chunk_bytes needs a size above 0")
    start = 0
    for size in cycle(sizes):
        if start >= len(data):
            return
        yield Chunk(data[start : start + size], _tokens(len(data[start : start + size])))
        start += size


def _text(request: BackendRequest) -> str:
    """The words for this request: others for another seed or another message."""
    said = [(message.role, message.content) for message in request.messages]
    return made_up(json.dumps([said, request.seed, request.json_schema], sort_keys=True), request.json_schema)
