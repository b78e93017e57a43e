"""Every call is measured, by method and code, and only where somebody reads it."""

from functools import partial
from typing import Any

import grpc
import pytest
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from service import SERVICE, Counting, generate_request, register

from adwright.generator.v1 import generator_service_pb2_grpc as pb_grpc
from adwright_servicekit.metrics import Metrics
from adwright_servicekit.telemetry import Telemetry
from adwright_servicekit.testing import as_tenant, serving


def points(reader: InMemoryMetricReader) -> dict[tuple[str, str], Any]:
    data = reader.get_metrics_data()
    assert data is not None
    [metric] = [
        metric
        for metric in data.resource_metrics[0].scope_metrics[0].metrics
        if metric.name == "rpc.server.call.duration"
    ]
    found: dict[tuple[str, str], Any] = {}
    for point in metric.data.data_points:
        assert point.attributes is not None
        assert point.attributes["rpc.system.name"] == "grpc"
        found[str(point.attributes["rpc.method"]), str(point.attributes["rpc.response.status_code"])] = point
    return found


async def test_streams_count_when_they_end_and_refusals_by_their_code() -> None:
    reader = InMemoryMetricReader()
    telemetry = Telemetry("test", metrics=Metrics("test", readers=[reader]))
    async with serving(partial(register, Counting(5, 0.02)), [SERVICE], telemetry=telemetry) as channel:
        generate = pb_grpc.GeneratorServiceStub(channel).Generate
        assert len([_ async for _ in generate(generate_request(), metadata=as_tenant())]) == 5
        with pytest.raises(grpc.aio.AioRpcError):
            [_ async for _ in generate(generate_request())]
    found = points(reader)
    whole, refused = found[f"{SERVICE}/Generate", "OK"], found[f"{SERVICE}/Generate", "UNAUTHENTICATED"]
    assert (whole.count, refused.count) == (1, 1)
    assert whole.sum >= 0.1
    assert refused.sum < whole.sum
