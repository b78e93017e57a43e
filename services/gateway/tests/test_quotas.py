"""Quotas at the gateway's doors: who is refused, in which words, and what is charged however a generation ends."""

import asyncio
from collections.abc import Awaitable, Callable

import grpc
import httpx2
import pytest
from behind import AD, AUTHORIZED, KEY, Edge
from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2

from adwright.gateway.v1 import ad_service_pb2_grpc, key_service_pb2, key_service_pb2_grpc
from adwright.gateway.v1 import quota_service_pb2 as pb
from adwright.gateway.v1 import quota_service_pb2_grpc as pb_grpc
from adwright.type.v1 import ad_event_pb2
from adwright_servicekit.errors import Unavailable
from adwright_servicekit.testing import expect_error

ON_EVERY_STORE = True

Metadata = tuple[tuple[str, str], ...]


@pytest.fixture
def spending(edge: Edge) -> Edge:
    """Writes three words and says that they took 30 tokens and a tenth of a cent."""
    completed = ad_event_pb2.AdCompleted(usage=ad_event_pb2.Usage(input_tokens=20, output_tokens=10))
    completed.cost.currency_code, completed.cost.nanos = "USD", 1_000_000
    deltas = [ad_event_pb2.AdEvent(delta=ad_event_pb2.AdDelta(path="text", text=word)) for word in ("a ", "b ", "c")]
    edge.generator.events = [
        ad_event_pb2.AdEvent(started=ad_event_pb2.AdStarted(format="formats/plain")),
        *deltas,
        ad_event_pb2.AdEvent(completed=completed),
    ]
    return edge


async def a_key(edge: Edge, **limits: int) -> Metadata:
    asked = key_service_pb2.Key(scopes=["generate", "read"], limits=pb.Limits(**limits))
    made = await key_service_pb2_grpc.KeyServiceStub(edge.channel).CreateKey(
        key_service_pb2.CreateKeyRequest(key=asked), metadata=AUTHORIZED
    )
    assert made.key.limits == asked.limits
    return (("authorization", f"Bearer {made.secret}"),)


async def quota(edge: Edge, metadata: Metadata = AUTHORIZED) -> pb.Quota:
    said: pb.Quota = await pb_grpc.QuotaServiceStub(edge.channel).GetQuota(pb.GetQuotaRequest(), metadata=metadata)
    return said


async def generate(edge: Edge, metadata: Metadata) -> None:
    [_ async for _ in ad_service_pb2_grpc.AdServiceStub(edge.channel).GenerateAd(AD, metadata=metadata)]


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(5):
        while not await condition():  # noqa: ASYNC110 - it is on the other side of a socket
            await asyncio.sleep(0.01)


async def test_what_was_used_is_charged_when_the_stream_ends(spending: Edge) -> None:
    mine = await a_key(spending)
    await generate(spending, mine)
    await generate(spending, AUTHORIZED)
    said = await quota(spending, mine)
    assert (said.key.requests, said.key.streams, said.key.tokens, said.key.usd_micros) == (1, 0, 30, 1000)
    assert (said.tenant.subject, said.tenant.tokens, said.tenant.usd_micros) == ("tenants/demo", 60, 2000)


async def test_streams_at_the_same_time_are_limited(spending: Edge) -> None:
    mine = await a_key(spending, concurrent_streams=1)
    spending.generator.pause = 0.2
    first = ad_service_pb2_grpc.AdServiceStub(spending.channel).GenerateAd(AD, metadata=mine)
    await first.read()
    async with expect_error(grpc.StatusCode.RESOURCE_EXHAUSTED, "QUOTA_EXCEEDED") as caught:
        await generate(spending, mine)
    assert caught[0].retry_after == 1.0
    assert caught[0].quotas[0].subject.startswith("keys/")
    first.cancel()

    async def free() -> bool:
        return not (await quota(spending, mine)).key.streams

    await until(free)
    await generate(spending, mine)


async def test_requests_of_a_minute_are_limited_and_say_when_to_come_back(spending: Edge) -> None:
    mine = await a_key(spending, requests_per_minute=1)
    headers = dict(mine)
    body = {"brand": "nordlys", "products": ["aurora-trail-2"], "format": "google-rsa"}
    async with httpx2.AsyncClient(base_url=spending.url, headers=headers, timeout=10) as http:
        assert (await http.post("/v1/ads:generate", json=body)).status_code == 200
        refused = await http.post("/v1/ads:generate", json=body)
    if refused.status_code == 200:
        pytest.skip("the minute of the clock was over in between")
    said = refused.json()
    assert (refused.status_code, said["reason"]) == (429, "QUOTA_EXCEEDED")
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert "1 generations a minute" in said["quotas"][0]["description"]


async def test_a_refusal_has_quota_failure_and_retry_info_on_the_wire(spending: Edge) -> None:
    mine = await a_key(spending, tokens_per_day=10)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await generate(spending, mine)
    [packed] = [value for key, value in caught.value.trailing_metadata() if key == "grpc-status-details-bin"]
    kinds: list[any_pb2.Any] = list(status_pb2.Status.FromString(packed).details)
    assert any(each.Is(error_details_pb2.QuotaFailure.DESCRIPTOR) for each in kinds)
    assert any(each.Is(error_details_pb2.RetryInfo.DESCRIPTOR) for each in kinds)
    assert not spending.generator.asked


async def test_who_leaves_pays_for_what_was_written(spending: Edge) -> None:
    mine = await a_key(spending)
    spending.generator.pause = 0.3
    call = ad_service_pb2_grpc.AdServiceStub(spending.channel).GenerateAd(AD, metadata=mine)
    await call.read()
    await call.read()
    call.cancel()

    async def settled() -> bool:
        return not (await quota(spending, mine)).key.streams

    await until(settled)
    [used] = spending.generator.used.values()
    said = await quota(spending, mine)
    assert said.key.tokens == used.usage.output_tokens >= 1


async def test_a_failure_is_charged_as_far_as_it_went(spending: Edge) -> None:
    mine = await a_key(spending)
    spending.generator.events.pop()
    spending.generator.fails = Unavailable("gone", reason="BACKENDS_UNAVAILABLE")
    async with expect_error(grpc.StatusCode.UNAVAILABLE, "BACKENDS_UNAVAILABLE"):
        await generate(spending, mine)

    async def settled() -> bool:
        said = await quota(spending, mine)
        return (said.key.streams, said.key.tokens) == (0, 3)

    await until(settled)


async def test_what_never_began_costs_nothing(spending: Edge) -> None:
    mine = await a_key(spending)
    request = type(AD)(brand="nobody", format="google-rsa", brief="x")
    async with expect_error(grpc.StatusCode.NOT_FOUND, "BRAND_NOT_FOUND"):
        stub = ad_service_pb2_grpc.AdServiceStub(spending.channel)
        [_ async for _ in stub.GenerateAd(request, metadata=mine)]

    async def settled() -> bool:
        said = await quota(spending, mine)
        return (said.key.streams, said.key.tokens, said.key.requests) == (0, 0, 1)

    await until(settled)


async def test_over_http_too(spending: Edge) -> None:
    async with httpx2.AsyncClient(base_url=spending.url, headers={"authorization": f"Bearer {KEY}"}) as http:
        said = (await http.get("/v1/quota")).json()
    assert said["tenant"]["subject"] == "tenants/demo"
    assert said["tenant"]["limits"]["tokensPerDay"] == "0"


@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
async def test_what_is_left_stands_in_the_headers(spending: Edge, accept: str) -> None:
    mine = await a_key(spending, tokens_per_day=5000, concurrent_streams=3)
    body = {"brand": "nordlys", "products": ["aurora-trail-2"], "format": "google-rsa"}
    async with httpx2.AsyncClient(base_url=spending.url, headers=dict(mine) | {"accept": accept}) as http:
        answer = await http.post("/v1/ads:generate", json=body)
        assert answer.headers["ratelimit-policy"] == '"streams";q=3, "tokens";q=5000;w=86400'
        assert answer.headers["ratelimit"].startswith('"streams";r=2;t=1, "tokens";r=4000;t=')
        unlimited = await http.post("/v1/ads:generate", json=body, headers={"authorization": f"Bearer {KEY}"})
        assert "ratelimit" not in unlimited.headers
