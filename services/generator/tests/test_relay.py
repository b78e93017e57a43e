"""Variants on one stream: nothing lost, each in its own order, and all closed at once."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack

import pytest

from adwright_generator.backends.base import BackendUnavailable
from adwright_generator.relay import Pace, merged


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


@pytest.mark.parametrize(("streams", "waits"), [(1, []), (8, []), (20, [0.012]), (1000, [0.05])])
async def test_streams_rest_between_messages_only_when_there_are_many(streams: int, waits: list[float]) -> None:
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    pace = Pace(sleep=sleep, now=lambda: 0.0)
    async with AsyncExitStack() as stack:
        for _ in range(streams):
            await stack.enter_async_context(pace.stream())
        await pace.rest()
    await pace.rest()
    assert waited == pytest.approx(waits)
