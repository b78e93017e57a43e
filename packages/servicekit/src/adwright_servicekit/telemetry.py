"""Traces: one provider a process, handed around; spans with the right end also when a call is cut short. Metrics too.

The exporter is off unless the standard variables (`OTEL_EXPORTER_OTLP_ENDPOINT`, `OTEL_TRACES_EXPORTER=otlp`) ask for
it; trace ids are made and passed on in any case. Attribute names follow the OpenTelemetry semantic conventions for RPC.
"""

from collections.abc import Iterable, Mapping

import grpc
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from .metrics import Metrics

__all__ = ["Telemetry", "end_rpc_span", "inject", "trace_id"]

_PROPAGATOR = TraceContextTextMapPropagator()

# A server is not at fault for what its caller did wrong (semantic conventions for gRPC, server spans).
_SERVER_FAULTS = {
    grpc.StatusCode.UNKNOWN,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.UNIMPLEMENTED,
    grpc.StatusCode.INTERNAL,
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DATA_LOSS,
}


class Telemetry:
    """The tracer and the meter of one process."""

    def __init__(
        self, service: str, *, processors: Iterable[SpanProcessor] = (), metrics: Metrics | None = None
    ) -> None:
        """`processors` receive every span; a process without any still makes and passes on trace ids.

        Without `metrics` nothing is counted.
        """
        self.service = service
        self._metrics = metrics or Metrics(service)
        self.meter = self._metrics.meter
        self._provider = TracerProvider(resource=Resource.create({"service.name": service}), shutdown_on_exit=False)
        for processor in processors:
            self._provider.add_span_processor(processor)
        self.tracer = self._provider.get_tracer("adwright")

    @classmethod
    def from_environ(cls, service: str, environ: Mapping[str, str]) -> "Telemetry":
        """With the exporters that the environment asks for. Raises SettingsError."""
        metrics = Metrics.from_environ(service, environ)
        name = environ.get("OTEL_SERVICE_NAME", service)
        wanted = environ.get("OTEL_TRACES_EXPORTER")
        endpoint = environ.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") or environ.get("OTEL_EXPORTER_OTLP_ENDPOINT")
        if environ.get("OTEL_SDK_DISABLED", "").lower() == "true" or wanted == "none":
            return cls(name, metrics=metrics)
        if wanted == "otlp" or endpoint:
            # Imported only when used: it takes a tenth of a second.
            from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

            return cls(name, processors=[BatchSpanProcessor(OTLPSpanExporter())], metrics=metrics)
        return cls(name, metrics=metrics)

    def start_rpc_span(self, method: str, kind: SpanKind, metadata: Iterable[tuple[str, str | bytes]] = ()) -> Span:
        """A span named by `method` (`package.Service/Method`), child of what `metadata` says or of the current one."""
        parent: Context | None = None
        if kind is SpanKind.SERVER:
            carrier = {k: v for k, v in metadata if k in ("traceparent", "tracestate") and isinstance(v, str)}
            # An empty context, not the current one: a server span has its parent on the wire or none.
            parent = _PROPAGATOR.extract(carrier, context=Context())
        method = method.lstrip("/")
        service, _, name = method.partition("/")
        return self.tracer.start_span(
            method,
            context=parent,
            kind=kind,
            attributes={"rpc.system": "grpc", "rpc.service": service, "rpc.method": name},
        )

    def close(self) -> None:
        """Sends what is left, within the exporter's own timeout. Blocks."""
        self._provider.shutdown()
        self._metrics.close()


def end_rpc_span(span: Span, kind: SpanKind, code: grpc.StatusCode, reason: str = "") -> None:
    """Ends an RPC's span with its status code; server spans are errors only where the server is at fault."""
    span.set_attribute("rpc.grpc.status_code", code.value[0])
    if reason:
        span.set_attribute("error.type", reason)
    if code is not grpc.StatusCode.OK and (kind is not SpanKind.SERVER or code in _SERVER_FAULTS):
        span.set_status(Status(StatusCode.ERROR, reason or code.name))
    span.end()


def inject(span: Span) -> dict[str, str]:
    """The metadata that makes `span` the parent on the other side."""
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier, context=trace.set_span_in_context(span))
    return carrier


def trace_id(span: Span | None = None) -> str:
    """32 hex digits of the span's trace, or of the current one's; all zero outside of a trace."""
    return trace.format_trace_id((span or trace.get_current_span()).get_span_context().trace_id)
