"""The TGI backend against a server that speaks TGI's protocol."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from adwright_generator.backends.base import (
    BackendEvent,
    BackendRequest,
    Chunk,
    Continuation,
    Finish,
    Message,
    Price,
    StopReason,
)
from adwright_generator.backends.chat_template import load_chat_template
from adwright_generator.backends.discovery import Endpoint, discover
from adwright_generator.backends.errors import BackendBusy, BackendFailed, BackendUnavailable
from adwright_generator.backends.fake_tgi import FakeTgi, Fault, TgiScript
from adwright_generator.backends.tgi import TgiConfig, TgiReplica
from adwright_servicekit.errors import AdwrightError, InvalidInput

Start = Callable[..., Awaitable[TgiReplica]]
TEXT = "The lighthouse stood where the rocks end, and nobody went there."
AD = {
    "type": "object",
    "properties": {
        "headlines": {
            "type": "array",
            "items": {"type": "string", "minLength": 4, "maxLength": 30},
            "minItems": 2,
            "maxItems": 2,
        },
        "action": {"enum": ["Shop now", "Learn more"]},
    },
    "required": ["headlines", "action"],
    "additionalProperties": False,
}


def asking(**changes: Any) -> BackendRequest:
    values: dict[str, Any] = {"messages": (Message("user", "A story, please."),), "max_tokens": 200, "seed": 7}
    return BackendRequest(**(values | changes))


async def all_of(replica: TgiReplica, request: BackendRequest) -> list[BackendEvent]:
    return [event async for event in replica.generate(request)]


def data_of(events: list[BackendEvent]) -> bytes:
    return b"".join(event.data for event in events if isinstance(event, Chunk))


async def failing(replica: TgiReplica, request: BackendRequest) -> tuple[str, AdwrightError]:
    """The text before the error, and the error."""
    data = b""
    with pytest.raises(AdwrightError) as caught:
        async for event in replica.generate(request):
            assert isinstance(event, Chunk)
            data += event.data
    assert replica.in_flight == 0
    return data.decode(), caught.value


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - neither side has an event for it, by design
            await asyncio.sleep(0.002)


@pytest_asyncio.fixture(loop_scope="session")
async def start() -> AsyncIterator[Start]:
    """Starts a replica for a server, with more of the configuration."""
    async with AsyncExitStack() as stack:

        async def started(server: FakeTgi | str, *, poll_interval: float = 60.0, **config: Any) -> TgiReplica:
            url = server if isinstance(server, str) else server.url
            entry = TgiConfig.model_validate({"name": "tgi", "kind": "tgi", "url": url, "model": "fake"} | config)
            [endpoint] = await discover(entry.url_list)
            template = load_chat_template(entry.chat_template)
            replica = TgiReplica(entry, endpoint, template=template, poll_interval=poll_interval)
            stack.push_async_callback(replica.close)
            await replica.start()
            return replica

        yield started


@asynccontextmanager
async def answering(**response: Any) -> AsyncIterator[str]:
    """A server that answers everything alike."""

    async def answer(_: web.Request) -> web.Response:
        return web.Response(**response)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


# What is sent


async def test_the_request_is_in_the_words_of_tgi(start: Start) -> None:
    async with FakeTgi() as server:
        replica = await start(server, adapters=("brand-a",))
        await all_of(replica, asking(stop=("END", ""), adapter="brand-a", temperature=0.5, top_p=0.9))
    assert server.calls[0].body == {
        "inputs": "<|start_header_id|>user<|end_header_id|>\n\nA story, please.<|eot_id|>"
        "<|start_header_id|>assistant<|end_header_id|>\n\n",
        "parameters": {
            "do_sample": True,
            "max_new_tokens": 200,
            "return_full_text": False,
            "stop": ["END"],
            "seed": 7,
            "temperature": 0.5,
            "top_p": 0.9,
            "watermark": False,
            "details": True,
            "decoder_input_details": False,
            "adapter_id": "brand-a",
        },
    }


@pytest.mark.parametrize(("temperature", "top_p", "sampling"), [(0, 0.9, False), (0.7, 1.0, True), (2.0, 0.5, True)])
async def test_values_that_tgi_refuses_are_left_out(
    start: Start, temperature: float, top_p: float, sampling: bool
) -> None:
    async with FakeTgi() as server:
        await all_of(await start(server), asking(temperature=temperature, top_p=top_p, seed=-1))
    parameters = server.calls[0].body["parameters"]
    assert parameters["do_sample"] is sampling
    assert ("temperature" in parameters, "top_p" in parameters) == (sampling, sampling and top_p < 1)
    assert parameters["seed"] == 2**64 - 1


async def test_trace_headers_are_passed_on(start: Start) -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    async with FakeTgi() as server:
        await all_of(await start(server), asking(headers={"traceparent": trace}))
    assert server.calls[0].headers["traceparent"] == trace


async def test_the_key_is_sent_and_one_that_was_refused_is_read_again(start: Start, tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("old-key\n")
    async with FakeTgi() as server:
        replica = await start(server, api_key={"file": str(file)})
        await all_of(replica, asking())
        file.write_text("new-key-of-another-length\n")
        await all_of(replica, asking())
    assert [call.headers["Authorization"] for call in server.calls] == [
        "Bearer old-key",
        "Bearer new-key-of-another-length",
    ]
    async with answering(status=401) as url:
        _, error = await failing(await start(url, api_key={"file": str(file)}), asking())
    assert isinstance(error, BackendFailed)
    assert "new-key" not in error.message


async def test_the_server_sees_the_name_of_the_url_and_only_the_address_is_connected_to() -> None:
    async with FakeTgi() as server:
        config = TgiConfig(name="tgi", kind="tgi", url=f"http://no-such-name.invalid:{server.port}", model="fake")
        endpoint = Endpoint(config.url_list[0], "127.0.0.1", server.port)
        replica = TgiReplica(config, endpoint, template=load_chat_template("llama3"))
        await replica.start()
        await all_of(replica, asking())
        await replica.close()
    assert server.calls[0].headers["Host"] == f"no-such-name.invalid:{server.port}"


async def test_an_adapter_that_the_server_does_not_have_is_not_asked_for(start: Start) -> None:
    async with FakeTgi() as server:
        _, error = await failing(await start(server, adapters=("brand-a",)), asking(adapter="brand-b"))
    assert isinstance(error, InvalidInput)
    assert error.violations[0].field == "adapter"
    assert not server.calls


# What comes back


async def test_a_generation_is_text_and_counts(start: Start) -> None:
    async with FakeTgi([TgiScript(text=TEXT)]) as server:
        *chunks, finish = await all_of(await start(server), asking())
    assert data_of(chunks).decode() == TEXT
    assert finish == Finish(StopReason.STOP, input_tokens=30, output_tokens=17)
    assert sum(chunk.tokens for chunk in chunks if isinstance(chunk, Chunk)) == 16


async def test_tokens_that_arrive_together_are_one_chunk(start: Start) -> None:
    async with FakeTgi([TgiScript(text=TEXT)], burst=100) as server:
        chunk, finish = await all_of(await start(server), asking())
    assert chunk == Chunk(TEXT.encode(), 16)
    assert isinstance(finish, Finish)


async def test_output_that_reaches_max_tokens_ends_with_length(start: Start) -> None:
    async with FakeTgi() as server:
        finish = (await all_of(await start(server), asking(max_tokens=5)))[-1]
    assert finish == Finish(StopReason.LENGTH, input_tokens=30, output_tokens=5)


@pytest.mark.parametrize("burst", [1, 3, 100])
async def test_characters_of_many_bytes_arrive_whole(start: Start, burst: int) -> None:
    text = "日本語 🎉🎊 Straße 🎉 — fin"
    async with FakeTgi([TgiScript(text=text, tokens=(1, 2, 0))], burst=burst) as server:
        events = await all_of(await start(server), asking())
    assert data_of(events).decode() == text
    for event in events[:-1]:
        assert isinstance(event, Chunk)
        event.data.decode()


@pytest.mark.parametrize("burst", [1, 4, 100])
@pytest.mark.parametrize("tokens", [(1,), (4,), (7,)])
async def test_a_stop_text_is_no_part_of_the_output(start: Start, tokens: tuple[int, ...], burst: int) -> None:
    async with FakeTgi([TgiScript(text=TEXT, tokens=tokens)], burst=burst) as server:
        *chunks, finish = await all_of(await start(server), asking(stop=(" rocks", "never")))
    assert data_of(chunks).decode() == "The lighthouse stood where the"
    assert isinstance(finish, Finish)
    assert finish.reason is StopReason.STOP
    assert finish.output_tokens


async def test_the_beginning_of_a_stop_text_is_told_when_the_text_ends_with_it(start: Start) -> None:
    async with FakeTgi([TgiScript(text=TEXT)]) as server:
        events = await all_of(await start(server), asking(stop=("there.END",)))
    assert data_of(events).decode() == TEXT


async def test_more_stop_texts_than_tgi_takes_are_heeded_all_the_same(start: Start) -> None:
    async with FakeTgi([TgiScript(text=TEXT)]) as server:
        events = await all_of(await start(server), asking(stop=("1", "2", "3", "4", " rocks")))
    assert data_of(events).decode() == "The lighthouse stood where the"
    assert len(server.calls[0].body["parameters"]["stop"]) == 4


async def test_a_schema_is_the_grammar(start: Start) -> None:
    async with FakeTgi() as server:
        events = await all_of(await start(server), asking(json_schema=AD))
    Draft202012Validator(AD).validate(json.loads(data_of(events)))
    assert server.calls[0].body["parameters"]["grammar"] == {"type": "json", "value": AD}


# Going on behind a prefix


@pytest.mark.parametrize("template", ["llama3", "chatml", "mistral", "gemma"])
async def test_text_goes_on_behind_its_prefix(start: Start, template: str) -> None:
    async with FakeTgi() as server:
        replica = await start(server, chat_template=template)
        whole = data_of(await all_of(replica, asking())).decode()
        for size in (1, 17, len(whole)):
            rest = data_of(await all_of(replica, asking(prefix=whole[:size]))).decode()
            assert whole[:size] + rest == whole


async def test_json_goes_on_behind_its_prefix(start: Start) -> None:
    async with FakeTgi() as one, FakeTgi() as other:
        whole = data_of(await all_of(await start(one), asking(json_schema=AD))).decode()
        for server in (one, other):
            replica = await start(server)
            for size in range(1, len(whole), 9):
                events = await all_of(replica, asking(json_schema=AD, prefix=whole[:size]))
                Draft202012Validator(AD).validate(json.loads(whole[:size] + data_of(events).decode()))
                assert isinstance(events[-1], Finish)
        assert one.calls[-1].body["parameters"]["grammar"]["type"] == "regex"


async def test_json_that_is_whole_already_asks_for_nothing(start: Start) -> None:
    async with FakeTgi() as server:
        replica = await start(server)
        whole = data_of(await all_of(replica, asking(json_schema=AD))).decode()
        assert await all_of(replica, asking(json_schema=AD, prefix=whole)) == [Finish(StopReason.STOP, None, 0)]
        assert len(server.calls) == 1


async def test_a_prefix_that_begins_no_json_of_the_schema_is_a_failure(start: Start) -> None:
    async with FakeTgi() as server:
        _, error = await failing(await start(server), asking(json_schema=AD, prefix="Sure!"))
    assert isinstance(error, BackendFailed)
    assert not server.calls


# What goes wrong

GONE = (Fault.RESET, Fault.CLOSE, Fault.END, Fault.HALF_CHARACTER)
FULL = (Fault.OVERLOADED, Fault.HTTP_429)
EXPECTED = {
    **dict.fromkeys(Fault, BackendFailed),
    **dict.fromkeys(GONE, BackendUnavailable),
    **dict.fromkeys(FULL, BackendBusy),
    Fault.VALIDATION: InvalidInput,
}


@pytest.mark.parametrize("at", [0, 3, 99], ids=["in place of the first token", "mid-stream", "at the last token"])
@pytest.mark.parametrize("fault", [fault for fault in Fault if fault is not Fault.STALL])
async def test_every_fault_is_the_right_error_behind_the_text_so_far(start: Start, fault: Fault, at: int) -> None:
    async with FakeTgi([TgiScript(text=TEXT, fault=fault, at=at, tokens_per_second=500)]) as server:
        replica = await start(server)
        text, error = await failing(replica, asking())
        assert type(error) is EXPECTED[fault]
        assert error.message.startswith("Backend tgi ")
        assert "127.0.0.1" not in error.message
        assert text == TEXT[: 4 * at]
        if fault in FULL:
            assert error.retry_after == (2.0 if fault is Fault.HTTP_429 and at == 0 else 1.0)
        assert data_of(await all_of(replica, asking())), "the next call goes well"


async def test_errors_tell_nothing_of_what_was_said(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    secret = "The unreleased product is called Lynx."
    for fault in (Fault.MALFORMED, Fault.VALIDATION, Fault.RESET, Fault.GENERATION_ERROR):
        async with FakeTgi([TgiScript(text=secret, fault=fault, at=3)]) as server:
            _, error = await failing(await start(server), asking(messages=(Message("user", secret),)))
        assert "Lynx" not in repr((error, error.message, error.metadata, error.__cause__))
    assert "Lynx" not in caplog.text


async def test_a_prompt_that_is_too_long_says_so(start: Start) -> None:
    async with FakeTgi(max_total_tokens=250) as server:
        _, error = await failing(await start(server), asking(messages=(Message("user", "word " * 100),)))
    assert isinstance(error, InvalidInput)
    assert error.reason == "PROMPT_TOO_LONG"
    assert "<= 250" in error.message


async def test_a_request_that_is_refused_says_which_parameter_it_was(start: Start) -> None:
    async with FakeTgi() as server:
        _, error = await failing(await start(server), asking(max_tokens=0))
    assert error.reason == "BACKEND_REJECTED"
    assert "`max_new_tokens` must be strictly positive" in error.message


async def test_a_grammar_that_the_server_cannot_do_is_not_the_caller_s_fault(start: Start) -> None:
    async with FakeTgi() as server:
        _, error = await failing(await start(server), asking(json_schema={"type": "string"}))
    assert isinstance(error, BackendFailed)


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        ({"status": 200, "text": "<html>"}, BackendFailed),
        ({"status": 200, "body": b"", "content_type": "text/event-stream"}, BackendUnavailable),
        ({"status": 302, "headers": {"Location": "/elsewhere"}}, BackendFailed),
        ({"status": 400}, BackendFailed),
        ({"status": 404}, BackendFailed),
        ({"status": 413}, InvalidInput),
        ({"status": 422, "text": "Failed to deserialize: secret"}, InvalidInput),
        ({"status": 429, "headers": {"Retry-After": "soon"}}, BackendBusy),
        ({"status": 502}, BackendUnavailable),
        ({"status": 503}, BackendUnavailable),
        ({"status": 504}, BackendUnavailable),
    ],
)
async def test_other_answers_are_errors_too(
    start: Start, response: dict[str, Any], expected: type[AdwrightError]
) -> None:
    async with answering(**response) as url:
        replica = await start(url)
        assert replica.ready, "whoever answers can be reached"
        _, error = await failing(replica, asking())
    assert type(error) is expected
    assert "secret" not in error.message


async def test_a_server_that_is_not_there_is_unavailable(start: Start) -> None:
    async with FakeTgi() as server:
        replica = await start(server)
        await server.refuse()
        _, error = await failing(replica, asking())
    assert isinstance(error, BackendUnavailable)


async def test_beyond_its_capacity_it_is_full_at_once(start: Start) -> None:
    async with FakeTgi([TgiScript(fault=Fault.STALL, at=1)]) as server:
        replica = await start(server, max_concurrency=1)
        async with aclosing(replica.generate(asking())) as events:
            await anext(events)
            with pytest.raises(BackendBusy):
                await anext(replica.generate(asking()))
        assert len(server.calls) == 1


# Leaving


async def test_leaving_early_closes_the_connection(start: Start) -> None:
    async with FakeTgi([TgiScript(fault=Fault.STALL, at=2)]) as server:
        replica = await start(server)
        async with aclosing(replica.generate(asking())) as events:
            await anext(events)
            assert replica.in_flight == 1
        assert replica.in_flight == 0
        await until(lambda: server.calls[0].closed_early)
        assert server.in_flight == 0


@pytest.mark.parametrize("at", [0, 2])
async def test_cancelling_the_reader_closes_the_connection(start: Start, at: int) -> None:
    async with FakeTgi([TgiScript(fault=Fault.STALL, at=at)]) as server:
        replica = await start(server)
        reader = asyncio.create_task(all_of(replica, asking()))
        await until(lambda: bool(server.calls) and server.calls[0].tokens == at and server.in_flight == 1)
        reader.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reader
        assert replica.in_flight == 0
        await until(lambda: server.calls[0].closed_early)


async def test_a_reader_that_does_not_read_makes_the_server_wait(start: Start) -> None:
    script = TgiScript(text="x" * 40_000_000, tokens=(2_000,))
    async with FakeTgi([script], max_total_tokens=10**6, burst=10) as server:
        replica = await start(server)
        async with aclosing(replica.generate(asking(max_tokens=10**5))) as events:
            await anext(events)
            call, before = server.calls[0], -1
            async with asyncio.timeout(10):
                while call.tokens != before:
                    before = call.tokens
                    await asyncio.sleep(0.1)
            assert before < 19_000, "the rest waits at the server"
            for _ in range(20):
                await anext(events)
            await until(lambda: call.tokens > before)


async def test_closing_ends_open_streams(start: Start) -> None:
    async with FakeTgi([TgiScript(fault=Fault.STALL, at=at) for at in (0, 2)]) as server:
        replica = await start(server)
        readers = [asyncio.create_task(all_of(replica, asking())) for _ in range(2)]
        await until(lambda: len(server.calls) == 2 and server.in_flight == 2)
        await replica.close()
        results = await asyncio.gather(*readers, return_exceptions=True)
        assert [type(result) for result in results] == [BackendUnavailable] * 2
        await replica.close()
        assert not replica.ready
        _, error = await failing(replica, asking())
        assert isinstance(error, BackendUnavailable)
        await replica.start()
        assert await all_of(replica, asking())


# Readiness and load


async def test_it_is_ready_when_its_server_is(start: Start) -> None:
    async with FakeTgi() as server:
        await server.refuse()
        replica = await start(server, poll_interval=0.01)
        assert not replica.ready
        await server.listen()
        await until(lambda: replica.ready)
        await server.refuse()
        await until(lambda: not replica.ready)


async def test_its_capacity_is_what_the_server_takes(start: Start) -> None:
    async with FakeTgi(max_concurrent=3) as server:
        assert (await start(server)).capacity == 3
        assert (await start(server, max_concurrency=2)).capacity == 2


async def test_a_server_that_comes_back_is_asked_anew_what_it_takes(start: Start) -> None:
    async with FakeTgi(max_concurrent=3) as first:
        replica = await start(first, poll_interval=0.01)
    await until(lambda: not replica.ready)
    async with FakeTgi(max_concurrent=5, port=first.port):
        await until(lambda: replica.ready and replica.capacity == 5)


async def test_a_queue_at_the_server_is_a_wait(start: Start) -> None:
    async with FakeTgi() as server:
        replica = await start(server, poll_interval=0.01)
        assert replica.predicted_wait == 0
        server.queue_size, server.batch_size = 12, 4
        await until(lambda: replica.predicted_wait == 12 * 2.0 / 4)
        server.queue_size = 0
        await until(lambda: replica.predicted_wait == 0)


async def test_another_model_is_warned_of_once(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    async with FakeTgi(model="/data/other") as server:
        replica = await start(server, poll_interval=0.01)
        await server.refuse()
        await until(lambda: not replica.ready)
        await server.listen()
        await until(lambda: replica.ready)
        assert await all_of(replica, asking())
    assert [record.levelname for record in caplog.records if "/data/other" in record.message] == ["WARNING"]


# Configuration


async def test_it_tells_what_it_is(start: Start) -> None:
    async with FakeTgi() as server:
        info = (
            await start(server, price={"usd_per_hour": 1.5}, residency="eu", prompt="ad-small", adapters=["a"])
        ).info
    assert (info.kind, info.name, info.model, info.residency, info.prompt) == ("tgi", "tgi", "fake", "eu", "ad-small")
    assert info.endpoint == f"127.0.0.1:{server.port}"
    assert info.price == Price(usd_per_hour=1.5)
    assert info.adapters == {"a"}
    assert (info.constrained_output, info.continues_json, info.continuation) == (True, True, Continuation.EXACT)
    assert info.max_concurrency == 128


def test_one_url_or_several_can_be_named() -> None:
    entry = {"name": "tgi", "kind": "tgi", "model": "m"}
    assert TgiConfig.model_validate(entry | {"url": "http://tgi:80/"}).url_list == ("http://tgi:80",)
    urls = ["http://a:80", "https://b"]
    assert TgiConfig.model_validate(entry | {"url": urls}).url_list == ("http://a:80", "https://b")


@pytest.mark.parametrize(
    "url",
    ["tgi:80", "ftp://tgi", "http://", "http://tgi/v1", "http://tgi?x", "http://me:pw@tgi", "http://tgi:port", [], ""],
)
def test_other_urls_are_refused(url: Any) -> None:
    with pytest.raises(ValidationError):
        TgiConfig.model_validate({"name": "tgi", "kind": "tgi", "model": "m", "url": url})
