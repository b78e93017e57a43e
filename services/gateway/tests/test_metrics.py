"""What the gateway can be scaled by, as Prometheus reads it."""

import asyncio
from collections.abc import Callable, Iterator
from urllib.request import urlopen

import aiohttp
import pytest
from behind import AD, AUTHORIZED, KEY, Edge
from prometheus_client.parser import text_string_to_metric_families
from tools.stack import free_ports

from adwright_servicekit.telemetry import Telemetry


@pytest.fixture
def port() -> int:
    return free_ports(1)[0]


@pytest.fixture
def telemetry(port: int) -> Iterator[Telemetry]:
    telemetry = Telemetry.from_environ("adwright-gateway", {"ADWRIGHT_METRICS_LISTEN": f"127.0.0.1:{port}"})
    yield telemetry
    telemetry.close()


@pytest.fixture
def in_flight(port: int) -> Callable[[], float]:
    def read() -> float:
        with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
            text = answer.read().decode()
        [found] = [
            sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == "adwright_gateway_streams_in_flight"
        ]
        return float(found)

    return read


async def test_streams_over_grpc_and_http_are_counted_while_they_run(
    edge: Edge, in_flight: Callable[[], float]
) -> None:
    assert await asyncio.to_thread(in_flight) == 0
    edge.generator.pause = 0.5
    call = edge.ads.GenerateAd(AD, metadata=AUTHORIZED)
    await call.read()
    assert await asyncio.to_thread(in_flight) == 1
    headers = {"authorization": f"Bearer {KEY}", "accept": "text/event-stream"}
    asked = {"brand": "nordlys", "products": ["aurora-trail-2"], "format": "google-rsa"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.post(f"{edge.url}/v1/ads:generate", json=asked) as answer,
    ):
        await answer.content.readline()
        assert await asyncio.to_thread(in_flight) == 2
        call.cancel()
        assert (await answer.read()).count(b"event: completed") == 1
    for _ in range(100):
        if await asyncio.to_thread(in_flight) == 0:
            return
        await asyncio.sleep(0.02)
    pytest.fail("a stream that has ended is still counted")
