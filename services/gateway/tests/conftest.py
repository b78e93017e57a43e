"""A gateway in front of small services."""

from collections.abc import AsyncIterator, Iterator
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
def wishes() -> dict[str, str]:
    """Variables that a module sets for its gateway."""
    return {}


@pytest.fixture
def environ(
    kind_of_store: str,
    wishes: dict[str, str],
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Iterator[dict[str, str]]:
    """The gateway's variables, its store among them."""
    given = {
        "ADWRIGHT_GATEWAY_LISTEN": "127.0.0.1:0",
        "ADWRIGHT_GATEWAY_HTTP_LISTEN": "127.0.0.1:0",
        "ADWRIGHT_EVALUATOR_TARGET": "127.0.0.1:1",
        "ADWRIGHT_GATEWAY_BOOTSTRAP_KEY": KEY,
        **wishes,
    }
    if kind_of_store == "sqlite":
        yield given | {"ADWRIGHT_GATEWAY_SQLITE_PATH": str(tmp_path / "gateway.db")}
        return
    from packages.docstore.tests.dynamodb_endpoint import bare_table

    # Before the table: the client is made by the variables of the moto server.
    client = request.getfixturevalue("dynamodb")
    for name, value in request.getfixturevalue("dynamodb_environ").items():
        monkeypatch.setenv(name, value)
    with bare_table(client) as table:
        yield given | {"ADWRIGHT_GATEWAY_STORE": "dynamodb", "ADWRIGHT_GATEWAY_DYNAMODB_TABLE": table}


@pytest.fixture
async def edge(environ: dict[str, str], telemetry: RecordedTelemetry) -> AsyncIterator[Edge]:
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
        environ |= {"ADWRIGHT_CONTEXT_TARGET": behind[0].address, "ADWRIGHT_GENERATOR_TARGET": behind[1].address}
        gateway = await stack.enter_async_context(open_gateway(Settings.load(environ), telemetry))
        channel = await stack.enter_async_context(open_channel(gateway.grpc.address, telemetry))
        yield Edge(channel, f"http://{gateway.http.address}", context, generator)
