import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import pytest

from adwright_generator.backends.base import (
    BackendBusy,
    BackendEvent,
    BackendFailed,
    BackendRequest,
    BackendUnavailable,
    Chunk,
    Finish,
    Message,
    StopReason,
)
from adwright_generator.backends.fake import FakeBackend, FakeConfig, FakeScript

REQUEST = BackendRequest((Message("user", "A tent."),), max_tokens=100)


async def playing(*scripts: FakeScript, **config: Any) -> FakeBackend:
    backend = FakeBackend(FakeConfig(name="fake", kind="fake", **config), scripts)
    await backend.start()
    return backend


async def events_of(events: AsyncGenerator[BackendEvent]) -> tuple[list[bytes], Finish | None]:
    chunks, finish = [], None
    async with aclosing(events):
        async for event in events:
            if isinstance(event, Finish):
                finish = event
            else:
                chunks.append(event.data)
    return chunks, finish


async def test_each_call_takes_the_next_script() -> None:
    backend = await playing(FakeScript("bad"), FakeScript("good"))
    texts = [b"".join((await events_of(backend.generate(REQUEST)))[0]) for _ in range(2)]
    assert texts == [b"bad", b"good"]


async def test_calls_go_well_when_the_scripts_are_used_up() -> None:
    backend = await playing(FakeScript("bad", fail=BackendFailed("no")))
    with pytest.raises(BackendFailed):
        await events_of(backend.generate(REQUEST))
    chunks, finish = await events_of(backend.generate(REQUEST))
    assert b"".join(chunks).decode()[0].isupper()
    assert finish is not None


@pytest.mark.parametrize(
    ("sizes", "chunks"),
    [
        ((1,), [b"a", b"\xc3", b"\xa9", b"!"]),
        ((0, 3, 0), [b"", b"a\xc3\xa9", b"", b"", b"!"]),
        ((9999,), [b"a\xc3\xa9!"]),
    ],
)
async def test_chunks_have_the_sizes_asked_for(sizes: tuple[int, ...], chunks: list[bytes]) -> None:
    backend = await playing(FakeScript("aé!", chunk_bytes=sizes))
    assert (await events_of(backend.generate(REQUEST)))[0] == chunks


async def test_it_fails_in_place_of_the_first_chunk() -> None:
    backend = await playing(FakeScript("abc", fail=BackendUnavailable("gone")))
    with pytest.raises(BackendUnavailable, match="gone"):
        await anext(backend.generate(REQUEST))
    assert backend.in_flight == 0


@pytest.mark.parametrize(("after", "seen"), [(2, 2), (99, 3)])
async def test_it_fails_after_so_many_chunks_and_at_the_end_at_the_latest(after: int, seen: int) -> None:
    backend = await playing(FakeScript("abc", chunk_bytes=(1,), fail=BackendFailed("broken"), fail_after=after))
    events = backend.generate(REQUEST)
    for _ in range(seen):
        await anext(events)
    with pytest.raises(BackendFailed, match="broken"):
        await anext(events)


async def test_a_stalled_stream_ends_with_its_reader() -> None:
    backend = await playing(FakeScript("abc", chunk_bytes=(1,), stall_after=1))
    events = backend.generate(REQUEST)
    assert isinstance(await anext(events), Chunk)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(anext(events), 0.01)
    assert backend.calls[0].closed_early
    assert backend.in_flight == 0


async def test_a_stalled_stream_ends_when_the_backend_is_closed() -> None:
    backend = await playing(FakeScript("abc", stall_after=0))
    reader = asyncio.create_task(events_of(backend.generate(REQUEST)))
    await asyncio.sleep(0)
    await backend.close()
    with pytest.raises(BackendUnavailable, match="closed before"):
        await reader


async def test_a_stream_may_lack_its_finish_and_its_counts() -> None:
    backend = await playing(FakeScript("abc", finish=None), FakeScript("abc", counts=False))
    assert (await events_of(backend.generate(REQUEST)))[1] is None
    assert (await events_of(backend.generate(REQUEST)))[1] == Finish(StopReason.STOP)


async def test_it_finishes_for_the_reason_it_is_told() -> None:
    backend = await playing(FakeScript("abc", finish=StopReason.LENGTH))
    finish = (await events_of(backend.generate(REQUEST)))[1]
    assert finish is not None
    assert finish.reason is StopReason.LENGTH


async def test_time_passes_as_the_pace_says() -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    script = FakeScript("abcdefgh", first_delay=3.0, tokens_per_second=10, chunk_bytes=(4,))
    backend = FakeBackend(scripts=[script], sleep=sleep)
    await backend.start()
    await events_of(backend.generate(REQUEST))
    assert slept == [3.0, 0.1]


async def test_it_remembers_who_left_early() -> None:
    backend = await playing()
    events = backend.generate(REQUEST)
    await anext(events)
    await anext(events)
    await events.aclose()
    await events_of(backend.generate(REQUEST))
    left, stayed = backend.calls
    assert (left.closed_early, left.chunks, left.finished) == (True, 1, False)
    assert (stayed.closed_early, stayed.finished) == (False, True)
    assert backend.requests == [REQUEST, REQUEST]


async def test_one_stream_too_many_is_refused_at_once() -> None:
    backend = await playing(max_concurrency=1)
    async with aclosing(backend.generate(REQUEST)) as events:
        await anext(events)
        with pytest.raises(BackendBusy):
            await anext(backend.generate(REQUEST))


async def test_it_takes_nothing_before_start() -> None:
    with pytest.raises(BackendUnavailable):
        await anext(FakeBackend().generate(REQUEST))
