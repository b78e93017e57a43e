"""What every service does around its handlers, seen from the other end of a real channel."""

import asyncio
import logging
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from opentelemetry.trace import StatusCode
from service import SERVICE, Counting, generate_request, register

from adwright.generator.v1 import generator_service_pb2 as pb
from adwright.generator.v1 import generator_service_pb2_grpc as pb_grpc
from adwright_servicekit.errors import NotFound
from adwright_servicekit.testing import RecordedTelemetry, as_tenant, expect_error, serving


@pytest.fixture
def telemetry() -> RecordedTelemetry:
    return RecordedTelemetry()


@pytest.fixture
def servicer() -> Counting:
    return Counting()


@pytest.fixture
async def channel(servicer: Counting, telemetry: RecordedTelemetry) -> AsyncIterator[grpc.aio.Channel]:
    async with serving(partial(register, servicer), [SERVICE], telemetry=telemetry) as channel:
        yield channel


@pytest.fixture
def stub(channel: grpc.aio.Channel) -> Any:
    return pb_grpc.GeneratorServiceStub(channel)


async def _spans(telemetry: RecordedTelemetry) -> dict[str, Any]:
    spans = {span.kind.name: span for span in await telemetry.finished(2)}
    assert set(spans) == {"CLIENT", "SERVER"}
    return spans


async def test_health_is_open_to_all(channel: grpc.aio.Channel) -> None:
    answer = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(service=SERVICE))
    assert answer.status == health_pb2.HealthCheckResponse.SERVING


async def test_a_call_without_a_tenant_is_refused(stub: Any) -> None:
    async with expect_error(grpc.StatusCode.UNAUTHENTICATED, "TENANT_MISSING"):
        [_ async for _ in stub.Generate(generate_request())]


async def test_rules_of_the_protos_are_held_before_the_handler_runs(stub: Any) -> None:
    async with expect_error(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_INPUT") as caught:
        [_ async for _ in stub.Generate(pb.GenerateRequest(format="nonsense"), metadata=as_tenant())]
    assert {violation.field for violation in caught[0].violations} == {"context", "format"}


async def test_bytes_that_are_no_message_are_the_callers_mistake(channel: grpc.aio.Channel) -> None:
    method = channel.unary_unary(f"/{SERVICE}/ListFormats")
    async with expect_error(grpc.StatusCode.INVALID_ARGUMENT, "MALFORMED_REQUEST"):
        await method(b"\xff\xff\xff", metadata=as_tenant())


async def test_nothing_of_an_unknown_caller_is_parsed(channel: grpc.aio.Channel) -> None:
    method = channel.unary_unary(f"/{SERVICE}/ListFormats")
    async with expect_error(grpc.StatusCode.UNAUTHENTICATED, "TENANT_MISSING"):
        await method(b"\xff\xff\xff")


async def test_a_whole_stream_ends_both_spans_well(stub: Any, servicer: Counting, telemetry: RecordedTelemetry) -> None:
    servicer.count, servicer.pause = 3, 0
    assert len([_ async for _ in stub.Generate(generate_request(), metadata=as_tenant())]) == 3
    spans = await _spans(telemetry)
    for span in spans.values():
        assert span.attributes["rpc.grpc.status_code"] == 0
        assert span.status.status_code is StatusCode.UNSET
    assert spans["SERVER"].parent.span_id == spans["CLIENT"].context.span_id


async def test_a_reader_who_leaves_closes_the_handler_and_both_spans(
    stub: Any, servicer: Counting, telemetry: RecordedTelemetry
) -> None:
    call = stub.Generate(generate_request(), metadata=as_tenant())
    async for _ in call:
        break
    call.cancel()
    await asyncio.wait_for(servicer.closed.wait(), 1)
    spans = await _spans(telemetry)
    assert {span.attributes["rpc.grpc.status_code"] for span in spans.values()} == {grpc.StatusCode.CANCELLED.value[0]}


async def test_a_deadline_that_passes_is_said_in_our_words_and_on_both_spans(
    stub: Any, servicer: Counting, telemetry: RecordedTelemetry
) -> None:
    async with expect_error(grpc.StatusCode.DEADLINE_EXCEEDED, "DEADLINE_TOO_SHORT"):
        [_ async for _ in stub.Generate(generate_request(), metadata=as_tenant(), timeout=0.3)]
    assert servicer.closed.is_set()
    for span in (await _spans(telemetry)).values():
        assert span.attributes["rpc.grpc.status_code"] == grpc.StatusCode.DEADLINE_EXCEEDED.value[0]
        assert span.status.status_code is StatusCode.ERROR


async def test_a_defect_is_internal_and_its_text_stays_inside(
    stub: Any, caplog: pytest.LogCaptureFixture, telemetry: RecordedTelemetry
) -> None:
    with caplog.at_level(logging.ERROR):
        async with expect_error(grpc.StatusCode.INTERNAL, "INTERNAL") as caught:
            await stub.ListFormats(pb.ListFormatsRequest(), metadata=as_tenant())
    assert "ValueError" in caplog.text
    assert "secret words" not in caplog.text + caught[0].message
    assert (await _spans(telemetry))["SERVER"].status.status_code is StatusCode.ERROR


async def test_reflection_lists_the_service(channel: grpc.aio.Channel) -> None:
    from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

    async def ask() -> AsyncIterator[Any]:
        yield reflection_pb2.ServerReflectionRequest(list_services="")

    stub = reflection_pb2_grpc.ServerReflectionStub(channel)
    async for answer in stub.ServerReflectionInfo(ask()):
        assert SERVICE in {service.name for service in answer.list_services_response.service}


async def test_a_caller_who_is_still_sending_gets_the_error_all_the_same() -> None:
    async def refuse(requests: AsyncIterator[bytes], context: Any) -> bytes:
        raise NotFound(f"no use for {len(await anext(requests))} bytes", reason="BRAND_NOT_FOUND")

    def add(server: grpc.aio.Server) -> None:
        handlers = {"Take": grpc.stream_unary_rpc_method_handler(refuse)}
        server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("test.Taker", handlers)])

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(64):
            yield b"x" * 65536

    async with serving(add, []) as channel:
        take = channel.stream_unary("/test.Taker/Take")
        for _ in range(30):
            async with expect_error(grpc.StatusCode.NOT_FOUND, "BRAND_NOT_FOUND"):
                await take(pieces(), metadata=as_tenant())
