"""What the generator can be scaled by, and a model server woken by, as Prometheus reads it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from prometheus_client.parser import text_string_to_metric_families
from tools.stack import free_ports

from adwright.generator.v1 import generator_service_pb2 as pb
from adwright.generator.v1 import generator_service_pb2_grpc as pb_grpc
from adwright_generator.app import open_generator
from adwright_generator.settings import Settings
from adwright_servicekit.channel import open_channel
from adwright_servicekit.telemetry import Telemetry
from adwright_servicekit.testing import as_tenant

# Nothing listens there: a model server with no replicas.
CONFIG = """
backends:
  - {name: tgi, kind: tgi, url: "http://127.0.0.1:1", model: m, residency: eu}
  - {name: api, kind: fake, tokens_per_second: 20, max_concurrency: 8, residency: us}
"""

Metrics = dict[tuple[str, str], float]


class Watched:
    def __init__(self, stub: Any, port: int) -> None:
        self.stub = stub
        self._port = port

    async def metrics(self) -> Metrics:
        """The generator's own, by name and backend."""
        text = await asyncio.to_thread(self._read)
        return {
            (sample.name.removeprefix("adwright_generator_"), sample.labels.get("backend", "")): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name.startswith("adwright_generator_")
        }

    def _read(self) -> str:
        with urlopen(f"http://127.0.0.1:{self._port}/metrics", timeout=5) as answer:
            return str(answer.read().decode())


@asynccontextmanager
async def watched(folder: Path) -> AsyncIterator[Watched]:
    [port] = free_ports(1)
    telemetry = Telemetry.from_environ("adwright-generator", {"ADWRIGHT_METRICS_LISTEN": f"127.0.0.1:{port}"})
    (folder / "generator.yaml").write_text(CONFIG)
    environ = {
        "ADWRIGHT_GENERATOR_LISTEN": "127.0.0.1:0",
        "ADWRIGHT_GENERATOR_CONFIG": str(folder / "generator.yaml"),
    }
    async with AsyncExitStack() as stack:
        stack.callback(telemetry.close)
        server = await stack.enter_async_context(open_generator(Settings.load(environ), telemetry))
        channel = await stack.enter_async_context(open_channel(server.address, telemetry))
        yield Watched(pb_grpc.GeneratorServiceStub(channel), port)


async def test_every_backend_is_zero_before_anybody_asked(tmp_path: Path) -> None:
    async with watched(tmp_path) as generator:
        found = await generator.metrics()
    assert found == {
        ("streams_in_flight", ""): 0,
        **{
            (name, backend): 0
            for name in ("backend_in_flight", "backend_demand", "backend_wanted_total")
            for backend in ("tgi", "api")
        },
    }


async def test_what_spilled_past_a_model_server_without_replicas_is_its_demand(
    tmp_path: Path, ask: Callable[..., pb.GenerateRequest]
) -> None:
    async with watched(tmp_path) as generator:
        call = generator.stub.Generate(ask("plain", variant_count=3), metadata=as_tenant())
        started = await call.read()
        assert started.started.backend == "api"
        running = await generator.metrics()
        assert running["streams_in_flight", ""] == 1
        assert (running["backend_demand", "tgi"], running["backend_demand", "api"]) == (3, 0)
        assert (running["backend_in_flight", "tgi"], running["backend_in_flight", "api"]) == (0, 3)
        call.cancel()
        for _ in range(100):
            after = await generator.metrics()
            if not after["streams_in_flight", ""]:
                break
            await asyncio.sleep(0.02)
    assert (after["backend_demand", "tgi"], after["backend_in_flight", "api"]) == (0, 0)
    assert after["backend_wanted_total", "tgi"] == 3


async def test_who_may_not_go_there_or_asks_for_another_by_name_does_not_wake_it(
    tmp_path: Path, ask: Callable[..., pb.GenerateRequest]
) -> None:
    async with watched(tmp_path) as generator:
        for request in (ask("plain", residencies=["us"]), ask("plain", backend="api")):
            assert [event async for event in generator.stub.Generate(request, metadata=as_tenant())]
        found = await generator.metrics()
    assert found["backend_wanted_total", "tgi"] == 0
    assert found["backend_wanted_total", "api"] == 2


async def test_a_completion_counts_like_a_stream(tmp_path: Path) -> None:
    async with watched(tmp_path) as generator:
        message = pb.ChatMessage(role=pb.ChatMessage.ROLE_USER, content="Write.")
        asked = asyncio.ensure_future(
            generator.stub.CompleteText(pb.CompleteTextRequest(messages=[message]), metadata=as_tenant())
        )
        for _ in range(100):
            found = await generator.metrics()
            if found["streams_in_flight", ""]:
                break
            await asyncio.sleep(0.02)
        else:
            pytest.fail("a completion that runs is not counted")
        assert found["backend_demand", "tgi"] == 1
        await asked
