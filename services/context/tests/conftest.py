"""The context service over SQLite, or over each store there is, with a clock of our own."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio
from context_replica import Clock, Context, replica

from adwright_docstore import Store, open_store

EXAMPLES = Path(__file__).resolve().parents[3] / "examples" / "data"


@pytest.fixture
def clock() -> Clock:
    return Clock()


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
