"""One replica of text-generation-inference (TGI), spoken to in its own protocol.

Failover, breakers, queues and timeouts between tokens are wrappers around this; it raises at once what goes wrong.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import replace
from http import HTTPStatus
from typing import Annotated, Literal, Protocol, TypeVar
from urllib.parse import urlsplit

import aiohttp
from pydantic import AfterValidator, Field

from adwright_servicekit.errors import InvalidInput

from ._sse import SseParser
from ._tgi_http import connection_errors, open_session, read_some
from ._tgi_load import LoadTracker
from ._tgi_poll import LoadPoll
from ._tgi_wire import decode, error_of_status
from .api_keys import ApiKey, KeyConfig
from .base import Backend, BackendEvent, BackendInfo, BackendRequest, Chunk, Continuation, Finish, StopReason
from .chat_template import ChatTemplate
from .config import BackendConfig
from .discovery import Endpoint
from .errors import BackendBusy, BackendFailed, BackendUnavailable
from .stop_texts import StopTexts

__all__ = ["TgiConfig", "TgiReplica"]

_FIRST_POLL_TIMEOUT = 1.5
_POLL_INTERVAL = 0.5
_ERROR_BODY_TIMEOUT = 1.0
_ERROR_BODY_BYTES = 64 * 1024

_T = TypeVar("_T")


def _server_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("expected a URL such as http://tgi:80")
    if parts.path not in ("", "/") or parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError("expected a URL of scheme, host and port alone, such as http://tgi:80")
    _ = parts.port  # Raises ValueError when it is none.
    return f"{parts.scheme}://{parts.netloc}"


_ServerUrl = Annotated[str, AfterValidator(_server_url)]


class TgiConfig(BackendConfig):
    """An entry of kind `tgi`."""

    kind: Literal["tgi"]
    url: _ServerUrl | Annotated[tuple[_ServerUrl, ...], Field(min_length=1)]
    """One name for all replicas (each address of it is one), or a list: `http://tgi:80`."""
    model: Annotated[str, Field(min_length=1)]
    max_concurrency: Annotated[int, Field(ge=1, le=65_536)] = 128
    """Of each replica; TGI's own default of `--max-concurrent-requests`."""
    chat_template: Annotated[str, Field(min_length=1)] = "llama3"
    """`llama3`, `chatml`, `mistral`, `gemma`, or the path of a jinja file."""
    api_key: KeyConfig | None = None
    """What the server was started with (`--api-key`), or the token of the service that runs it."""
    adapters: tuple[str, ...] = ()
    """LoRA adapters that the server was started with (`--lora-adapters`)."""

    @property
    def url_list(self) -> tuple[str, ...]:
        """The URLs, however they were written."""
        return (self.url,) if isinstance(self.url, str) else self.url


class _Body(Protocol):
    def __call__(self, request: BackendRequest, prompt: str, *, most_stops: int | None) -> bytes | None: ...


def _import_body() -> _Body:
    from ._tgi_body import body_of

    return body_of


class TgiReplica(Backend):
    """One server at one address. See `Backend` for the contract."""

    def __init__(
        self,
        config: TgiConfig,
        endpoint: Endpoint,
        *,
        template: ChatTemplate,
        poll_interval: float = _POLL_INTERVAL,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`poll_interval` and the `clock` are in seconds."""
        self._config = config
        self._endpoint = endpoint
        self._template = template
        self._interval = poll_interval
        self._clock = clock
        # Addresses are for spans, not for those who call us.
        self._name = config.name
        self._key = None if config.api_key is None else ApiKey(config.api_key)
        self._session: aiohttp.ClientSession | None = None
        self._body_of: _Body | None = None
        self._tracker = LoadTracker(clock)
        self._poll: LoadPoll | None = None
        self._polling: asyncio.Task[None] | None = None
        self._in_flight = 0
        self._waiting: set[asyncio.Timeout] = set()
        self._info = BackendInfo(
            name=config.name,
            kind="tgi",
            model=config.model,
            residency=config.residency,
            max_concurrency=config.max_concurrency,
            constrained_output=True,
            price=config.price.price(),
            prompt=config.prompt,
            continuation=Continuation.EXACT,
            continues_json=True,
            adapters=frozenset(config.adapters),
            endpoint=endpoint.name,
        )

    @property
    def info(self) -> BackendInfo:
        """What is known of it before it is asked."""
        return self._info

    @property
    def ready(self) -> bool:
        """True between `start` and `close` while the server can be reached."""
        return self._session is not None and self._tracker.reachable

    @property
    def in_flight(self) -> int:
        """Streams that are open."""
        return self._in_flight

    @property
    def capacity(self) -> int:
        """As configured, or as many as the server takes where that is less."""
        of_server = self._poll.info.max_concurrent_requests if self._poll else None
        return min(self._info.max_concurrency, of_server or self._info.max_concurrency)

    @property
    def predicted_wait(self) -> float:
        """Seconds; see `LoadTracker`."""
        return self._tracker.predicted_wait(self._in_flight)

    async def start(self) -> None:
        """Looks whether the server is there, for at most 1.5 seconds, and goes on looking until `close`.

        Raises BackendMisconfigured where the key cannot be had.
        """
        if self._session is not None:
            return
        if self._key is not None:
            with contextlib.suppress(BackendUnavailable):  # Got at first use, then.
                await self._key.get()
        self._body_of = await asyncio.to_thread(_import_body)
        session = self._session = open_session(self._endpoint)
        self._tracker = LoadTracker(self._clock)
        poll = self._poll = LoadPoll(
            session,
            self._endpoint.url,
            self._tracker,
            name=f"{self._name} at {self._endpoint.name}",
            model=self._config.model,
            in_flight=lambda: self._in_flight,
        )
        try:
            async with asyncio.timeout(_FIRST_POLL_TIMEOUT):
                await poll.once()
        except TimeoutError:
            pass
        except BaseException:
            await self.close()
            raise
        if self._session is session:
            self._polling = asyncio.create_task(poll.forever(self._interval), name=f"poll {self._name}")

    async def close(self) -> None:
        """Ends what is running, which raises BackendUnavailable at its reader. May be called twice."""
        session, self._session = self._session, None
        polling, self._polling = self._polling, None
        if polling is not None:
            polling.cancel()
            await asyncio.gather(polling, return_exceptions=True)
        if self._key is not None:
            await self._key.close()
        if session is not None:
            # Closing the session closes the connections, but does not wake those who read from them.
            waiting, self._waiting = self._waiting, set()
            for scope in waiting:
                scope.reschedule(0)
            await session.close()

    async def generate(self, request: BackendRequest) -> AsyncGenerator[BackendEvent]:
        """Streams one completion of the rendered messages.

        Raises BackendBusy when the server is full, InvalidInput with reason BACKEND_REJECTED or PROMPT_TOO_LONG when it
        refuses the request, BackendUnavailable when it is gone, BackendFailed for everything else.
        """
        session, body_of, poll = self._session, self._body_of, self._poll
        if session is None or body_of is None or poll is None:
            raise BackendUnavailable(f"Backend {self._name} is not running; start it first.")
        if request.adapter and request.adapter not in self._info.adapters:
            # TGI itself would silently answer without it.
            raise InvalidInput.of("adapter", f"backend {self._info.name} has no adapter of this name.")
        if self._in_flight >= self.capacity:
            raise BackendBusy(f"Backend {self._name} is full; try again.", retry_after=1.0)
        prompt = self._template.render(request.messages, request.prefix)
        body = body_of(request, prompt, most_stops=poll.info.max_stop_sequences)
        if body is None:
            yield Finish(StopReason.STOP, output_tokens=0)
            return
        self._in_flight += 1
        try:
            headers = {**request.headers, "Content-Type": "application/json"}
            if self._key is not None:
                headers["Authorization"] = f"Bearer {await self._key.get()}"
            with connection_errors(self._name):
                response = await self._or_closed(
                    session.post(
                        f"{self._endpoint.url}/generate_stream", data=body, headers=headers, allow_redirects=False
                    )
                )
            try:
                if self._key is not None and response.status == HTTPStatus.UNAUTHORIZED:
                    # For the next request; this one goes on elsewhere.
                    await self._key.refresh(headers["Authorization"].removeprefix("Bearer "))
                await self._check(response)
                parser, stops, tokens = SseParser(), StopTexts(request.stop), 0
                while True:
                    with connection_errors(self._name):
                        data = await self._or_closed(response.content.readany()) if self._session is session else b""
                    if not data:
                        raise BackendUnavailable(
                            f"Backend {self._name} ended the stream before the generation was over."
                        )
                    if not (payloads := parser.feed(data)):
                        continue
                    batch = decode(payloads, self._name)
                    tokens += batch.tokens
                    text, finish = stops.feed(batch.text), batch.finish
                    if stops.stopped:
                        finish = replace(finish or Finish(StopReason.STOP, None, tokens), reason=StopReason.STOP)
                    elif finish is not None:
                        text += stops.flush()
                    if text or batch.tokens:
                        yield Chunk(text.encode(), batch.tokens)
                    if finish is not None:
                        yield finish
                        return
                    if batch.error is not None:
                        raise batch.error
            finally:
                # Closing the connection is what stops TGI.
                response.close()
        finally:
            self._in_flight -= 1

    async def _or_closed(self, work: Awaitable[_T]) -> _T:
        """The same, unless `close` comes first: then TimeoutError."""
        async with asyncio.timeout(None) as scope:
            self._waiting.add(scope)
            try:
                return await work
            finally:
                self._waiting.discard(scope)

    async def _check(self, response: aiohttp.ClientResponse) -> None:
        if response.status != 200:
            body = b""
            if response.status == 422:
                with connection_errors(self._name):
                    async with asyncio.timeout(_ERROR_BODY_TIMEOUT):
                        body = await read_some(response, _ERROR_BODY_BYTES)
            raise error_of_status(response.status, body, response.headers.get("Retry-After"), self._name)
        if response.content_type != "text/event-stream":
            raise BackendFailed(f"Backend {self._name} answered with something else than events; check its url.")
