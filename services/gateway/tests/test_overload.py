"""A gateway that is asked for more than it can do, and readers that do not read."""

import asyncio
from typing import Any

import grpc
import pytest
from behind import AD, AUTHORIZED, Edge

from adwright.gateway.v1 import ad_service_pb2 as pb
from adwright.type.v1 import ad_event_pb2
from adwright.type.v1.priority_pb2 import PRIORITY_BATCH
from adwright_servicekit.testing import expect_error


@pytest.fixture
def wishes() -> dict[str, str]:
    return {"ADWRIGHT_GATEWAY_MAX_STREAMS": "4", "ADWRIGHT_SLOW_READER": "0.3"}


def batch() -> pb.GenerateAdRequest:
    request = pb.GenerateAdRequest.FromString(AD.SerializeToString())
    request.priority = PRIORITY_BATCH
    return request


async def begun(edge: Edge) -> Any:
    call = edge.ads.GenerateAd(AD, metadata=AUTHORIZED)
    await call.read()
    return call


async def test_batch_work_is_turned_away_first_and_then_everybody_until_there_is_room(edge: Edge) -> None:
    edge.generator.pause = 0.5
    calls = [await begun(edge) for _ in range(3)]
    async with expect_error(grpc.StatusCode.RESOURCE_EXHAUSTED, "GATEWAY_BUSY") as refused:
        await edge.ads.GenerateAd(batch(), metadata=AUTHORIZED).read()
    assert (refused[0].retry_after or 0) >= 1
    calls.append(await begun(edge))
    async with expect_error(grpc.StatusCode.RESOURCE_EXHAUSTED, "GATEWAY_BUSY"):
        await edge.ads.GenerateAd(AD, metadata=AUTHORIZED).read()
    for call in calls:
        assert [event async for event in _rest(call)][-1].HasField("completed")
    edge.generator.pause = 0.0
    assert [event async for event in edge.ads.GenerateAd(batch(), metadata=AUTHORIZED)]


async def test_a_reader_that_takes_nothing_is_cut_off_with_a_reason_and_the_backend_is_free(edge: Edge) -> None:
    many = ad_event_pb2.AdEvent(delta=ad_event_pb2.AdDelta(path="headlines[0]", text="x" * 20_000))
    edge.generator.events[1:1] = [many] * 2000
    call = await begun(edge)
    await asyncio.wait_for(edge.generator.closed.wait(), 10)
    async with expect_error(grpc.StatusCode.RESOURCE_EXHAUSTED, "SLOW_READER"):
        [_ async for _ in _rest(call)]


async def _rest(call: Any) -> Any:
    while (event := await call.read()) is not grpc.aio.EOF:
        yield event
    if await call.code() is not grpc.StatusCode.OK:
        raise grpc.aio.AioRpcError(
            await call.code(), await call.initial_metadata(), await call.trailing_metadata(), await call.details()
        )
