"""A variant's seat: it moves when its backend fails, stays where it went, and comes back to one that was only full."""

import asyncio
from typing import Any

import pytest

from adwright_generator.backends.base import BackendBusy, BackendUnavailable, Chunk, Finish, StopReason, Switch
from adwright_generator.policy.dispatcher import Dispatcher, Limits

END = Finish(StopReason.STOP)
GONE = BackendUnavailable("gone")


async def read(seat: Any, request: Any) -> tuple[str, list[str]]:
    text, switched = b"", []
    async for event in seat.generate(request):
        if isinstance(event, Chunk):
            text += event.data
        elif isinstance(event, Switch):
            switched.append(f"{event.source} to {event.target}: {event.reason}")
    return text.decode(), switched


async def test_it_moves_on_and_stays_there(played: Any, job: Any, request_of: Any) -> None:
    first, second = played("a", [b"one ", GONE]), played("b", [b"two", END], [b"three", END])
    dispatcher = Dispatcher([first, second])
    async with dispatcher.admit(job()) as lease, lease.seat() as seat:
        assert await read(seat, request_of()) == ("one two", ["a to b: unavailable"])
        assert seat.info.name == "b"
        assert await read(seat, request_of()) == ("three", [])
    assert len(first.requests) == 1
    assert [dispatcher.predicted_wait(b) for b in (first, second)] == [0, 0]


async def test_it_gives_up_the_slot_of_the_backend_it_leaves(played: Any, job: Any, request_of: Any) -> None:
    first = played("a", [GONE], [b"other", END], max_concurrency=1)
    second = played("b", [b"x", asyncio.Event().wait], max_concurrency=1)
    dispatcher = Dispatcher([first, second])
    async with dispatcher.admit(job()) as lease, lease.seat() as seat:
        events = seat.generate(request_of())
        assert isinstance(await anext(events), Switch)
        async with dispatcher.admit(job()) as other:
            assert other.info.name == "a"
        await events.aclose()


async def test_residency_holds_when_it_moves(played: Any, job: Any, request_of: Any) -> None:
    abroad = played("b", [b"never", END], residency="us")
    dispatcher = Dispatcher([played("a", [b"x", GONE], residency="eu"), abroad])
    async with dispatcher.admit(job(residencies=frozenset({"eu"}))) as lease, lease.seat() as seat:
        with pytest.raises(BackendUnavailable):
            await read(seat, request_of())
    assert not abroad.requests


async def test_a_backend_that_was_asked_for_by_name_has_no_successor(played: Any, job: Any, request_of: Any) -> None:
    dispatcher = Dispatcher([played("a", [GONE]), played("b", [b"x", END])])
    async with dispatcher.admit(job(backend="a")) as lease, lease.seat() as seat:
        with pytest.raises(BackendUnavailable):
            await read(seat, request_of())


async def test_one_that_was_only_full_is_asked_again_after_the_time_it_said(
    played: Any, job: Any, request_of: Any
) -> None:
    only = played("a", [BackendBusy("full", retry_after=0.1)], [b"x", END])
    dispatcher = Dispatcher([only])
    async with dispatcher.admit(job()) as lease, lease.seat() as seat:
        assert await read(seat, request_of()) == ("x", ["a to a: overloaded"])


async def test_one_that_stays_full_is_said_to_be_full_in_the_end(played: Any, job: Any, request_of: Any) -> None:
    only = played("a", *([[BackendBusy("full", retry_after=0.05)]] * 100))
    dispatcher = Dispatcher([only], Limits(max_wait=0.4))
    async with dispatcher.admit(job()) as lease, lease.seat() as seat:
        with pytest.raises(BackendBusy):
            await read(seat, request_of())
    assert 1 < len(only.requests) < 10


async def test_a_refusal_keeps_newcomers_away_for_a_while(played: Any, job: Any, request_of: Any) -> None:
    full, other = played("a", [BackendBusy("full", retry_after=30.0)]), played("b", [b"x", END])
    dispatcher = Dispatcher([full, other])
    async with dispatcher.admit(job()) as lease, lease.seat() as seat:
        assert await read(seat, request_of()) == ("x", ["a to b: overloaded"])
    async with dispatcher.admit(job()) as lease:
        assert lease.info.name == "b"
    assert dispatcher.predicted_wait(full) > 20


async def test_leaving_in_the_middle_gives_everything_back(played: Any, job: Any, request_of: Any) -> None:
    backend = played("a", [b"x", asyncio.Event().wait], max_concurrency=1)
    dispatcher = Dispatcher([backend])

    async def generation() -> None:
        async with dispatcher.admit(job()) as lease, lease.seat() as seat:
            await read(seat, request_of())

    task = asyncio.create_task(generation())
    await asyncio.sleep(0.01)
    assert backend.running == 1
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert backend.running == 0
    assert dispatcher.predicted_wait(backend) == 0


async def test_a_call_that_ran_for_long_has_the_same_patience(played: Any, job: Any, request_of: Any) -> None:
    async def long() -> None:
        await asyncio.sleep(0.4)

    first = played("a", [b"one ", long, GONE])
    second = played("b", [b"two", END], max_concurrency=1)
    dispatcher = Dispatcher([first, second], Limits(max_wait=0.3))

    async def busy() -> None:
        async with dispatcher.admit(job(backend="b")):
            await asyncio.sleep(0.5)

    other = asyncio.create_task(busy())
    async with dispatcher.admit(job()) as lease, lease.seat() as seat:
        assert (await read(seat, request_of()))[0] == "one two"
    await other


async def test_the_seat_of_a_variant_that_failed_is_not_given_to_the_next(
    played: Any, job: Any, request_of: Any
) -> None:
    only = played("a", [GONE], [b"x", END], max_concurrency=1)
    dispatcher = Dispatcher([only])

    async def variant(lease: Any) -> None:
        async with lease.seat() as seat:
            await read(seat, request_of())

    async with dispatcher.admit(job(variant_count=2)) as lease:
        with pytest.raises(BackendUnavailable):
            await variant(lease)
        waiting = asyncio.create_task(variant(lease))
        await asyncio.sleep(0.01)
        assert not waiting.done()
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
    assert len(only.requests) == 1
