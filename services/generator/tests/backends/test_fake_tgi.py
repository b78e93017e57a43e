"""The TGI double, seen with TGI's own client library and with bare HTTP."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from text_generation import AsyncClient
from text_generation.errors import OverloadedError
from text_generation.errors import ValidationError as RejectedError

from adwright_generator.backends.fake_tgi import FakeTgi, Fault, TgiScript
from adwright_generator.backends.fake_tgi_text import fitting, matches

PROMPT = "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"


@pytest_asyncio.fixture(loop_scope="session")
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def events(http: aiohttp.ClientSession, server: FakeTgi, **parameters: Any) -> list[dict[str, Any]]:
    body = {"inputs": PROMPT, "parameters": {"details": True, "max_new_tokens": 200} | parameters}
    async with http.post(f"{server.url}/generate_stream", json=body) as response:
        return [json.loads(event.removeprefix("data:")) for event in (await response.text()).split("\n\n")[:-1]]


def text_of(stream: list[dict[str, Any]]) -> str:
    return "".join(event["token"]["text"] for event in stream if not event["token"]["special"])


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
async def test_tgi_s_own_client_understands_it() -> None:
    async with FakeTgi([TgiScript(text="Hello there, world.")]) as server:
        stream = [event async for event in AsyncClient(server.url).generate_stream(PROMPT, max_new_tokens=50)]
    assert "".join(event.token.text for event in stream if not event.token.special) == "Hello there, world."
    assert stream[-1].generated_text == "Hello there, world."
    assert stream[-1].details is not None
    assert (stream[-1].details.finish_reason, stream[-1].details.generated_tokens) == ("eos_token", 6)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(
    ("fault", "expected"), [(Fault.OVERLOADED, OverloadedError), (Fault.VALIDATION, RejectedError)]
)
async def test_tgi_s_own_client_understands_its_errors(fault: Fault, expected: type[Exception]) -> None:
    async with FakeTgi([TgiScript(fault=fault, at=2)]) as server:
        with pytest.raises(expected):
            [event async for event in AsyncClient(server.url).generate_stream(PROMPT)]


async def test_each_event_is_a_chunk_of_http_without_a_space_behind_data(http: aiohttp.ClientSession) -> None:
    async with (
        FakeTgi([TgiScript(text="Hello.")], burst=10) as server,
        http.post(f"{server.url}/generate_stream", json={"inputs": PROMPT}) as response,
    ):
        chunks = [chunk async for chunk, _ in response.content.iter_chunks()]
    assert response.headers["Transfer-Encoding"] == "chunked"
    assert response.content_type == "text/event-stream"
    assert len(chunks) == 3
    assert all(chunk.startswith(b'data:{"index":') and chunk.endswith(b"}\n\n") for chunk in chunks)


async def test_it_says_the_same_for_the_same_prompt_and_seed(http: aiohttp.ClientSession) -> None:
    async with FakeTgi() as one, FakeTgi() as other:
        texts = [text_of(await events(http, server, seed=seed)) for server in (one, other) for seed in (1, 2)]
    assert texts[:2] == texts[2:]
    assert texts[0] != texts[1]


async def test_stop_texts_are_looked_for_at_the_ends_of_tokens(http: aiohttp.ClientSession) -> None:
    async with FakeTgi([TgiScript(text="one two three")] * 2) as server:
        stopped = await events(http, server, stop=["two "])
        unstopped = await events(http, server, stop=["wo"])
    assert text_of(stopped) == "one two ", "TGI leaves the stop text in"
    assert stopped[-1]["details"]["finish_reason"] == "stop_sequence"
    assert text_of(unstopped) == "one two three"


async def test_half_characters_come_as_tokens_without_text(http: aiohttp.ClientSession) -> None:
    async with FakeTgi([TgiScript(text="a🎉b", tokens=(1,))]) as server:
        stream = await events(http, server)
    assert [event["token"]["text"] for event in stream] == ["a", "", "🎉", "b", "<|eot_id|>"]


@pytest.mark.parametrize(
    "parameters",
    [
        {"temperature": 0},
        {"top_p": 1.0},
        {"stop": ["a"] * 5},
        {"max_new_tokens": 0},
        {"max_new_tokens": 9000},
        {"grammar": {"type": "json", "value": {"type": "string"}}},
        {"grammar": {"type": "regex", "value": "("}},
    ],
)
async def test_it_refuses_what_tgi_refuses(http: aiohttp.ClientSession, parameters: dict[str, Any]) -> None:
    async with FakeTgi() as server:
        [event] = await events(http, server, **parameters)
    assert event["error_type"] == "validation"
    assert event["error"].startswith("Input validation error: ")


async def test_calls_beyond_the_limit_are_refused_as_an_event(http: aiohttp.ClientSession) -> None:
    async with FakeTgi([TgiScript(fault=Fault.STALL)], max_concurrent=1) as server:
        first = asyncio.create_task(events(http, server))
        while server.in_flight == 0:  # noqa: ASYNC110 - the server has no event for it
            await asyncio.sleep(0.001)
        assert await events(http, server) == [{"error": "Model is overloaded", "error_type": "overloaded"}]
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)


async def test_calls_beyond_the_batch_wait_in_the_queue(http: aiohttp.ClientSession) -> None:
    async with FakeTgi([TgiScript(fault=Fault.STALL)], max_batch=1) as server:
        calls = [asyncio.create_task(events(http, server)) for _ in range(3)]
        while server.in_flight < 3:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        async with http.get(f"{server.url}/metrics") as response:
            lines = (await response.text()).splitlines()
        assert "tgi_queue_size 2" in lines
        assert "tgi_batch_current_size 1" in lines
        calls[0].cancel()
        _, *others = await asyncio.gather(*calls, return_exceptions=True)
        assert all(isinstance(stream, list) for stream in others)


async def test_what_the_metrics_tell_can_be_set(http: aiohttp.ClientSession) -> None:
    async with FakeTgi() as server:
        server.queue_size, server.batch_size = 7, 3
        async with http.get(f"{server.url}/metrics") as response:
            text = await response.text()
    assert "tgi_queue_size 7\n" in text
    assert "tgi_batch_current_size 3\n" in text


async def test_a_text_that_a_grammar_does_not_allow_is_refused(http: aiohttp.ClientSession) -> None:
    async with FakeTgi([TgiScript(text="five")]) as server:
        grammar = {"type": "regex", "value": "[0-9]+"}
        [refused] = await events(http, server, grammar=grammar)
        allowed = text_of(await events(http, server, grammar=grammar))
    assert refused["error_type"] == "validation"
    assert allowed.isdecimal()


@pytest.mark.parametrize(
    "pattern",
    ["abc", r'[^"\\]{4,30}"', "(?:x|y){2}z?", "[a-f]+[0-9]{3}", r"\{[ ]?\"a\":(true|false)\}", r"\d\s\w.", ""],
)
def test_a_text_is_found_for_the_patterns_of_grammars(pattern: str) -> None:
    assert matches(pattern, fitting(pattern))


async def test_it_runs_on_its_own_until_it_is_told_to_end(http: aiohttp.ClientSession) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *(
            "-m",
            "adwright_generator.backends.fake_tgi",
            "--listen",
            "127.0.0.1:0",
            "--text-length",
            "400",
            "--burst",
            "9",
        ),
        stdout=asyncio.subprocess.PIPE,
        env=os.environ,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(20):
            url = (await process.stdout.readline()).decode().strip()
            async with http.post(
                f"{url}/generate_stream", json={"inputs": PROMPT, "parameters": {"max_new_tokens": 500}}
            ) as response:
                assert b'"generated_text":"' in await response.read()
            process.send_signal(signal.SIGTERM)
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
