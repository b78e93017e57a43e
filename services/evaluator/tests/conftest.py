"""A running evaluator, reached as its callers reach it."""

from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING

import grpc
import pytest
from evaluating import Evaluating

from adwright.evaluator.v1.evaluator_service_pb2_grpc import EvaluatorServiceStub
from adwright_evaluator.app import open_evaluator
from adwright_evaluator.settings import Settings
from adwright_servicekit.channel import open_channel
from adwright_servicekit.telemetry import Telemetry

if TYPE_CHECKING:
    # Exists in the type stubs alone.
    from adwright.evaluator.v1.evaluator_service_pb2_grpc import EvaluatorServiceAsyncStub


@pytest.fixture
def wishes() -> dict[str, str]:
    """Variables that a module sets for its evaluator."""
    return {}


@pytest.fixture
def environ(
    kind_of_store: str,
    wishes: dict[str, str],
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[dict[str, str]]:
    """The evaluator's variables, its store among them; nothing is behind it."""
    given = {
        "ADWRIGHT_EVALUATOR_LISTEN": "127.0.0.1:0",
        "ADWRIGHT_GATEWAY_TARGET": "127.0.0.1:1",
        "ADWRIGHT_GENERATOR_TARGET": "127.0.0.1:1",
        **wishes,
    }
    if kind_of_store == "sqlite":
        yield given | {"ADWRIGHT_EVALUATOR_SQLITE_PATH": str(tmp_path_factory.mktemp("evaluator") / "evaluator.db")}
        return
    from packages.docstore.tests.dynamodb_endpoint import bare_table

    client = request.getfixturevalue("dynamodb")
    for name, value in request.getfixturevalue("dynamodb_environ").items():
        monkeypatch.setenv(name, value)
    with bare_table(client) as table:
        yield given | {"ADWRIGHT_EVALUATOR_STORE": "dynamodb", "ADWRIGHT_EVALUATOR_DYNAMODB_TABLE": table}


@pytest.fixture
async def channel(environ: dict[str, str]) -> AsyncIterator[grpc.aio.Channel]:
    """A channel to an evaluator on a free loopback port."""
    telemetry = Telemetry("test")
    async with (
        open_evaluator(Settings.load(environ), telemetry) as server,
        open_channel(server.address, telemetry) as channel,
    ):
        yield channel


@pytest.fixture
def evaluator(channel: grpc.aio.Channel) -> "EvaluatorServiceAsyncStub":
    """A stub of the evaluator."""
    return EvaluatorServiceStub(channel)


@pytest.fixture
def evaluating(channel: grpc.aio.Channel) -> Evaluating:
    """What a caller does with it."""
    return Evaluating(channel)
