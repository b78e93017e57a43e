"""uvicorn in the gateway's own process and loop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import socket
from collections.abc import AsyncIterator, Iterator

import uvicorn
from fastapi import FastAPI

from adwright_servicekit.settings import SettingsError, TlsSettings

__all__ = ["HttpServer", "open_http"]


class _Uvicorn(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are for the process, which stops gRPC and HTTP together."""
        yield


class HttpServer:
    """A server that listens."""

    def __init__(self, server: uvicorn.Server, serving: asyncio.Task[None], address: str) -> None:
        self._server = server
        self._serving = serving
        self.address = address
        """Where it really listens, `HOST:PORT`."""

    async def stop(self, grace: float) -> None:
        """Takes no new connections, lets running requests end within `grace` seconds."""
        self._server.config.timeout_graceful_shutdown = math.ceil(grace)
        self._server.should_exit = True
        await asyncio.wait((self._serving,))


@contextlib.asynccontextmanager
async def open_http(app: FastAPI, listen: str, tls: TlsSettings) -> AsyncIterator[HttpServer]:
    """Serves while the context lasts. Raises SettingsError where the address cannot be had."""
    host, _, port = listen.rpartition(":")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host.strip("[]"), int(port)))
    except OSError as error:
        listener.close()
        raise SettingsError(
            f"ADWRIGHT_GATEWAY_HTTP_LISTEN: cannot listen on {listen} ({error.strerror}): "
            "is something else running there?"
        ) from None
    # Its own lines about starting and stopping say nothing that the gateway does not.
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        ws="none",
        ssl_certfile=tls.tls_cert_file,
        ssl_keyfile=str(tls.tls_key_file) if tls.tls_key_file else None,
    )
    server = _Uvicorn(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        while not server.started and not serving.done():  # noqa: ASYNC110 - uvicorn tells nobody
            await asyncio.sleep(0.01)
        yield HttpServer(server, serving, f"{host}:{listener.getsockname()[1]}")
    finally:
        # Whoever wanted requests to end has waited in `stop`.
        config.timeout_graceful_shutdown = 1
        server.should_exit = True
        await serving
