"""Admission: in order, bounded, and nothing is lost when somebody leaves the queue."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adwright_generator.admission import Admission
from adwright_generator.backends.base import BackendBusy, BackendInfo


def _admission(capacity: int = 2, max_waiting: int = 64) -> Admission:
    return Admission(BackendInfo("b", "fake", "m", max_concurrency=capacity), max_waiting=max_waiting)


async def test_those_who_wait_come_in_the_order_in_which_they_came() -> None:
    admission, entered = _admission(1), []

    async def work(number: int) -> None:
        async with admission.admit(1):
            entered.append(number)
            await asyncio.sleep(0)

    await asyncio.gather(*(work(number) for number in range(10)))
    assert entered == list(range(10))


async def test_too_many_are_refused_at_once_and_those_inside_are_not_disturbed() -> None:
    admission = _admission(1, max_waiting=1)

    async def pass_through() -> None:
        async with admission.admit(1):
            pass

    async with admission.admit(1):
        waiting = asyncio.create_task(pass_through())
        await asyncio.sleep(0)
        with pytest.raises(BackendBusy):
            await pass_through()
    await waiting


async def test_one_that_wants_more_than_there_is_gets_all_there_is() -> None:
    async with _admission(2).admit(8):
        pass


@given(st.lists(st.tuples(st.integers(1, 5), st.integers(0, 5), st.booleans()), max_size=25), st.integers(1, 3))
@settings(max_examples=300, deadline=None)
def test_the_limit_holds_and_everybody_gets_a_turn_also_when_some_leave(
    jobs: list[tuple[int, int, bool]], capacity: int
) -> None:
    async def run() -> None:
        admission, inside, done = _admission(capacity), 0, 0

        async def work(variants: int, ticks: int) -> None:
            nonlocal inside, done
            async with admission.admit(variants):
                inside += min(variants, capacity)
                assert inside <= capacity
                try:
                    for _ in range(ticks):
                        await asyncio.sleep(0)
                finally:
                    inside -= min(variants, capacity)
            done += 1

        tasks = []
        for variants, ticks, leaves in jobs:
            task = asyncio.create_task(work(variants, ticks))
            tasks.append((task, leaves))
            await asyncio.sleep(0)
            if leaves:
                task.cancel()
        await asyncio.wait_for(asyncio.gather(*(task for task, _ in tasks), return_exceptions=True), 5)
        assert done >= sum(not leaves for _, leaves in tasks)
        async with admission.admit(capacity):
            pass

    asyncio.run(run())
