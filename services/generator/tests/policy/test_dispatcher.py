"""Who gets which backend: spill by predicted wait, waiting in bounds, and nothing is lost."""

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from policy.conftest import Played

from adwright_checks import load_formats
from adwright_generator.backends.base import BackendBusy, BackendUnavailable, BreakerState
from adwright_generator.policy.dispatcher import Dispatcher, Limits
from adwright_generator.policy.waiting import Priority
from adwright_servicekit.errors import FailedPrecondition, NotFound


async def name_of(dispatcher: Dispatcher, job: Any) -> str:
    async with dispatcher.admit(job) as lease:
        return str(lease.info.name)


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_the_first_in_order_is_taken_while_it_is_free(played: Any, job: Any) -> None:
    dispatcher = Dispatcher([played("tgi"), played("api")])
    async with dispatcher.admit(job()), dispatcher.admit(job()) as second:
        assert second.info.name == "tgi"


async def test_a_long_wait_sends_the_request_to_the_next(played: Any, job: Any) -> None:
    tgi = played("tgi")
    dispatcher = Dispatcher([tgi, played("api")], Limits(max_predicted_wait=2))
    tgi.wait = 1.9
    assert await name_of(dispatcher, job()) == "tgi"
    tgi.wait = 2.1
    assert await name_of(dispatcher, job()) == "api"
    tgi.wait = 0.0
    assert await name_of(dispatcher, job()) == "tgi"


async def test_a_full_backend_that_will_be_free_soon_is_waited_for(played: Any, job: Any, clock: Any) -> None:
    dispatcher = Dispatcher([played("tgi", max_concurrency=1), played("api")], now=clock)
    async with AsyncExitStack() as stack:
        for _ in range(30):  # Generations of 0.1 s each.
            async with dispatcher.admit(job()):
                clock.forward(0.1)
        await stack.enter_async_context(dispatcher.admit(job()))
        waiting = asyncio.create_task(name_of(dispatcher, job()))
        await settle()
        assert not waiting.done()
    assert await waiting == "tgi"


async def test_a_full_backend_whose_generations_take_long_is_not_waited_for(played: Any, job: Any) -> None:
    dispatcher = Dispatcher([played("tgi", max_concurrency=1), played("api")])
    async with dispatcher.admit(job()):
        assert await name_of(dispatcher, job()) == "api"


async def test_a_batch_waits_for_its_first_choice_while_interactive_passes(played: Any, job: Any) -> None:
    tgi = played("tgi", max_concurrency=1)
    dispatcher = Dispatcher([tgi, played("api", max_concurrency=1)])
    batch = job(priority=Priority.BATCH)
    async with dispatcher.admit(job()):
        waiting = asyncio.create_task(name_of(dispatcher, batch))
        await settle()
        assert await name_of(dispatcher, job()) == "api"
        assert not waiting.done()
    assert await waiting == "tgi"


async def test_a_batch_does_not_wait_for_one_that_is_down(played: Any, job: Any) -> None:
    tgi = played("tgi")
    tgi.up = False
    assert await name_of(Dispatcher([tgi, played("api")]), job(priority=Priority.BATCH)) == "api"


async def test_data_that_must_stay_waits_and_is_told_when_to_come_back(played: Any, job: Any) -> None:
    tgi, api = played("tgi", residency="self_hosted"), played("api", residency="us")
    tgi.wait = 30.0
    dispatcher = Dispatcher([tgi, api], Limits(max_wait=0.2))
    with pytest.raises(BackendBusy) as caught:
        await name_of(dispatcher, job(residencies=frozenset({"self_hosted"})))
    assert caught.value.retry_after == 30.0
    assert dispatcher.waiting == 0


async def test_who_waits_begins_when_the_queue_of_the_server_is_short_again(played: Any, job: Any) -> None:
    tgi = played("tgi")
    tgi.wait = 30.0
    dispatcher = Dispatcher([tgi])
    waiting = asyncio.create_task(name_of(dispatcher, job()))
    await asyncio.sleep(0.1)
    assert not waiting.done()
    tgi.wait = 0.5
    assert await waiting == "tgi"


async def test_the_deadline_bounds_the_wait(played: Any, job: Any, clock: Any) -> None:
    tgi = played("tgi")
    tgi.wait = 30.0
    with pytest.raises(BackendBusy):
        await name_of(Dispatcher([tgi], Limits(max_wait=3600), now=clock), job(deadline=clock() + 0.15))


async def test_too_many_are_refused_at_once(played: Any, job: Any) -> None:
    dispatcher = Dispatcher([played("tgi", max_concurrency=1)], Limits(max_waiting=1))
    async with dispatcher.admit(job()):
        waiting = asyncio.create_task(name_of(dispatcher, job()))
        await settle()
        with pytest.raises(BackendBusy, match="1 generations wait already"):
            await name_of(dispatcher, job())
    assert await waiting == "tgi"


async def test_nobody_up_is_said_at_once_also_to_those_who_wait(played: Any, job: Any) -> None:
    tgi = played("tgi", max_concurrency=1)
    dispatcher = Dispatcher([tgi])
    async with dispatcher.admit(job()):
        waiting = asyncio.create_task(name_of(dispatcher, job()))
        await settle()
        tgi.up = False
        with pytest.raises(BackendUnavailable):
            await waiting
        with pytest.raises(BackendUnavailable):
            await name_of(dispatcher, job())


async def test_eligible_is_who_may_see_the_data_and_can_do_it(played: Any, job: Any) -> None:
    plain = played("plain", residency="us")
    able = played("able", residency="eu", constrained_output=True, adapters=frozenset({"north"}))
    dispatcher = Dispatcher([plain, able])
    json_format = load_formats()["google-rsa"]
    asked = {"format": json_format, "counts": json_format.counts({})}
    assert await name_of(dispatcher, job()) == "plain"
    assert await name_of(dispatcher, job(**asked)) == "able"
    assert await name_of(dispatcher, job(adapter="north")) == "able"
    assert await name_of(dispatcher, job(backend="able")) == "able"
    # Better asked for in words than not at all.
    assert await name_of(dispatcher, job(residencies=frozenset({"us"}), **asked)) == "plain"
    with pytest.raises(NotFound, match="north"):
        await name_of(dispatcher, job(adapter="south"))
    with pytest.raises(NotFound, match="plain, able"):
        await name_of(dispatcher, job(backend="nowhere"))
    with pytest.raises(FailedPrecondition, match="self_hosted only"):
        await name_of(dispatcher, job(residencies=frozenset({"self_hosted"})))


async def test_one_that_wants_more_than_there_is_gets_all_and_its_variants_take_turns(played: Any, job: Any) -> None:
    dispatcher = Dispatcher([played("tgi", max_concurrency=2)])
    most = busy = 0

    async def variant(lease: Any) -> None:
        nonlocal most, busy
        async with lease.seat():
            busy += 1
            most = max(most, busy)
            await asyncio.sleep(0)
            busy -= 1

    async with dispatcher.admit(job(variant_count=8)) as lease:
        await asyncio.gather(*(variant(lease) for _ in range(8)))
    assert most == 2


async def test_other_backends_take_over_without_disturbing_what_runs(played: Any, job: Any) -> None:
    old, kept, new = played("old", max_concurrency=1), played("kept"), played("new")
    dispatcher = Dispatcher([old, kept])
    async with dispatcher.admit(job()) as lease:
        waiting = asyncio.create_task(name_of(dispatcher, job(backend="old")))
        await settle()
        [gone] = dispatcher.replace([new, kept], Limits())
        assert lease.info.name == "old"
        assert (gone.backend, gone.used) == (old, 1)
        assert await name_of(dispatcher, job()) == "new"
        with pytest.raises(NotFound):
            await waiting
    assert gone.used == 0


async def test_a_backend_on_trial_gets_a_single_variant_at_a_time(played: Any, job: Any) -> None:
    backend = played("a", max_concurrency=4)
    backend.state = BreakerState.HALF_OPEN
    dispatcher = Dispatcher([backend])
    seats = []

    async def variant(lease: Any) -> None:
        async with lease.seat() as seat:
            seats.append(seat)
            await asyncio.sleep(0)

    async with dispatcher.admit(job(variant_count=3)) as lease:
        await asyncio.gather(*(variant(lease) for _ in range(3)))
    assert len(seats) == 3
    assert len(set(seats)) == 1


async def test_what_need_not_wait_is_not_held_to_the_bound_of_those_who_do(played: Any, job: Any) -> None:
    dispatcher = Dispatcher([played("a", max_concurrency=1), played("b")], Limits(max_waiting=0))
    async with dispatcher.admit(job(backend="a")):
        with pytest.raises(BackendBusy):
            await name_of(dispatcher, job(backend="a"))
        assert await name_of(dispatcher, job(backend="b")) == "b"


Move = tuple[int, int, bool, bool]


@given(st.lists(st.tuples(st.integers(1, 5), st.integers(0, 5), st.booleans(), st.booleans()), max_size=25))
@settings(max_examples=150, deadline=None)
def test_the_limit_holds_and_all_slots_come_back_also_when_some_leave(moves: list[Move]) -> None:
    async def run() -> None:
        from adwright_checks.model import BrandRules
        from adwright_generator.job import Job

        backends = [Played("a", max_concurrency=3, residency="eu"), Played("b", max_concurrency=2)]
        dispatcher = Dispatcher(backends)
        inside = {"a": 0, "b": 0}
        plain = load_formats()["plain"]

        async def work(variants: int, ticks: int, only_a: bool) -> None:
            job = Job(
                generation="g",
                format=plain,
                counts={},
                language="en",
                brand=BrandRules(display_name="N"),
                variant_count=variants,
                residencies=frozenset({"eu"} if only_a else {}),
            )
            async with dispatcher.admit(job) as lease:
                name = lease.info.name
                taken = min(variants, 3 if name == "a" else 2)
                inside[name] += taken
                assert inside["a"] <= 3
                assert inside["b"] <= 2
                try:
                    for _ in range(ticks):
                        await asyncio.sleep(0)
                finally:
                    inside[name] -= taken

        tasks = []
        for variants, ticks, leaves, only_a in moves:
            task = asyncio.create_task(work(variants, ticks, only_a))
            tasks.append(task)
            await asyncio.sleep(0)
            if leaves:
                task.cancel()
        results = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 10)
        assert not [r for r in results if r is not None and not isinstance(r, asyncio.CancelledError)]
        assert dispatcher.waiting == 0
        assert [dispatcher.predicted_wait(backend) for backend in backends] == [0, 0]

    asyncio.run(run())
