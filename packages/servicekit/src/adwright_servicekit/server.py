"""A gRPC server as every service runs it: health, reflection, limits, TLS, and an end that breaks no stream.

On SIGTERM or SIGINT: health says NOT_SERVING, calls are still taken for `shutdown_delay`, then no new ones are taken
and those running may finish within `shutdown_grace`; the process exits 0. A second signal ends it at once.
"""

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable, Iterable, Sequence
from types import TracebackType
from typing import Self

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1.health import aio as health_aio
from grpc_reflection.v1alpha import reflection

from .interceptor import CallInterceptor
from .scope import CallScope, Identify
from .settings import ServerSettings, SettingsError
from .telemetry import Telemetry

__all__ = ["Server"]

_log = logging.getLogger(__name__)

# gRPC takes a message in before anybody has looked at who sends it, and cuts off one above its limit without words.
# So its limit is a little above ours: what lies between is refused in our words, and memory stays bounded.
_ROOM_FOR_WORDS = 2
_MAX_RESPONSE_BYTES = 32 * 1024 * 1024
_MOST_PROBES = 64


class Server:
    """Serves until told to stop. Register servicers on `grpc` before `start`."""

    def __init__(
        self,
        listen: str,
        services: Sequence[str],
        settings: ServerSettings,
        telemetry: Telemetry,
        *,
        identify: Identify | None = None,
    ) -> None:
        """`services` are the full names that health and reflection speak of; `listen` is `HOST:PORT`.

        Without `identify` the other services are served, for the tenant that they name.
        """
        self._listen = listen
        self._services = tuple(services)
        self._settings = settings
        self._health = health_aio.HealthServicer()
        self._stopped = asyncio.Event()
        self._stopping: asyncio.Task[None] | None = None
        self._beside: list[Callable[[float], Awaitable[None]]] = []
        self._probed: grpc.aio.Server | None = None
        self.address = listen
        """Where it really listens, once started."""
        self.health_address = ""
        """Where health alone is answered without TLS, once started; empty where nobody asked for it."""
        self.scope = CallScope(telemetry, identify or settings.peers.identify, max_deadline=settings.max_deadline)
        """What surrounds every call; also for those that come in by another way than gRPC."""
        age_ms = int(settings.max_connection_age * 1000)
        self.grpc = grpc.aio.server(
            interceptors=[
                CallInterceptor(
                    self.scope, max_request_bytes=settings.max_request_bytes, slow_reader=settings.slow_reader
                ),
            ],
            options=[
                ("grpc.so_reuseport", 0),
                ("grpc.max_receive_message_length", _ROOM_FOR_WORDS * settings.max_request_bytes),
                ("grpc.max_send_message_length", _MAX_RESPONSE_BYTES),
                ("grpc.keepalive_time_ms", 30_000),
                ("grpc.keepalive_timeout_ms", 10_000),
                ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
                ("grpc.keepalive_permit_without_calls", 1),
                ("grpc.max_connection_age_ms", age_ms),
                # Long enough for any call: only new ones are to go to other replicas.
                ("grpc.max_connection_age_grace_ms", int(settings.max_deadline * 1000)),
            ],
            maximum_concurrent_rpcs=settings.max_concurrent_rpcs,
        )

    async def start(self) -> None:
        """Binds and serves. Raises SettingsError when the address cannot be had."""
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self.grpc)
        for service in self._services:
            await self._health.set(service, health_pb2.HealthCheckResponse.SERVING)
        names = (
            *self._services,
            health_pb2.DESCRIPTOR.services_by_name["Health"].full_name,
            reflection.SERVICE_NAME,
        )
        reflection.enable_server_reflection(names, self.grpc)
        try:
            port = self._bind()
        except RuntimeError:
            port = 0
        if port == 0:
            with_tls = ", and are ADWRIGHT_TLS_CERT_FILE and ADWRIGHT_TLS_KEY_FILE a pair in PEM format"
            raise SettingsError(
                f"cannot listen on {self._listen}: is something else running there"
                f"{with_tls if self._settings.tls_cert_file else ''}?"
            )
        self.address = f"{self._listen.rpartition(':')[0]}:{port}"
        if self._settings.health_listen is not None:
            self._probed = self._bind_probes(self._settings.health_listen)
            await self._probed.start()
        await self.grpc.start()

    def _bind_probes(self, listen: str) -> grpc.aio.Server:
        server = grpc.aio.server(options=[("grpc.so_reuseport", 0)], maximum_concurrent_rpcs=_MOST_PROBES)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, server)
        try:
            port = server.add_insecure_port(listen)
        except RuntimeError:
            port = 0
        if port == 0:
            raise SettingsError(f"ADWRIGHT_HEALTH_LISTEN: cannot listen on {listen}: is something else running there?")
        self.health_address = f"{listen.rpartition(':')[0]}:{port}"
        return server

    def _bind(self) -> int:
        settings = self._settings
        if settings.tls_cert_file is None or settings.tls_key_file is None:
            return int(self.grpc.add_insecure_port(self._listen))
        ca = settings.tls_client_ca_file
        pair = (settings.tls_key_file.read_bytes(), settings.tls_cert_file.read_bytes())
        credentials = grpc.ssl_server_credentials(
            [pair], root_certificates=ca.read_bytes() if ca else None, require_client_auth=ca is not None
        )
        return int(self.grpc.add_secure_port(self._listen, credentials))

    async def stop(self, *, grace: float | None = None) -> None:
        """Drains and stops; `grace` in seconds, by default that of the settings."""
        grace = self._settings.shutdown_grace if grace is None else grace
        await self._health.enter_graceful_shutdown()
        if grace and self._settings.shutdown_delay:
            await asyncio.sleep(self._settings.shutdown_delay)
        await asyncio.gather(self.grpc.stop(grace), *(stop(grace) for stop in self._beside))
        if self._probed is not None:
            await self._probed.stop(0)
        self._stopped.set()

    def stop_beside(self, stop: Callable[[float], Awaitable[None]]) -> None:
        """Has something else that serves drained together with this server; `stop` takes the grace in seconds."""
        self._beside.append(stop)

    async def serve_until_signal(self, signals: Iterable[signal.Signals] = (signal.SIGTERM, signal.SIGINT)) -> None:
        """Returns when a signal came and the server has drained."""
        loop = asyncio.get_running_loop()
        for number in signals:
            loop.add_signal_handler(number, self._on_signal)
        # Said only now: who reads it may send a signal at once.
        _log.info("serving %s on %s", ", ".join(self._services), self.address)
        await self._stopped.wait()

    def _on_signal(self) -> None:
        if self._stopping is None:
            _log.info("draining")
            self._stopping = asyncio.create_task(self.stop())
        else:
            _log.warning("second signal: stopping at once")
            self._hurry = asyncio.create_task(self.grpc.stop(0))

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop(grace=0)
