"""A gateway in front of small services."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

import pytest
from behind import KEY, ContextBehind, Edge, GeneratorBehind

from adwright.context.v1 import context_service_pb2_grpc as context_grpc
from adwright.generator.v1 import generator_service_pb2_grpc as generator_grpc
from adwright_gateway.app import open_gateway
from adwright_gateway.settings import Settings
from adwright_servicekit.channel import open_channel
from adwright_servicekit.testing import RecordedTelemetry, served


@pytest.fixture
def telemetry() -> RecordedTelemetry:
    return RecordedTelemetry()


@pytest.fixture
async def edge(tmp_path: Path, telemetry: RecordedTelemetry) -> AsyncIterator[Edge]:
    context, generator = ContextBehind(), GeneratorBehind()
    async with AsyncExitStack() as stack:
        behind = [
            await stack.enter_async_context(
                served(partial(context_grpc.add_ContextServiceServicer_to_server, context), [], telemetry=telemetry)
            ),
            await stack.enter_async_context(
                served(
                    partial(generator_grpc.add_GeneratorServiceServicer_to_server, generator), [], telemetry=telemetry
                )
            ),
        ]
        environ = {
            "ADWRIGHT_GATEWAY_LISTEN": "127.0.0.1:0",
            "ADWRIGHT_GATEWAY_HTTP_LISTEN": "127.0.0.1:0",
            "ADWRIGHT_CONTEXT_TARGET": behind[0].address,
            "ADWRIGHT_GENERATOR_TARGET": behind[1].address,
            "ADWRIGHT_EVALUATOR_TARGET": "127.0.0.1:1",
            "ADWRIGHT_GATEWAY_SQLITE_PATH": str(tmp_path / "gateway.db"),
            "ADWRIGHT_GATEWAY_BOOTSTRAP_KEY": KEY,
        }
        gateway = await stack.enter_async_context(open_gateway(Settings.load(environ), telemetry))
        channel = await stack.enter_async_context(open_channel(gateway.grpc.address, telemetry))
        yield Edge(channel, f"http://{gateway.http.address}", context, generator)
