"""What the relay promises: nothing lost, nothing reordered, bounded, and closed at once."""

import asyncio
from collections.abc import AsyncGenerator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adwright_generator.backends.base import BackendEvent, BackendUnavailable, Chunk, Finish, StopReason
from adwright_generator.relay import gathered, merged


async def _source(chunks: list[bytes], *, error: Exception | None = None) -> AsyncGenerator[BackendEvent]:
    for chunk in chunks:
        await asyncio.sleep(0)
        yield Chunk(chunk)
    if error:
        raise error
    yield Finish(StopReason.STOP, 1, len(chunks))


@given(st.lists(st.binary(max_size=20), max_size=30), st.integers(1, 50), st.booleans())
@settings(max_examples=100, deadline=None)
def test_bytes_and_token_counts_come_out_as_they_went_in(chunks: list[bytes], bound: int, slow: bool) -> None:
    async def read() -> tuple[bytes, int, list[Finish]]:
        data, tokens, finishes = b"", 0, []
        async for event in gathered(_source(chunks), max_bytes=bound):
            if isinstance(event, Finish):
                finishes.append(event)
            else:
                data += event.data
                tokens += event.tokens
            if slow:
                for _ in range(3):
                    await asyncio.sleep(0)
        return data, tokens, finishes

    data, tokens, finishes = asyncio.run(read())
    assert data == b"".join(chunks)
    assert tokens == len(chunks)
    assert finishes == [Finish(StopReason.STOP, 1, len(chunks))]


async def test_a_reader_that_was_busy_gets_everything_at_once() -> None:
    stream = gathered(_source([b"a", b"b", b"c", b"d"]))
    first = await anext(stream)
    for _ in range(20):
        await asyncio.sleep(0)
    rest = await anext(stream)
    assert isinstance(first, Chunk)
    assert isinstance(rest, Chunk)
    assert first.data + rest.data == b"abcd"
    assert isinstance(await anext(stream), Finish)


async def test_a_slow_reader_holds_the_backend_back() -> None:
    sent = 0

    async def endless() -> AsyncGenerator[BackendEvent]:
        nonlocal sent
        while True:
            await asyncio.sleep(0)
            sent += 1
            yield Chunk(b"x" * 10)

    stream = gathered(endless(), max_bytes=100)
    await anext(stream)
    for _ in range(200):
        await asyncio.sleep(0)
    assert sent <= 12
    await stream.aclose()


async def test_what_came_before_an_error_is_handed_on_before_it() -> None:
    seen = b""
    with pytest.raises(BackendUnavailable):
        async for event in gathered(_source([b"a", b"b"], error=BackendUnavailable("gone"))):
            assert isinstance(event, Chunk)
            seen += event.data
    assert seen == b"ab"


async def test_leaving_early_closes_the_backend() -> None:
    closed = asyncio.Event()

    async def source() -> AsyncGenerator[BackendEvent]:
        try:
            while True:
                yield Chunk(b"x")
                await asyncio.sleep(0.01)
        finally:
            closed.set()

    stream = gathered(source())
    await anext(stream)
    await stream.aclose()
    assert closed.is_set()


async def _numbers(start: int, count: int, *, fail: bool = False) -> AsyncGenerator[int]:
    for number in range(start, start + count):
        await asyncio.sleep(0)
        yield number
    if fail:
        raise BackendUnavailable("gone")


@pytest.mark.parametrize("sources", [1, 2, 5])
async def test_merged_streams_keep_their_own_order(sources: int) -> None:
    seen = [n async for n in merged([_numbers(100 * i, 10) for i in range(sources)])]
    assert sorted(seen) == [100 * i + n for i in range(sources) for n in range(10)]
    for i in range(sources):
        assert [n for n in seen if n // 100 == i] == list(range(100 * i, 100 * i + 10))


async def test_one_failing_stream_ends_the_others() -> None:
    with pytest.raises(BackendUnavailable):
        async for _ in merged([_numbers(0, 3, fail=True), _numbers(100, 10_000)]):
            pass
    await asyncio.sleep(0)
    assert len(asyncio.all_tasks()) == 1
