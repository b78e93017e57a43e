"""Channels to other services: balanced over replicas, with deadlines, retries, tenant and trace passed on."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import grpc
from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind

from .call import TENANT_METADATA, current_call
from .peers import Peers
from .settings import TlsSettings
from .telemetry import Telemetry, end_rpc_span, inject

__all__ = ["open_channel"]

_Continuation = Callable[[Any, Any], Awaitable[Any]]


def open_channel(
    target: str,
    telemetry: Telemetry,
    *,
    tls: TlsSettings | None = None,
    idempotent: Iterable[str] = (),
    default_timeout: float = 30.0,
    peers: Peers | None = None,
    max_message_bytes: int = 8 * 1024 * 1024,
) -> grpc.aio.Channel:
    """A channel to `target`.

    `idempotent` names the methods (`package.Service/Method`) that are tried again when the other side is not there;
    `default_timeout` (seconds) bounds calls made outside of any other call: inside of one, its deadline is passed on.
    `peers` are shown that a service calls, and for which tenant; outside of a call the metadata name it.
    Whoever leaves a stream early cancels it: a call that is only dropped is held by gRPC until its deadline.
    """
    options = [
        ("grpc.service_config", json.dumps(_service_config(idempotent))),
        ("grpc.enable_retries", 1),
        ("grpc.max_receive_message_length", max_message_bytes),
        ("grpc.max_send_message_length", max_message_bytes),
        ("grpc.keepalive_time_ms", 30_000),
        ("grpc.keepalive_timeout_ms", 10_000),
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.max_reconnect_backoff_ms", 5_000),
        # By default names are asked for twice a minute at most, and all replicas may be others by then.
        ("grpc.dns_min_time_between_resolutions_ms", 1_000),
    ]
    interceptors = [cls(telemetry, default_timeout, peers) for cls in _INTERCEPTORS]
    credentials = _credentials(tls)
    if credentials is None:
        return grpc.aio.insecure_channel(target, options=options, interceptors=interceptors)
    return grpc.aio.secure_channel(target, credentials, options=options, interceptors=interceptors)


def _service_config(idempotent: Iterable[str]) -> dict[str, Any]:
    names = [{"service": service, "method": method} for service, _, method in (m.partition("/") for m in idempotent)]
    # A server that stops turns calls that are on their way to it away with CANCELLED, untouched; gRPC by itself makes
    # only those again that never left. A call that was answered, or cancelled by us, is not made again.
    methods: list[dict[str, Any]] = [{"name": [{}], "retryPolicy": _retry("CANCELLED")}]
    if names:
        methods.append({"name": names, "retryPolicy": _retry("CANCELLED", "UNAVAILABLE")})
    return {"loadBalancingConfig": [{"round_robin": {}}], "methodConfig": methods}


def _retry(*codes: str) -> dict[str, Any]:
    return {
        "maxAttempts": 4,
        "initialBackoff": "0.1s",
        "maxBackoff": "1s",
        "backoffMultiplier": 2,
        "retryableStatusCodes": codes,
    }


def _credentials(tls: TlsSettings | None) -> grpc.ChannelCredentials | None:
    authority = (tls.tls_ca_file or tls.tls_client_ca_file) if tls else None
    if tls is None or not (tls.tls_cert_file or authority):
        return None
    cert, key, ca = (path.read_bytes() if path else None for path in (tls.tls_cert_file, tls.tls_key_file, authority))
    return grpc.ssl_channel_credentials(root_certificates=ca, private_key=key, certificate_chain=cert)


class _Outgoing:
    """One span a call, ended by the call's own end: also when a stream is cancelled."""

    def __init__(self, telemetry: Telemetry, default_timeout: float, peers: Peers | None) -> None:
        self._telemetry = telemetry
        self._default_timeout = default_timeout
        self._peers = peers
        self._endings: set[asyncio.Task[None]] = set()

    async def _call(self, continuation: _Continuation, details: Any, request: Any) -> Any:
        current = current_call()
        limit = current.time_remaining() if current else self._default_timeout
        timeout = limit if details.timeout is None else min(details.timeout, limit)
        # gRPC hands over bytes where its types say str.
        raw: Any = details.method
        method = raw.decode() if isinstance(raw, bytes) else str(raw)
        span = self._telemetry.start_rpc_span(method, SpanKind.CLIENT)
        metadata = grpc.aio.Metadata(*(details.metadata or ()))
        for key, value in inject(span).items():
            metadata.set_all(key, [value])
        if self._peers is not None:
            for key, value in self._peers.metadata:
                metadata.set_all(key, [value])
            if current and current.identity:
                metadata.set_all(TENANT_METADATA, [current.identity.tenant])
        try:
            with trace.use_span(span, end_on_exit=False, record_exception=False, set_status_on_exception=False):
                call = await continuation(details._replace(timeout=timeout, metadata=metadata), request)
        except BaseException:
            end_rpc_span(span, SpanKind.CLIENT, grpc.StatusCode.CANCELLED)
            raise
        call.add_done_callback(lambda ended: self._end_later(span, ended))
        return call

    def _end_later(self, span: Span, call: Any) -> None:
        # The code of a call that is done is there at once, but only a coroutine can ask for it.
        task = asyncio.get_running_loop().create_task(_end(span, call))
        self._endings.add(task)
        task.add_done_callback(self._endings.discard)


async def _end(span: Span, call: Any) -> None:
    end_rpc_span(span, SpanKind.CLIENT, await call.code())


# gRPC sorts an interceptor into one of four kinds by its class, so there is one class a kind.
class _UnaryUnary(_Outgoing, grpc.aio.UnaryUnaryClientInterceptor):
    async def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        return await self._call(continuation, client_call_details, request)


class _UnaryStream(_Outgoing, grpc.aio.UnaryStreamClientInterceptor):
    async def intercept_unary_stream(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        return await self._call(continuation, client_call_details, request)


class _StreamUnary(_Outgoing, grpc.aio.StreamUnaryClientInterceptor):
    async def intercept_stream_unary(self, continuation: Any, client_call_details: Any, request_iterator: Any) -> Any:
        return await self._call(continuation, client_call_details, request_iterator)


class _StreamStream(_Outgoing, grpc.aio.StreamStreamClientInterceptor):
    async def intercept_stream_stream(self, continuation: Any, client_call_details: Any, request_iterator: Any) -> Any:
        return await self._call(continuation, client_call_details, request_iterator)


_INTERCEPTORS: tuple[type[Any], ...] = (_UnaryUnary, _UnaryStream, _StreamUnary, _StreamStream)
