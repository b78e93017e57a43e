"""The double speaks as the real ones do, read here by OpenAI's own client."""

import asyncio
import json
import signal
import sys
from typing import Any

import openai
import pytest
from jsonschema import Draft202012Validator
from openai.types.chat import ChatCompletionChunk

from adwright_generator.backends.fake_openai import FakeOpenAI, Fault, OpenAIScript

SCHEMA = {
    "type": "object",
    "properties": {"headline": {"type": "string", "maxLength": 30}},
    "required": ["headline"],
    "additionalProperties": False,
}


async def ask(server: FakeOpenAI, *, key: str = "any", **changes: Any) -> list[ChatCompletionChunk]:
    body: dict[str, Any] = {
        "model": "fake",
        "messages": [{"role": "user", "content": "Say something."}],
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    async with openai.AsyncOpenAI(api_key=key, base_url=server.url, max_retries=0) as client:
        return [chunk async for chunk in await client.chat.completions.create(**(body | changes))]


def text_of(chunks: list[ChatCompletionChunk]) -> str:
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


async def test_an_answer_is_a_role_then_text_then_a_reason_then_counts() -> None:
    async with FakeOpenAI() as server:
        first, *middle, last, counts = await ask(server)
    assert first.choices[0].delta.role == "assistant"
    assert all(chunk.choices[0].delta.content for chunk in middle)
    assert last.choices[0].finish_reason == "stop"
    assert counts.choices == []
    assert counts.usage is not None
    assert counts.usage.completion_tokens == len(middle)
    assert server.calls[0].finished
    assert server.calls[0].headers["authorization"] == "Bearer any"


async def test_the_same_request_gets_the_same_text_and_another_seed_another() -> None:
    async with FakeOpenAI() as server:
        texts = [text_of(await ask(server, seed=seed)) for seed in (1, 1, 2)]
    assert texts[0] == texts[1] != texts[2]


async def test_a_schema_is_held() -> None:
    wanted = {"type": "json_schema", "json_schema": {"name": "ad", "strict": True, "schema": SCHEMA}}
    async with FakeOpenAI() as server:
        Draft202012Validator(SCHEMA).validate(json.loads(text_of(await ask(server, response_format=wanted))))


@pytest.mark.parametrize("field", ["max_tokens", "max_completion_tokens"])
async def test_the_text_ends_at_the_limit(field: str) -> None:
    async with FakeOpenAI() as server:
        limit: dict[str, Any] = {field: 3}
        chunks = await ask(server, **limit)
    assert len(text_of(chunks)) == 12
    assert chunks[-2].choices[0].finish_reason == "length"


@pytest.mark.parametrize("asked", [True, False], ids=["asked to go on", "prefilled"])
async def test_a_text_that_is_begun_gets_its_rest(asked: bool) -> None:
    start = [{"role": "user", "content": "Say something."}]
    async with FakeOpenAI() as server:
        whole = text_of(await ask(server))
        begun = [*start, {"role": "assistant", "content": whole[:9]}]
        turns = [*begun, {"role": "user", "content": "Continue."}] if asked else begun
        assert text_of(await ask(server, messages=turns)) == whole[9:]


async def test_models_are_listed() -> None:
    async with (
        FakeOpenAI(model="small") as server,
        openai.AsyncOpenAI(api_key="any", base_url=server.url, max_retries=0) as client,
    ):
        assert [model.id async for model in client.models.list()] == ["small"]


async def test_only_accepted_keys_are_served_and_they_may_change() -> None:
    async with FakeOpenAI(keys={"sk-one"}) as server:
        await ask(server, key="sk-one")
        server.keys = {"sk-two"}
        with pytest.raises(openai.AuthenticationError):
            await ask(server, key="sk-one")
        await ask(server, key="sk-two")
    assert (len(server.calls), server.refused_keys) == (2, 1)


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        (Fault.HTTP_429, 429),
        (Fault.HTTP_401, 401),
        (Fault.HTTP_424, 424),
        (Fault.VALIDATION, 422),
        (Fault.HTTP_500, 500),
        (Fault.ODD_ERROR, 400),
    ],
)
async def test_faults_of_status_come_in_place_of_an_answer(fault: Fault, status: int) -> None:
    async with FakeOpenAI([OpenAIScript(fault=fault)]) as server:
        with pytest.raises(openai.APIStatusError) as caught:
            await ask(server)
        await ask(server)
    assert caught.value.status_code == status


async def test_an_overload_is_an_event_inside_a_stream() -> None:
    async with FakeOpenAI([OpenAIScript(fault=Fault.OVERLOADED, at=2)]) as server:
        with pytest.raises(openai.APIError) as caught:
            await ask(server)
    assert (caught.value.type, server.calls[0].chunks) == ("overloaded_error", 2)


async def test_a_caller_that_leaves_is_noticed() -> None:
    async with FakeOpenAI([OpenAIScript(fault=Fault.STALL, at=1)]) as server:
        reader = asyncio.create_task(ask(server))
        async with asyncio.timeout(5):
            while not server.in_flight:  # noqa: ASYNC110
                await asyncio.sleep(0.001)
            reader.cancel()
            while server.in_flight:  # noqa: ASYNC110
                await asyncio.sleep(0.001)
    assert server.calls[0].closed_early


async def test_it_can_refuse_connections_and_take_them_again() -> None:
    async with FakeOpenAI() as server:
        await ask(server)
        await server.refuse()
        with pytest.raises(openai.APIConnectionError):
            await ask(server)
        await server.listen()
        assert text_of(await ask(server))


async def test_it_runs_alone_until_it_is_told_to_stop() -> None:
    command = [sys.executable, "-m", "adwright_generator.backends.fake_openai", "--listen", "127.0.0.1:0"]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    try:
        async with asyncio.timeout(20):
            line = await process.stdout.readline()
            assert line.startswith(b"http://127.0.0.1:")
            process.send_signal(signal.SIGTERM)
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
