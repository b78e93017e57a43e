"""A double of text-generation-inference: its protocol over HTTP, without a model.

For tests, demos of failures and benchmarks: `python -m adwright_generator.backends.fake_tgi --listen 127.0.0.1:8085`.
What goes wrong, and when, is data (`TgiScript`).
"""

import argparse
import asyncio
import signal
import socket
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from aiohttp import web

from .fake_tgi_script import ERROR_EVENTS, Answer, Fault, RejectedError, TgiScript, answer, error_event, frame
from .fake_tgi_status import info_of, metrics_of

__all__ = ["FakeTgi", "Fault", "TgiCall", "TgiScript"]

_STATUSES = {Fault.HTTP_429: 429, Fault.HTTP_424: 424, Fault.VALIDATION: 422, Fault.HTTP_500: 500}
_OWN_CLOSING = (Fault.RESET, Fault.CLOSE, Fault.HALF_CHARACTER)
_RETRY_AFTER = "2"


@dataclass(slots=True)
class TgiCall:
    """One generation that the server was asked for."""

    body: Mapping[str, Any]
    headers: Mapping[str, str]
    tokens: int = 0
    """Events with a token that were sent."""
    finished: bool = False
    closed_early: bool = False
    """The peer left before the end."""
    closed_at: float | None = field(default=None, compare=False)
    """When it left, by the clock of the event loop, in seconds."""


class FakeTgi:
    """An async context manager that listens while it is entered."""

    def __init__(
        self,
        scripts: Iterable[TgiScript] = (),
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        model: str = "fake",
        max_concurrent: int = 128,
        max_batch: int | None = None,
        max_total_tokens: int = 8192,
        tokens_per_second: float | None = None,
        first_delay: float = 0.0,
        burst: int = 1,
        text_length: int = 120,
        keep_calls: bool = True,
    ) -> None:
        """Each call takes the next of `scripts`; when they are used up calls go well.

        Beyond `max_concurrent` calls are refused; beyond `max_batch` they wait in the queue, as in TGI. `burst` is how
        many events are written at a time, `text_length` in characters; without `keep_calls` nothing is remembered.
        """
        self._scripts = iter(tuple(scripts))
        self._host, self.port = host, port
        self._model = model
        self._max_concurrent = max_concurrent
        self._max_total_tokens = max_total_tokens
        self._rate, self._first_delay = tokens_per_second, first_delay
        self._burst, self._length = max(1, burst), text_length
        self._turn = asyncio.Semaphore(max_batch or max_concurrent)
        self._runner: web.AppRunner | None = None
        self._site: web.TCPSite | None = None
        self._keep_calls = keep_calls
        self._requests = 0
        self._running = 0
        self._duration = 0.0
        self._done = 0
        self.in_flight = 0
        self.calls: list[TgiCall] = []
        self.queue_size: int | None = None
        self.batch_size: int | None = None
        """These two replace in `/metrics` what is really going on."""
        self.schemas: dict[tuple[str, int | None], Mapping[str, Any]] = {}
        """By conversation and seed; doubles that share it say the same JSON behind a prefix too."""

    @property
    def url(self) -> str:
        """Of the server: `http://127.0.0.1:4242`."""
        return f"http://{self._host}:{self.port}"

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=2_000_000)
        app.router.add_post("/generate_stream", self._generate)
        # Where TGI's own client streams from.
        app.router.add_post("/", self._generate)
        app.router.add_get("/info", self._info)
        app.router.add_get("/metrics", self._metrics)
        app.router.add_get("/health", self._health)
        self._runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.01)
        await self._runner.setup()
        await self.listen()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
        self._runner = self._site = None

    async def refuse(self) -> None:
        """Stops listening: new connections are refused, those that there are go on."""
        if self._site is not None:
            await self._site.stop()
        self._site = None

    async def listen(self) -> None:
        """Listens again, on the same port."""
        if self._site is None and self._runner is not None:
            self._site = web.TCPSite(self._runner, self._host, self.port)
            await self._site.start()
            self.port = self._runner.addresses[0][1]

    async def _generate(self, request: web.Request) -> web.StreamResponse:
        try:
            body = await request.json()
        except ValueError:
            return web.Response(status=400, text="Failed to parse the request body as JSON")
        call = TgiCall(body, dict(request.headers))
        self._requests += 1
        if self._keep_calls:
            self.calls.append(call)
        script = next(self._scripts, TgiScript())
        if script.fault in _STATUSES and script.at == 0:
            headers = {"Retry-After": _RETRY_AFTER} if script.fault is Fault.HTTP_429 else {}
            body_bytes = ERROR_EVENTS[script.fault].removeprefix(b"data:").strip()
            return web.Response(
                status=_STATUSES[script.fault], body=body_bytes, content_type="application/json", headers=headers
            )
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"})
        response.enable_chunked_encoding()
        try:
            await response.prepare(request)
            await self._stream(request, response, call, script)
        except (asyncio.CancelledError, ConnectionError):
            call.closed_early = not call.finished and script.fault not in _OWN_CLOSING
            call.closed_at = asyncio.get_running_loop().time()
            raise
        return response

    async def _stream(
        self, request: web.Request, response: web.StreamResponse, call: TgiCall, script: TgiScript
    ) -> None:
        if self.in_flight >= self._max_concurrent:
            await response.write(ERROR_EVENTS[Fault.OVERLOADED])
            return
        self.in_flight += 1
        try:
            try:
                said = answer(
                    call.body,
                    script,
                    length=self._length,
                    max_total_tokens=self._max_total_tokens,
                    schemas=self.schemas,
                )
            except RejectedError as error:
                await response.write(error_event(f"Input validation error: {error}", "validation"))
                return
            async with self._turn:
                self._running += 1
                begun = asyncio.get_running_loop().time()
                try:
                    await self._play(request, said, call, script)
                finally:
                    self._running -= 1
                    self._done += 1
                    self._duration += asyncio.get_running_loop().time() - begun
        finally:
            self.in_flight -= 1

    async def _play(self, request: web.Request, said: Answer, call: TgiCall, script: TgiScript) -> None:
        """Writes chunks of HTTP straight to the transport: many events in one write, each a chunk of its own."""
        transport = request.transport
        if transport is None:
            raise ConnectionResetError("the peer has left")
        loop = asyncio.get_running_loop()
        seed = (call.body.get("parameters") or {}).get("seed")
        end = said.events if script.fault is None else min(script.at, said.events - 1)
        rate = script.tokens_per_second or self._rate
        begun = loop.time() + (self._first_delay if script.first_delay is None else script.first_delay)
        for start in range(0, end, self._burst):
            wait = begun + (start / rate if rate else 0.0) - loop.time()
            # Without a pace the others get their turn all the same.
            await asyncio.sleep(max(0.0, wait) if rate or not start else 0)
            stop = min(start + self._burst, end)
            transport.write(b"".join([frame(said.event(index, seed)) for index in range(start, stop)]))
            call.tokens = stop
            call.finished = stop == said.events
            # Waits while the peer does not read.
            await request.writer.drain()
        if script.fault is not None:
            if not end:
                await asyncio.sleep(max(0.0, begun - loop.time()))
            await self._fail(script.fault, transport)

    async def _fail(self, fault: Fault, transport: asyncio.Transport) -> None:
        if (event := ERROR_EVENTS.get(fault)) is not None:
            transport.write(frame(event))
        elif fault is not Fault.END:
            if fault is Fault.HALF_CHARACTER:
                transport.write(frame(b'data:{"index":1,"token":{"id":5,"text":"\xe2\x82'))
                transport.close()
            elif fault is Fault.CLOSE:
                transport.close()
            elif fault is Fault.RESET:
                peer: socket.socket = transport.get_extra_info("socket")
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                transport.abort()
            # The handler is cancelled when the connection is gone, or the server stops.
            await asyncio.Event().wait()

    async def _info(self, _: web.Request) -> web.Response:
        info = info_of(self._model, max_concurrent=self._max_concurrent, max_total_tokens=self._max_total_tokens)
        return web.json_response(info)

    async def _metrics(self, _: web.Request) -> web.Response:
        queue = self.in_flight - self._running if self.queue_size is None else self.queue_size
        batch = self._running if self.batch_size is None else self.batch_size
        return web.Response(
            text=metrics_of(requests=self._requests, queue=queue, batch=batch, done=self._done, seconds=self._duration)
        )

    async def _health(self, _: web.Request) -> web.Response:
        return web.Response()


async def _serve(arguments: argparse.Namespace) -> None:
    host, _, port = arguments.listen.rpartition(":")
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    server = FakeTgi(
        host=host,
        port=int(port),
        max_concurrent=arguments.max_concurrent,
        tokens_per_second=arguments.tokens_per_second,
        first_delay=arguments.first_delay,
        burst=arguments.burst,
        text_length=arguments.text_length,
        keep_calls=False,
    )
    async with server:
        print(server.url, flush=True)
        await stopped.wait()


def _main() -> None:
    import uvloop

    parser = argparse.ArgumentParser(prog="fake_tgi", description="A text-generation-inference without a model.")
    parser.add_argument("--listen", default="127.0.0.1:8085", metavar="HOST:PORT", help="port 0 takes any")
    parser.add_argument("--max-concurrent", type=int, default=128, help="calls beyond it are refused")
    parser.add_argument("--tokens-per-second", type=float, help="pace of every stream; without it as fast as possible")
    parser.add_argument("--first-delay", type=float, default=0.0, help="seconds before the first token")
    parser.add_argument("--burst", type=int, default=1, help="events written at a time")
    parser.add_argument("--text-length", type=int, default=120, help="characters of an answer that is no JSON")
    arguments = parser.parse_args()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(arguments))


if __name__ == "__main__":
    _main()
