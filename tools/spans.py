"""An OTLP receiver that keeps the spans it is sent, and a trace drawn as a tree."""

import threading
from collections.abc import Iterable
from concurrent import futures
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc
from rich.text import Text
from rich.tree import Tree

__all__ = ["ReceivedSpan", "SpanReceiver", "trace_tree"]

_KINDS = {1: "", 2: "server", 3: "client"}


@dataclass(frozen=True)
class ReceivedSpan:
    """One span, with what the tests and the tree need of it."""

    service: str
    name: str
    kind: str
    trace_id: str
    span_id: str
    parent_id: str
    start: int
    """Units: nanoseconds since the epoch, as `end`."""
    end: int
    error: str
    attributes: dict[str, Any]

    @property
    def seconds(self) -> float:
        """How long it took."""
        return (self.end - self.start) / 1e9


class SpanReceiver(trace_service_pb2_grpc.TraceServiceServicer):
    """Takes OTLP over gRPC on a loopback port; a context manager."""

    def __init__(self) -> None:
        self._spans: list[ReceivedSpan] = []
        self._lock = threading.Lock()
        self._server = grpc.server(futures.ThreadPoolExecutor(max_workers=4))
        add_service: Any = trace_service_pb2_grpc.add_TraceServiceServicer_to_server
        add_service(self, self._server)
        self.endpoint = f"http://127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"

    @property
    def environ(self) -> dict[str, str]:
        """The variables that make a process export here."""
        return {
            "OTEL_EXPORTER_OTLP_ENDPOINT": self.endpoint,
            "OTEL_EXPORTER_OTLP_INSECURE": "true",
            "OTEL_EXPORTER_OTLP_TIMEOUT": "2",
            "OTEL_BSP_SCHEDULE_DELAY": "100",
        }

    def Export(self, request: Any, context: Any) -> Any:
        received = [
            _received(str(service), span)
            for resource in request.resource_spans
            for service in [_attributes(resource.resource.attributes).get("service.name", "")]
            for scope in resource.scope_spans
            for span in scope.spans
        ]
        with self._lock:
            self._spans.extend(received)
        return trace_service_pb2.ExportTraceServiceResponse()

    def spans(self, trace_id: str = "") -> list[ReceivedSpan]:
        """What has arrived, of one trace or of all."""
        with self._lock:
            return [span for span in self._spans if not trace_id or span.trace_id == trace_id]

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.stop(0).wait()


def _received(service: str, span: Any) -> ReceivedSpan:
    return ReceivedSpan(
        service=service,
        name=span.name,
        kind=_KINDS.get(span.kind, ""),
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex(),
        start=span.start_time_unix_nano,
        end=span.end_time_unix_nano,
        error=span.status.message or "error" if span.status.code == 2 else "",
        attributes=_attributes(span.attributes),
    )


def _attributes(pairs: Iterable[Any]) -> dict[str, Any]:
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value") or "string_value") for pair in pairs}


def trace_tree(spans: list[ReceivedSpan]) -> Tree:
    """The spans of one trace as a tree, earliest first, each with its service and how long it took."""
    known = {span.span_id for span in spans}
    roots = [span for span in spans if span.parent_id not in known]
    tree = Tree(Text(f"trace {spans[0].trace_id}" if spans else "no spans", style="bold"))

    def grow(branch: Tree, level: list[ReceivedSpan]) -> None:
        for span in sorted(level, key=lambda s: s.start):
            name = span.name.rpartition(".")[2]
            line = Text.assemble(
                (f"{span.service.removeprefix('adwright-'):<10}", "cyan"),
                (f"{span.kind:<7}", "dim"),
                f"{name}  ",
                (f"{span.seconds * 1000:,.0f} ms", "green"),
                (f"  {span.error}" if span.error else "", "red"),
            )
            grow(branch.add(line), [child for child in spans if child.parent_id == span.span_id])

    grow(tree, roots)
    return tree
