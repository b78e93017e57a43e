"""What a command tells a collector."""

from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from client_events import GENERATE, TRACE, Adwright
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import (
    TraceServiceServicer,
    add_TraceServiceServicer_to_server,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from adwright_client.testing import FakeGateway
from adwright_servicekit.errors import NotFound


class Collector(TraceServiceServicer):
    """Keeps the spans it is sent."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.address = ""

    async def Export(self, request: ExportTraceServiceRequest, _: Any) -> ExportTraceServiceResponse:
        for resource in request.resource_spans:
            for scope in resource.scope_spans:
                self.spans.extend(scope.spans)
        return ExportTraceServiceResponse()


@pytest.fixture
async def collector() -> AsyncIterator[Collector]:
    collector, server = Collector(), grpc.aio.server()
    add_TraceServiceServicer_to_server(collector, server)  # type: ignore[no-untyped-call]
    collector.address = f"http://127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    yield collector
    await server.stop(None)


async def test_a_command_is_one_trace_under_one_root(
    adwright_process: Adwright, gateway: FakeGateway, collector: Collector
) -> None:
    await adwright_process(*GENERATE, "--evaluate", OTEL_EXPORTER_OTLP_ENDPOINT=collector.address)
    (root,) = (span for span in collector.spans if not span.parent_span_id)
    children = [span for span in collector.spans if span.parent_span_id]
    assert root.name == "adwright generate"
    assert {span.parent_span_id for span in children} == {root.span_id}
    assert sorted(span.name.rpartition("/")[2] for span in children) == [
        "EvaluateText",
        "GenerateAd",
        "GetBrand",
        "GetProduct",
    ]
    assert {*gateway.traces} == {root.trace_id.hex()} != {TRACE}


async def test_the_root_of_a_command_that_failed_says_why(
    adwright_process: Adwright, gateway: FakeGateway, collector: Collector
) -> None:
    gateway.error = NotFound("there is no such brand", reason="BRAND_NOT_FOUND")
    await adwright_process(*GENERATE, OTEL_EXPORTER_OTLP_ENDPOINT=collector.address)
    (root,) = (span for span in collector.spans if not span.parent_span_id)
    assert (root.status.code, root.status.message) == (Status.STATUS_CODE_ERROR, "BRAND_NOT_FOUND")
