"""The context service over SQLite, or over each store there is, with a clock of our own.

A module with `ON_EVERY_STORE = True` has its tests run over SQLite and over DynamoDB (moto).
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from context_replica import Clock, Context, replica

from adwright_docstore import Store, open_store

EXAMPLES = Path(__file__).resolve().parents[3] / "examples" / "data"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Over which stores a test runs."""
    if "kind_of_store" in metafunc.fixturenames:
        every = getattr(metafunc.module, "ON_EVERY_STORE", False)
        metafunc.parametrize("kind_of_store", ["sqlite", "dynamodb"] if every else ["sqlite"])


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def dynamodb() -> Iterator[Any]:
    """A client of a moto server."""
    pytest.importorskip("moto", reason="moto is not installed")
    from packages.docstore.tests.dynamodb_endpoint import MOTO_CREDENTIALS, moto_server, new_client

    with moto_server() as url:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in (MOTO_CREDENTIALS | {"AWS_ENDPOINT_URL_DYNAMODB": url}).items():
                patch.setenv(name, value)
            client = new_client()
        yield client
        client.close()


@pytest_asyncio.fixture
async def store(
    kind_of_store: str, request: pytest.FixtureRequest, tmp_path: Path, clock: Clock
) -> AsyncIterator[Store]:
    async with AsyncExitStack() as stack:
        if kind_of_store == "sqlite":
            opened = open_store("sqlite", path=tmp_path / "context.db", now=clock)
        else:
            client = request.getfixturevalue("dynamodb")
            from packages.docstore.tests.dynamodb_endpoint import bare_table

            table = stack.enter_context(bare_table(client))
            opened = open_store("dynamodb", table=table, client=client, now=clock)
        yield await stack.enter_async_context(opened)


@pytest_asyncio.fixture
async def context(store: Store, clock: Clock) -> AsyncIterator[Context]:
    async with replica(store, clock) as context:
        yield context


@pytest.fixture
def examples() -> Path:
    return EXAMPLES
