"""First-token and stall timeouts. The times are short and real; nothing is said of how exact they are."""

import asyncio
from typing import Any

import pytest

from adwright_generator.backends.base import BackendStalled, BackendUnavailable, Chunk, Finish, StopReason
from adwright_generator.policy.timed import Timed


async def never() -> None:
    await asyncio.Event().wait()


async def soon() -> None:
    await asyncio.sleep(0.02)


async def test_a_backend_that_does_not_begin_is_left(played: Any, request_of: Any) -> None:
    inner = played("a", [never])
    with pytest.raises(BackendStalled, match="did not begin within"):
        await anext(Timed(inner, first_token=0.05, stall=60).generate(request_of()))
    assert inner.running == 0


async def test_empty_chunks_are_no_beginning(played: Any, request_of: Any) -> None:
    inner = played("a", [item for _ in range(20) for item in (b"", soon)])
    with pytest.raises(BackendStalled, match="did not begin"):
        async for _ in Timed(inner, first_token=0.1, stall=60).generate(request_of()):
            pass


async def test_a_backend_that_stops_in_the_middle_is_left(played: Any, request_of: Any) -> None:
    inner = played("a", [b"one", never])
    events = Timed(inner, first_token=60, stall=0.05).generate(request_of())
    assert await anext(events) == Chunk(b"one")
    with pytest.raises(BackendStalled, match="sent nothing for"):
        await anext(events)
    assert inner.running == 0


async def test_a_slow_backend_is_no_dead_one(played: Any, request_of: Any) -> None:
    inner = played("a", [item for _ in range(10) for item in (b"x", soon)] + [Finish(StopReason.STOP)])
    events = [event async for event in Timed(inner, first_token=0.15, stall=0.15).generate(request_of())]
    assert len(events) == 11


async def test_the_time_a_reader_takes_is_its_own(played: Any, request_of: Any) -> None:
    inner = played("a", [b"x", b"y", Finish(StopReason.STOP)])
    events = Timed(inner, first_token=0.05, stall=0.05).generate(request_of())
    await anext(events)
    await asyncio.sleep(0.1)
    assert await anext(events) == Chunk(b"y")


async def test_a_timeout_of_the_backends_own_is_not_taken_for_ours(played: Any, request_of: Any) -> None:
    with pytest.raises(TimeoutError):
        await anext(Timed(played("a", [TimeoutError()]), first_token=60, stall=60).generate(request_of()))


async def test_a_stall_leaves_no_cancellation_behind(played: Any, request_of: Any) -> None:
    async def grumpy() -> None:
        try:
            await never()
        except asyncio.CancelledError:
            raise BackendUnavailable("closed") from None

    task = asyncio.current_task()
    assert task is not None
    with pytest.raises(BackendUnavailable):
        await anext(Timed(played("a", [grumpy]), first_token=0.02, stall=60).generate(request_of()))
    assert task.cancelling() == 0
