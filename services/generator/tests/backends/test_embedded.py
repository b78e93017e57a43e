import asyncio
import json
import re
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from adwright_generator.backends.base import (
    BackendBusy,
    BackendFailed,
    BackendMisconfigured,
    BackendRequest,
    BackendUnavailable,
    Chunk,
    Finish,
    Message,
)
from adwright_generator.backends.embedded import EmbeddedBackend, EmbeddedConfig
from adwright_servicekit.errors import InvalidInput

Idle = Callable[[EmbeddedBackend], Awaitable[float]]


def configured(**changes: Any) -> EmbeddedConfig:
    values: dict[str, Any] = {"name": "small", "kind": "embedded", "context_tokens": 512}
    return EmbeddedConfig(**(values | changes))


def asking(text: str = "Tell me a long story.", max_tokens: int = 30, **changes: Any) -> BackendRequest:
    return BackendRequest((Message("user", text),), max_tokens, **changes)


async def text_of(backend: EmbeddedBackend, request: BackendRequest) -> str:
    return b"".join([e.data async for e in backend.generate(request) if isinstance(e, Chunk)]).decode()


async def seconds_to_first_chunk(backend: EmbeddedBackend, request: BackendRequest) -> float:
    begun = time.perf_counter()
    async with aclosing(backend.generate(request)) as events:
        await anext(events)
        return time.perf_counter() - begun


@pytest_asyncio.fixture(loop_scope="session")
async def small(embedded: EmbeddedBackend) -> AsyncIterator[EmbeddedBackend]:
    """A backend with one slot and one place to wait, for tests that fill or close it."""
    backend = EmbeddedBackend(configured(max_concurrency=1, max_waiting=1))
    await backend.start()
    yield backend
    await backend.close()


@pytest.mark.parametrize(
    ("content", "why"), [(None, "No such file"), (b"<html>", "not in GGUF format"), (b"GGUFxxxx", "cannot load")]
)
async def test_a_file_that_is_no_model_is_refused_with_the_remedy(
    tmp_path: Path, content: bytes | None, why: str
) -> None:
    path = tmp_path / "model.gguf"
    if content is not None:
        path.write_bytes(content)
    backend = EmbeddedBackend(configured(model=str(path)))
    with pytest.raises(BackendMisconfigured, match=f"{why}.*ADWRIGHT_EMBEDDED_MODEL"):
        await backend.start()
    assert not backend.ready


async def test_a_backend_that_is_not_started_says_so() -> None:
    with pytest.raises(BackendUnavailable, match="start it first"):
        await text_of(EmbeddedBackend(configured()), asking())


async def test_a_prompt_that_does_not_fit_is_the_callers_to_shorten(small: EmbeddedBackend) -> None:
    with pytest.raises(InvalidInput, match=r"has 6\d\d tokens .* has room for 512; shorten it") as caught:
        await text_of(small, asking("word " * 600))
    assert caught.value.reason == "PROMPT_TOO_LONG"


async def test_pattern_and_length_are_both_held(embedded: EmbeddedBackend) -> None:
    text: dict[str, Any] = {"type": "string", "minLength": 8, "maxLength": 30}
    text["pattern"] = r"^[^0-9]*(?:1\.9[^0-9]+)*$"
    schema: dict[str, Any] = {"type": "object", "properties": {"a": text, "b": text}, "required": ["a", "b"]}
    schema["additionalProperties"] = False
    request = asking("A 1.9 kg tent for 249 EUR, as JSON.", 120, json_schema=schema, temperature=1.0)
    for _ in range(3):
        for value in json.loads(await text_of(embedded, request)).values():
            assert 8 <= len(value) <= 30
            assert re.search(text["pattern"], value)


async def test_each_item_of_a_list_may_have_a_pattern_of_its_own(embedded: EmbeddedBackend) -> None:
    items = [{"type": "string", "pattern": "^(?:red|green) (?:fox|owl)$"}, {"type": "string", "pattern": "^x{3}$"}]
    listed = {"type": "array", "prefixItems": items, "items": False, "minItems": 2, "maxItems": 2}
    schema = {"type": "object", "properties": {"a": listed}, "required": ["a"], "additionalProperties": False}
    first, second = json.loads(await text_of(embedded, asking(json_schema=schema)))["a"]
    assert first in {"red fox", "red owl", "green fox", "green owl"}
    assert second == "xxx"


async def test_a_schema_the_grammar_does_not_know_fails_instead_of_going_unheld(embedded: EmbeddedBackend) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "strin"}}}
    with pytest.raises(BackendFailed, match="does not support this JSON schema"):
        await text_of(embedded, asking("Say hello.", json_schema=schema))


async def test_one_more_than_may_wait_is_refused(small: EmbeddedBackend) -> None:
    async with aclosing(small.generate(asking(max_tokens=400))) as running:
        await anext(running)
        waiting = asyncio.create_task(text_of(small, asking(max_tokens=3)))
        await asyncio.sleep(0)
        with pytest.raises(BackendBusy) as caught:
            await text_of(small, asking())
        assert caught.value.retry_after is not None
    assert await waiting, "the one that waited got the slot that was left"


async def test_a_reader_that_comes_late_gets_everything_at_once(small: EmbeddedBackend, idle: Idle) -> None:
    async with aclosing(small.generate(asking(max_tokens=40, seed=7))) as events:
        first = await anext(events)
        await idle(small)
        rest = [event async for event in events]
    assert isinstance(first, Chunk)
    assert len(rest) == 2
    assert isinstance(rest[0], Chunk)
    assert isinstance(rest[1], Finish)
    assert rest[1].output_tokens is not None
    assert first.tokens + rest[0].tokens >= rest[1].output_tokens - 1


async def test_leaving_while_the_prompt_is_evaluated_frees_the_slot(small: EmbeddedBackend, idle: Idle) -> None:
    reader = asyncio.create_task(text_of(small, asking("word " * 400)))
    await asyncio.sleep(0.1)
    assert small.in_flight == 1
    reader.cancel()
    await idle(small)


async def test_closing_ends_what_runs_and_it_can_start_again(small: EmbeddedBackend) -> None:
    events = small.generate(asking(max_tokens=400))
    await anext(events)
    await small.close()
    with pytest.raises(BackendUnavailable, match="stopped before"):
        [event async for event in events]
    assert not small.ready
    await small.close()
    await small.start()
    assert await text_of(small, asking(max_tokens=3))


_PROGRAM = """
import asyncio, sys
from adwright_generator.backends.base import BackendRequest, Message
from adwright_generator.backends.embedded import EmbeddedBackend, EmbeddedConfig

def listening():
    import os, re
    files = [f"/proc/self/fd/{fd}" for fd in os.listdir("/proc/self/fd")]
    links = [os.readlink(file) for file in files if os.path.islink(file)]
    own = {match[1] for link in links if (match := re.fullmatch(r"socket:.(\\d+).", link))}
    found = []
    for name in ("tcp", "tcp6"):
        for row in open(f"/proc/self/net/{name}").read().splitlines()[1:]:
            cells = row.split()
            if cells[3] == "0A" and cells[9] in own:
                found.append(cells[1].split(":"))
    return found

def status(port, path):
    import urllib.error, urllib.request
    try:
        return urllib.request.urlopen(f"http://127.0.0.1:{port}{path}").status
    except urllib.error.HTTPError as error:
        return error.code

async def main(how):
    backend = EmbeddedBackend(EmbeddedConfig(name="e", kind="embedded", context_tokens=1024))
    await backend.start()
    if how == "ports":
        for host, port in listening():
            print(host, status(int(port, 16), "/props"))
    events = backend.generate(BackendRequest((Message("user", "Tell a long story."),), 900))
    await anext(events)
    print("writing", flush=True)
    if how == "two":
        await asyncio.to_thread(sys.stdin.read)
    if how == "closed":
        await backend.close()
    if how == "failed":
        raise SystemExit(3)

asyncio.run(main(sys.argv[1]))
"""


def started(how: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, how],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.usefixtures("embedded")
@pytest.mark.parametrize(("how", "code"), [("closed", 0), ("forgotten", 0), ("failed", 3)])
def test_a_process_ends_at_once_in_the_middle_of_a_generation(how: str, code: int) -> None:
    with started(how) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "writing\n"
        begun = time.perf_counter()
        assert process.wait(timeout=20) == code
    assert time.perf_counter() - begun < 2


@pytest.mark.usefixtures("embedded")
def test_two_processes_run_side_by_side() -> None:
    with started("two") as one, started("two") as other:
        for process in (one, other):
            assert process.stdout is not None
            assert process.stdout.readline() == "writing\n"
        for process in (one, other):
            process.communicate(timeout=20)
            assert process.returncode == 0


@pytest.mark.usefixtures("embedded")
@pytest.mark.skipif(not Path("/proc/self/net/tcp").exists(), reason="needs Linux's /proc")
def test_its_port_is_on_loopback_and_wants_a_key_nobody_has() -> None:
    with started("ports") as process:
        out, _ = process.communicate(timeout=30)
    assert out.splitlines() == ["0100007F 401", "writing"]
