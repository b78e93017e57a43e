"""The backend against the double: what a generation is, and what becomes of everything that can go wrong."""

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

import boto3
import pytest
from aiohttp import web
from moto.server import ThreadedMotoServer
from pydantic import ValidationError

from adwright_generator.backends.base import (
    BackendBusy,
    BackendDeclined,
    BackendEvent,
    BackendFailed,
    BackendMisconfigured,
    BackendRequest,
    BackendUnavailable,
    Chunk,
    Continuation,
    Finish,
    Message,
    StopReason,
)
from adwright_generator.backends.fake_openai import FakeOpenAI, Fault, OpenAIScript
from adwright_generator.backends.openai import OpenAIBackend, OpenAIConfig
from adwright_servicekit.errors import AdwrightError, InvalidInput

TEXT = "Sover du godt i fjellet? Prøv Aurora Trail 2 – 1,9 kg 🎉 for to."
SCHEMA = {
    "type": "object",
    "properties": {
        "headlines": {"type": "array", "items": {"type": "string", "maxLength": 30}, "minItems": 2, "maxItems": 2},
        "maxLength": {"enum": ["maxLength"]},
    },
    "required": ["headlines", "maxLength"],
    "additionalProperties": False,
}
OUTSIDE: dict[str, Any] = {"name": "openai", "kind": "openai", "model": "m", "api_key": {"env": "KEY"}}


def config(url: str, **changes: Any) -> OpenAIConfig:
    return OpenAIConfig.model_validate({"name": "openai", "kind": "openai", "model": "m", "base_url": url} | changes)


def asking(**changes: Any) -> BackendRequest:
    values: dict[str, Any] = {"messages": (Message("user", "Sell the tent."),), "max_tokens": 200}
    return BackendRequest(**(values | changes))


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def served(
    scripts: Iterable[OpenAIScript] = (), *, keys: Iterable[str] | None = None, **changes: Any
) -> AsyncGenerator[tuple[OpenAIBackend, FakeOpenAI]]:
    given = {name: changes.pop(name) for name in ("environ", "clock") if name in changes}
    async with FakeOpenAI(scripts, keys=keys) as server:
        backend = OpenAIBackend(config(server.url, **changes), **given)
        await backend.start()
        try:
            yield backend, server
        finally:
            await backend.close()


async def all_of(backend: OpenAIBackend, request: BackendRequest) -> list[BackendEvent]:
    return [event async for event in backend.generate(request)]


async def until_it_fails(backend: OpenAIBackend, request: BackendRequest) -> tuple[str, AdwrightError]:
    data = b""
    with pytest.raises(AdwrightError) as caught:
        async for event in backend.generate(request):
            data += event.data if isinstance(event, Chunk) else b""
    return data.decode(), caught.value


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - what is waited for is on the other side of a socket
            await asyncio.sleep(0.001)


def text_of(events: Iterable[BackendEvent]) -> str:
    return b"".join(event.data for event in events if isinstance(event, Chunk)).decode()


@asynccontextmanager
async def raw(*parts: bytes, status: int = 200, **headers: str) -> AsyncGenerator[OpenAIBackend]:
    """A backend whose server answers with these bytes, each written alone."""

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(status=status, headers={"Content-Type": "text/event-stream"} | headers)
        await response.prepare(request)
        for part in parts:
            await response.write(part)
            await asyncio.sleep(0.01)
        return response

    app = web.Application()
    app.router.add_post("/v1/chat/completions", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    backend = OpenAIBackend(config(f"http://127.0.0.1:{runner.addresses[0][1]}/v1"))
    await backend.start()
    try:
        yield backend
    finally:
        await backend.close()
        await runner.cleanup()


def event(**fields: Any) -> bytes:
    return b"data: " + json.dumps(fields, ensure_ascii=False).encode() + b"\n\n"


def delta(text: str | None = None, reason: str | None = None, **more: Any) -> bytes:
    return event(choices=[{"index": 0, "delta": {"content": text, **more}, "finish_reason": reason}])


# A generation


async def test_a_generation_is_text_and_then_one_finish_with_counts() -> None:
    async with served([OpenAIScript(text=TEXT)]) as (backend, server):
        *chunks, finish = await all_of(backend, asking())
    assert text_of(chunks) == TEXT
    assert isinstance(finish, Finish)
    assert finish.reason is StopReason.STOP
    assert finish.output_tokens == sum(chunk.tokens for chunk in chunks if isinstance(chunk, Chunk))
    assert finish.input_tokens
    assert server.calls[0].finished


async def test_the_request_is_passed_on() -> None:
    request = asking(
        messages=(Message("system", "You sell."), Message("user", "Sell.")),
        temperature=0.3,
        top_p=0.8,
        seed=7,
        stop=("END",),
        headers={"traceparent": "00-1-2-01"},
    )
    async with served() as (backend, server):
        await all_of(backend, request)
    assert server.calls[0].body == {
        "model": "m",
        "messages": [{"role": "system", "content": "You sell."}, {"role": "user", "content": "Sell."}],
        "max_tokens": 200,
        "temperature": 0.3,
        "top_p": 0.8,
        "seed": 7,
        "stop": ["END"],
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    assert server.calls[0].headers["traceparent"] == "00-1-2-01"
    assert "authorization" not in server.calls[0].headers, "there is no key"


async def test_max_tokens_ends_the_output_with_length() -> None:
    async with served([OpenAIScript(text=TEXT)], max_tokens_field="max_completion_tokens") as (backend, server):
        *chunks, finish = await all_of(backend, asking(max_tokens=5))
    assert text_of(chunks) == TEXT[:20]
    assert finish == Finish(StopReason.LENGTH, finish.input_tokens, 5)  # type: ignore[union-attr]
    assert server.calls[0].body["max_completion_tokens"] == 5


async def test_what_one_read_brought_is_one_chunk() -> None:
    async with raw(delta("a") + delta("b") + delta("c"), delta("d") + delta(None, "stop")) as backend:
        events = await all_of(backend, asking())
    assert events == [Chunk(b"abc", 3), Chunk(b"d", 1), Finish(StopReason.STOP)]


async def test_events_may_be_cut_anywhere() -> None:
    stream = b": ping\n\n" + delta("Prøv 🎉") + delta(None, "stop") + event(choices=[], usage={"completion_tokens": 3})
    parts = [stream[start : start + 11] for start in range(0, len(stream), 11)]
    async with raw(*parts, b"data: [DONE]\n\n") as backend:
        assert await all_of(backend, asking()) == [Chunk("Prøv 🎉".encode()), Finish(StopReason.STOP, None, 3)]


async def test_counts_that_never_come_are_unknown() -> None:
    async with served([OpenAIScript(text=TEXT, usage=False)]) as (backend, _):
        events = await all_of(backend, asking())
    assert (text_of(events), events[-1]) == (TEXT, Finish(StopReason.STOP))


@pytest.mark.parametrize(
    ("mode", "sent"),
    [("json_schema", "json_schema"), ("json_object", "json_object"), ("none", None)],
)
async def test_a_schema_is_sent_as_the_server_needs_it(mode: str, sent: str | None) -> None:
    async with served(structured_output=mode) as (backend, server):
        await all_of(backend, asking(json_schema=SCHEMA))
    wanted = server.calls[0].body.get("response_format") or {}
    assert wanted.get("type") == sent
    assert backend.info.constrained_output is (mode == "json_schema")
    if mode == "json_schema":
        assert wanted["json_schema"] == {"name": "ad", "strict": True, "schema": SCHEMA}


async def test_keywords_that_openai_refuses_are_left_out() -> None:
    async with served(schema_keywords="openai") as (backend, server):
        await all_of(backend, asking(json_schema=SCHEMA))
    schema = server.calls[0].body["response_format"]["json_schema"]["schema"]
    assert schema["properties"]["headlines"] == {
        "type": "array",
        "items": {"type": "string"},
        "minItems": 2,
        "maxItems": 2,
    }
    assert schema["properties"]["maxLength"] == {"enum": ["maxLength"]}, "a property of that name is no keyword"
    assert schema["required"] == SCHEMA["required"]


# A text that is begun


async def test_a_begun_text_is_asked_to_go_on() -> None:
    async with served([OpenAIScript(text=TEXT)]) as (backend, server):
        events = await all_of(backend, asking(prefix=TEXT[:30]))
    assert text_of(events) == TEXT[30:]
    assert [turn["role"] for turn in server.calls[0].body["messages"]] == ["user", "assistant", "user"]
    assert server.calls[0].body["messages"][1]["content"] == TEXT[:30]
    assert (backend.info.continuation, backend.info.continues_json) == (Continuation.ASKED, False)


@pytest.mark.parametrize("begin", [0, 12], ids=["from its start", "from its last words"])
async def test_what_the_model_repeats_of_it_is_dropped(begin: int) -> None:
    pieces = [delta(TEXT[start : start + 3]) for start in range(begin, len(TEXT), 3)]
    async with raw(*pieces, delta(None, "stop")) as backend:
        assert text_of(await all_of(backend, asking(prefix=TEXT[:30]))) == TEXT[30:]


async def test_a_short_answer_that_looked_like_a_repetition_is_told_at_the_end() -> None:
    async with raw(delta(TEXT[:9]), delta(None, "stop")) as backend:
        *chunks, finish = await all_of(backend, asking(prefix=TEXT[:30]))
    assert text_of(chunks) == TEXT[:9]
    assert isinstance(finish, Finish)


async def test_a_begun_text_is_prefilled_where_the_server_can() -> None:
    async with served([OpenAIScript(text=TEXT)], continuation="prefill") as (backend, server):
        assert text_of(await all_of(backend, asking(prefix=TEXT[:30]))) == TEXT[30:]
    body = server.calls[0].body
    assert body["messages"][-1] == {"role": "assistant", "content": TEXT[:30]}
    assert (body["continue_final_message"], body["add_generation_prompt"]) == (True, False)
    assert backend.info.continuation is Continuation.EXACT


@pytest.mark.parametrize("changes", [{"prefix": "{", "json_schema": SCHEMA}, {"adapter": "brand"}])
async def test_what_the_server_cannot_do_is_not_sent(changes: dict[str, Any]) -> None:
    async with served() as (backend, server):
        await until_it_fails(backend, asking(**changes))
    assert not server.calls


# What goes wrong

IN_STREAM: dict[Fault, tuple[type[AdwrightError], str]] = {
    Fault.OVERLOADED: (BackendBusy, "BACKENDS_BUSY"),
    Fault.RESET: (BackendUnavailable, "BACKEND_UNAVAILABLE"),
    Fault.CLOSE: (BackendUnavailable, "BACKEND_UNAVAILABLE"),
    Fault.MALFORMED: (BackendFailed, "BACKEND_FAILED"),
    Fault.HALF_CHARACTER: (BackendFailed, "BACKEND_FAILED"),
    Fault.ODD_ERROR: (BackendFailed, "BACKEND_FAILED"),
}


@pytest.mark.parametrize("at", [0, 3, 10_000], ids=["before the first token", "in between", "after the last"])
@pytest.mark.parametrize("fault", IN_STREAM)
async def test_a_stream_that_breaks_keeps_its_text_and_raises(fault: Fault, at: int) -> None:
    async with served([OpenAIScript(text=TEXT, fault=fault, at=at)]) as (backend, server):
        text, error = await until_it_fails(backend, asking())
        assert (type(error), error.reason) == IN_STREAM[fault]
        assert "backend openai" in error.message.lower()
        assert text == TEXT[: at * 4]
        assert text_of(await all_of(backend, asking())), "the next call goes well"
        await until(lambda: not server.in_flight)
    assert backend.in_flight == 0


@pytest.mark.parametrize(
    ("fault", "kind", "reason"),
    [
        (Fault.HTTP_429, BackendBusy, "BACKENDS_BUSY"),
        (Fault.HTTP_401, BackendUnavailable, "BACKEND_UNAUTHENTICATED"),
        (Fault.HTTP_424, BackendFailed, "BACKEND_FAILED"),
        (Fault.VALIDATION, InvalidInput, "BACKEND_REJECTED"),
        (Fault.HTTP_500, BackendFailed, "BACKEND_FAILED"),
    ],
)
async def test_a_status_becomes_an_error_of_its_kind(fault: Fault, kind: type[AdwrightError], reason: str) -> None:
    async with served([OpenAIScript(fault=fault)]) as (backend, _):
        text, error = await until_it_fails(backend, asking())
    assert (text, type(error), error.reason) == ("", kind, reason)


def problem(**fields: Any) -> bytes:
    return json.dumps({"error": {"message": "Your prompt SECRET TENT is bad.", **fields}}).encode()


OLD_VLLM = b'{"object":"error","message":"the maximum context length is 4096","code":400}'


@pytest.mark.parametrize(
    ("status", "body", "kind", "reason"),
    [
        (429, problem(type="insufficient_quota", code="insufficient_quota"), BackendUnavailable, "BACKEND_UNAVAILABLE"),
        (400, problem(code="context_length_exceeded"), InvalidInput, "PROMPT_TOO_LONG"),
        (400, problem(type="exceed_context_size_error", code=400), InvalidInput, "PROMPT_TOO_LONG"),
        (400, OLD_VLLM, InvalidInput, "PROMPT_TOO_LONG"),
        (413, problem(), InvalidInput, "BACKEND_REJECTED"),
        (400, b'{"error":"bad option"}', InvalidInput, "BACKEND_REJECTED"),
        (400, problem(code="unsupported_parameter"), BackendFailed, "BACKEND_FAILED"),
        (400, problem(code="content_filter"), BackendDeclined, "BACKEND_REFUSED"),
        (400, b"<html>", BackendFailed, "BACKEND_FAILED"),
        (400, b'{"error":\xff}', BackendFailed, "BACKEND_FAILED"),
        (302, b"", BackendFailed, "BACKEND_FAILED"),
        (403, problem(), BackendFailed, "BACKEND_FAILED"),
        (404, problem(code="model_not_found"), BackendFailed, "BACKEND_FAILED"),
        (418, problem(), BackendFailed, "BACKEND_FAILED"),
        (502, b"<html>", BackendUnavailable, "BACKEND_UNAVAILABLE"),
        (503, problem(type="unavailable_error"), BackendUnavailable, "BACKEND_UNAVAILABLE"),
        (504, b"", BackendUnavailable, "BACKEND_UNAVAILABLE"),
        (529, problem(type="overloaded_error"), BackendUnavailable, "BACKEND_UNAVAILABLE"),
    ],
)
async def test_bodies_of_errors_are_understood_and_not_repeated(
    status: int, body: bytes, kind: type[AdwrightError], reason: str
) -> None:
    async with raw(body, status=status) as backend:
        _, error = await until_it_fails(backend, asking())
    assert (type(error), error.reason) == (kind, reason)
    assert "SECRET" not in error.message
    assert error.__cause__ is None


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"code": "rate_limit_exceeded"}, BackendBusy),
        ({"code": 503}, BackendUnavailable),
        ({"type": "BadRequestError", "code": 400}, InvalidInput),
        ({"code": "invalid_api_key"}, BackendUnavailable),
        ({"type": "server_error"}, BackendFailed),
        ({"type": "SECRET TENT"}, BackendFailed),
    ],
)
async def test_an_error_inside_a_stream_is_told_by_its_code_or_type(
    fields: dict[str, Any], kind: type[AdwrightError]
) -> None:
    async with raw(delta("Sleep") + b"data: " + problem(**fields) + b"\n\n") as backend:
        text, error = await until_it_fails(backend, asking())
    assert (text, type(error)) == ("Sleep", kind)
    assert "SECRET" not in error.message


@pytest.mark.parametrize(
    ("parts", "kind", "reason"),
    [
        ([delta("x", "content_filter")], BackendDeclined, "BACKEND_REFUSED"),
        ([delta(None, refusal="I cannot")], BackendDeclined, "BACKEND_REFUSED"),
        ([delta("x"), delta(None, "abort")], BackendUnavailable, "BACKEND_UNAVAILABLE"),
        ([delta(None, "tool_calls")], BackendFailed, "BACKEND_FAILED"),
        ([delta("x"), b"data: [DONE]\n\n"], BackendUnavailable, "BACKEND_UNAVAILABLE"),
        ([delta("x")], BackendUnavailable, "BACKEND_UNAVAILABLE"),
        ([b"data: 7\n\n"], BackendFailed, "BACKEND_FAILED"),
        ([b"x" * 1_100_000], BackendFailed, "BACKEND_FAILED"),
    ],
    ids=["filter", "refusal", "abort", "tools", "done without reason", "end without reason", "no object", "endless"],
)
async def test_what_is_no_whole_text_is_an_error(parts: list[bytes], kind: type[AdwrightError], reason: str) -> None:
    async with raw(*parts) as backend:
        _, error = await until_it_fails(backend, asking())
    assert (type(error), error.reason) == (kind, reason)


async def test_an_answer_that_is_no_stream_is_an_error() -> None:
    headers: dict[str, Any] = {"Content-Type": "application/json; charset=utf-8"}
    async with raw(b'{"choices":[]}', **headers) as backend:
        _, error = await until_it_fails(backend, asking())
    assert "application/json" in error.message


async def test_the_server_says_how_long_it_is_busy() -> None:
    clock = Clock()
    script = OpenAIScript(fault=Fault.HTTP_429, retry_after=2.5)
    async with served([script], clock=clock) as (backend, _):
        assert backend.predicted_wait == 0
        _, error = await until_it_fails(backend, asking())
        assert error.retry_after == 2.5
        clock.now += 1
        assert backend.predicted_wait == 1.5
        clock.now += 2
        assert backend.predicted_wait == 0


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after-ms": "250", "Retry-After": "9"}, 0.25),
        ({"Retry-After": "Wed, 21 Oct 2037 07:28:00 GMT"}, 1.0),
        ({"Retry-After": "99999999"}, 3600.0),
        ({}, 1.0),
    ],
)
async def test_retry_after_is_read_in_its_forms(headers: dict[str, Any], seconds: float) -> None:
    async with raw(problem(), status=429, **headers) as backend:
        _, error = await until_it_fails(backend, asking())
    assert error.retry_after == seconds


async def test_a_server_that_is_away_is_unavailable_until_it_is_back() -> None:
    async with served() as (backend, server):
        await all_of(backend, asking())
        await server.refuse()
        _, error = await until_it_fails(backend, asking())
        assert isinstance(error, BackendUnavailable)
        await server.listen()
        assert text_of(await all_of(backend, asking()))


@pytest.mark.parametrize(("drops", "served_at_last"), [(1, True), (2, False)])
async def test_a_kept_connection_that_the_server_drops_costs_one_more_try(drops: int, served_at_last: bool) -> None:
    connections = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await reader.readuntil(b"\r\n\r\n")
        if connections > drops:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + delta("x", "stop"))
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    backend = OpenAIBackend(config(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"))
    await backend.start()
    try:
        if served_at_last:
            assert text_of(await all_of(backend, asking())) == "x"
        else:
            _, error = await until_it_fails(backend, asking())
            assert isinstance(error, BackendUnavailable)
    finally:
        await backend.close()
        server.close()
    assert connections == 2


# Leaving and closing


@pytest.mark.parametrize("at", [0, 2], ids=["before the first token", "in between"])
async def test_cancelling_the_reader_closes_the_connection(at: int) -> None:
    async with served([OpenAIScript(fault=Fault.STALL, at=at)]) as (backend, server):
        reader = asyncio.create_task(all_of(backend, asking()))
        await until(lambda: server.in_flight == 1 and server.calls[0].chunks == at)
        reader.cancel()
        await asyncio.wait([reader])
        assert backend.in_flight == 0
        await until(lambda: not server.in_flight)
    assert server.calls[0].closed_early


async def test_closing_the_generator_closes_the_connection() -> None:
    async with served([OpenAIScript(text=TEXT, fault=Fault.STALL, at=2)]) as (backend, server):
        async with aclosing(backend.generate(asking())) as events:
            assert isinstance(await anext(events), Chunk)
            assert backend.in_flight == 1
        assert backend.in_flight == 0
        await until(lambda: not server.in_flight)
    assert server.calls[0].closed_early


async def test_closing_the_backend_ends_what_is_running() -> None:
    async with served([OpenAIScript(text=TEXT, fault=Fault.STALL, at=2)]) as (backend, _):
        data = b""

        async def read() -> None:
            nonlocal data
            async for event in backend.generate(asking()):
                data += event.data if isinstance(event, Chunk) else b""

        reader = asyncio.create_task(read())
        await until(lambda: data.decode() == TEXT[:8])
        await backend.close()
        with pytest.raises(BackendUnavailable):
            await reader
        assert data.decode() == TEXT[:8]
        assert not backend.ready
        assert isinstance((await until_it_fails(backend, asking()))[1], BackendUnavailable)
        await backend.start()
        assert text_of(await all_of(backend, asking()))


async def test_many_generations_do_not_mix() -> None:
    async with served(max_concurrency=64) as (backend, server):
        requests = [asking(seed=seed) for seed in range(64)]
        texts = [text_of(events) for events in await asyncio.gather(*(all_of(backend, each) for each in requests))]
        assert [text_of(await all_of(backend, each)) for each in requests[:3]] == texts[:3]
    assert len(set(texts)) == 64
    assert len(server.calls) == 67


# Keys


async def test_the_key_is_sent_and_never_logged(caplog: pytest.LogCaptureFixture) -> None:
    settings: dict[str, Any] = {"api_key": {"env": "KEY"}, "environ": {"KEY": "sk-one"}}
    with caplog.at_level(logging.DEBUG):
        async with served([OpenAIScript(fault=Fault.HTTP_500)], keys={"sk-one"}, **settings) as (backend, server):
            await until_it_fails(backend, asking())
            await all_of(backend, asking())
    assert server.calls[0].headers["authorization"] == "Bearer sk-one"
    assert "sk-one" not in caplog.text
    assert "Sell the tent." not in caplog.text


async def test_a_backend_without_its_key_does_not_start() -> None:
    backend = OpenAIBackend(config("http://localhost/v1", api_key={"env": "KEY"}), environ={})
    with pytest.raises(BackendMisconfigured, match="KEY is not set"):
        await backend.start()
    assert not backend.ready


async def test_a_wrong_key_is_tried_once() -> None:
    settings: dict[str, Any] = {"api_key": {"env": "KEY"}, "environ": {"KEY": "sk-old"}}
    async with served(keys={"sk-new"}, **settings) as (backend, server):
        _, error = await until_it_fails(backend, asking())
    assert (error.reason, server.refused_keys) == ("BACKEND_UNAUTHENTICATED", 1)
    assert "sk-" not in error.message


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-north-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    client = boto3.session.Session().client("secretsmanager")
    client.create_secret(Name="openai_api_key", SecretString="sk-old")
    yield client
    client.delete_secret(SecretId="openai_api_key", ForceDeleteWithoutRecovery=True)
    server.stop()


async def test_a_key_that_is_rotated_while_serving_disturbs_nobody(aws: Any) -> None:
    clock = Clock()
    async with served(keys={"sk-old"}, api_key={"secret": "openai_api_key"}, clock=clock) as (backend, server):
        await all_of(backend, asking())
        await asyncio.to_thread(aws.put_secret_value, SecretId="openai_api_key", SecretString="sk-new")
        server.keys = {"sk-new"}
        clock.now += 5
        results = await asyncio.gather(*(all_of(backend, asking(seed=seed)) for seed in range(8)))
        assert all(isinstance(events[-1], Finish) for events in results)
        assert 1 <= server.refused_keys <= 8
        refused = server.refused_keys
        await all_of(backend, asking())
        assert server.refused_keys == refused, "the new key is kept"


async def test_a_store_that_does_not_answer_does_not_keep_it_from_starting(
    monkeypatch: pytest.MonkeyPatch, aws: Any
) -> None:
    clock = Clock()
    endpoint = aws.meta.endpoint_url
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    backend = OpenAIBackend(config("http://localhost:1/v1", api_key={"secret": "openai_api_key"}), clock=clock)
    await backend.start()
    try:
        assert backend.ready
        _, error = await until_it_fails(backend, asking())
        assert "Secrets Manager does not answer" in error.message
        assert endpoint not in error.message
    finally:
        await backend.close()


# The configuration


def test_a_server_of_somebody_else_needs_a_residency() -> None:
    with pytest.raises(ValidationError, match=r"say where api\.openai\.com processes data"):
        OpenAIConfig.model_validate(OUTSIDE)
    assert OpenAIConfig.model_validate(OUTSIDE | {"residency": "us"}).residency == "us"


@pytest.mark.parametrize(
    "url", ["http://localhost:8000/v1", "http://127.0.0.1/v1", "http://[::1]:1/v1", "http://vllm/v1"]
)
def test_a_server_next_door_is_self_hosted(url: str) -> None:
    assert config(url).residency == "self_hosted"


@pytest.mark.parametrize("url", ["http://10.1.2.3/v1", "https://llm.example.com/v1", "http://vllm.models/v1"])
def test_an_address_that_may_be_anybodys_is_not(url: str) -> None:
    with pytest.raises(ValidationError, match="residency"):
        config(url)


def test_openai_itself_cannot_be_called_self_hosted() -> None:
    with pytest.raises(ValidationError, match="is not self-hosted"):
        OpenAIConfig.model_validate(OUTSIDE | {"residency": "self_hosted"})


@pytest.mark.parametrize(
    "url", ["ftp://host/v1", "api.openai.com", "https://", "https://me:pw@host/v1", "http://h/?k=v"]
)
def test_what_is_no_base_url_is_refused(url: str) -> None:
    with pytest.raises(ValidationError, match="base_url"):
        config(url, residency="us")


def test_openai_itself_gets_its_own_dialect() -> None:
    official = OpenAIConfig.model_validate(OUTSIDE | {"residency": "us"}).dialect()
    assert (official.max_tokens_field, official.strict_keywords) == ("max_completion_tokens", True)
    other = config("http://vllm/v1").dialect()
    assert (other.max_tokens_field, other.strict_keywords) == ("max_tokens", False)
