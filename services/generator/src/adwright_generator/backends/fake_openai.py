"""A server that speaks OpenAI's streamed chat completions and has no model: for tests, demos and benchmarks.

What it says is derived from the request, so it is the same every time. What goes wrong, and when, is data. It is
a double of the wire, not of the service: `python -m adwright_generator.backends.fake_openai --listen 127.0.0.1:8086`.
"""

import argparse
import asyncio
import signal
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Self

from aiohttp import web

from ._fake_chat import Fault, OpenAICall, OpenAIScript, Play, error_response

__all__ = ["FakeOpenAI", "Fault", "OpenAICall", "OpenAIScript"]

_WRONG_KEY = (401, "invalid_request_error", "invalid_api_key")


class FakeOpenAI:
    """The server, while its context is open."""

    def __init__(
        self,
        scripts: Iterable[OpenAIScript] = (),
        *,
        default: OpenAIScript | None = None,
        keys: Iterable[str] | None = None,
        model: str = "fake",
        host: str = "127.0.0.1",
        port: int = 0,
        keep_calls: bool = True,
    ) -> None:
        """Each call with an accepted key takes the next of `scripts`; when they are used up calls do `default`.

        `port` 0 is any free one. Without `keep_calls` memory stays bounded over long runs.
        """
        self._scripts = iter(tuple(scripts))
        self._default = default or OpenAIScript()
        self._model = model
        self._host = host
        self._keep_calls = keep_calls
        self._runner: web.AppRunner | None = None
        self._site: web.TCPSite | None = None
        self._busy: set[web.RequestHandler] = set()
        self.port = port
        self.keys = None if keys is None else set(keys)
        """Accepted API keys; None: all, and none at all. May be changed while it serves."""
        self.calls: list[OpenAICall] = []
        """The calls with an accepted key, oldest first."""
        self.refused_keys = 0
        """Calls that were turned away for their key."""
        self.in_flight = 0
        """Answers that are under way."""

    @property
    def url(self) -> str:
        """The base URL for clients."""
        return f"http://{self._host}:{self.port}/v1"

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=8 * 1024 * 1024)
        app.router.add_post("/v1/chat/completions", self._chat)
        app.router.add_get("/v1/models", self._models)
        # Handlers must learn that their caller left, and must not keep the server open.
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1, access_log=None)
        await self._runner.setup()
        await self.listen()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    async def listen(self) -> None:
        """Takes connections, on the same port as before."""
        assert self._runner is not None
        self._site = web.TCPSite(self._runner, self._host, self.port, reuse_address=True)
        await self._site.start()
        self.port = self._runner.addresses[0][1]

    async def refuse(self) -> None:
        """Takes no connections any more; answers that are under way go on."""
        assert self._runner is not None
        if self._site is not None:
            await self._site.stop()
            self._site = None
        for connection in self._runner.server.connections if self._runner.server else ():
            # One that waits for another request would take it; one that is busy shall close afterwards.
            if connection in self._busy:
                connection.close()
            elif connection.transport is not None:
                connection.transport.close()

    async def _models(self, request: web.Request) -> web.Response:
        if not self._accepts(request):
            return error_response(*_WRONG_KEY)
        entry = {"id": self._model, "object": "model", "created": 0, "owned_by": "adwright"}
        return web.json_response({"object": "list", "data": [entry]})

    def _accepts(self, request: web.Request) -> bool:
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        return self.keys is None or (scheme == "Bearer" and key in self.keys)

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        if not self._accepts(request):
            self.refused_keys += 1
            return error_response(*_WRONG_KEY)
        try:
            body = await request.json()
            messages = [(turn["role"], turn["content"]) for turn in body["messages"]]
            assert body["stream"] is True, "this double only streams"
        except (AssertionError, KeyError, TypeError, ValueError):
            return error_response(400, "invalid_request_error", None)
        script = next(self._scripts, self._default)
        call = OpenAICall(body, {name.lower(): value for name, value in request.headers.items()})
        if self._keep_calls:
            self.calls.append(call)
        self.in_flight += 1
        self._busy.add(request.protocol)
        try:
            return await Play(script, call, messages).run(request)
        except (asyncio.CancelledError, ConnectionError):
            call.closed_early = not call.finished
            raise
        finally:
            self.in_flight -= 1
            self._busy.discard(request.protocol)


def main(arguments: Sequence[str] | None = None) -> None:
    """Serves until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="python -m adwright_generator.backends.fake_openai", description=__doc__)
    parser.add_argument("--listen", default="127.0.0.1:8086", metavar="HOST:PORT")
    parser.add_argument("--model", default="fake")
    parser.add_argument("--key", action="append", help="an API key to accept; without any all are")
    parser.add_argument("--first-delay", type=float, default=0.0, metavar="SECONDS")
    parser.add_argument("--tokens-per-second", type=float)
    parser.add_argument("--fault", type=Fault, choices=list(Fault), help="what goes wrong with every answer")
    parser.add_argument("--at", type=int, default=0, metavar="CHUNKS", help="after how many chunks it goes wrong")
    options = parser.parse_args(arguments)
    host, _, port = options.listen.rpartition(":")
    script = OpenAIScript(
        first_delay=options.first_delay,
        tokens_per_second=options.tokens_per_second,
        fault=options.fault,
        at=options.at,
    )
    keys = set(options.key) if options.key else None
    server = FakeOpenAI(
        default=script, keys=keys, model=options.model, host=host.strip("[]"), port=int(port), keep_calls=False
    )
    asyncio.run(_serve(server))


async def _serve(server: FakeOpenAI) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with server:
        print(server.url, flush=True)
        await stop.wait()


if __name__ == "__main__":
    main()
