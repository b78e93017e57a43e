"""A model server at its limit: what may go elsewhere goes, what may not waits its turn, and nobody is left in doubt."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any

import grpc
import pytest
from resilience.conftest import (
    TEXT,
    Door,
    Seen,
    api,
    later,
    opened,
    tgi,
    until,
    wanting,
)

from adwright.generator.v1 import generator_service_pb2 as pb
from adwright.type.v1 import priority_pb2
from adwright_generator.backends.fake_openai import FakeOpenAI, OpenAIScript
from adwright_generator.backends.fake_openai import Fault as ApiFault
from adwright_generator.backends.fake_tgi import FakeTgi, Fault, TgiScript

BATCH = {"priority": priority_pb2.PRIORITY_BATCH}
HOME = {"residencies": ["self_hosted"]}
HELD = TgiScript(TEXT, tokens=(3,), fault=Fault.STALL, at=2)
"""A generation that goes on until its caller leaves."""


def crowd(server: FakeTgi, queue: int = 12) -> None:
    """So many wait inside the server while 2 run: as long as none has ended, each is taken to need 2 s."""
    server.queue_size, server.batch_size = queue, 2


async def wait_for(door: Door, name: str, state: str) -> float:
    """Waits until a backend is in a state, and says how long that took."""
    begun = time.monotonic()

    async def reached() -> bool:
        return await door.state(name) == state

    await until(reached)
    return time.monotonic() - begun


async def first_to(door: Door, request: Any, backend: str) -> tuple[float, int]:
    """Sends requests until one is written by `backend`: the seconds until then, and how many others there were."""
    begun, others = time.monotonic(), 0
    while time.monotonic() - begun < 20:
        seen = await door.write(request)
        seen.completed()
        if seen.backend == backend:
            return time.monotonic() - begun, others
        others += 1
        await asyncio.sleep(0.02)
    raise AssertionError(f"nothing went to {backend}")


@asynccontextmanager
async def held(door: Door, request: Any, count: int) -> AsyncIterator[list[Seen]]:
    """So many generations that have begun and do not end, until they are left."""
    calls = [door.begin(request) for _ in range(count)]
    seen = [Seen() for _ in calls]
    reading = [asyncio.create_task(door.follow(call, one)) for call, one in zip(calls, seen, strict=True)]
    try:
        await until(lambda: all(one.texts() for one in seen))
        yield seen
    finally:
        for call in calls:
            call.cancel()
        await asyncio.gather(*reading, return_exceptions=True)


async def test_a_queue_that_grows_sends_new_requests_to_the_api_and_back(ask: Any, capsys: Any) -> None:
    async with (
        FakeTgi(max_concurrent=4, first_delay=0.1) as server,
        FakeOpenAI() as second,
        opened(tgi(server), api(second)) as door,
    ):
        assert (await door.write(wanting(ask))).backend == "tgi"
        # Each takes 0.1 s, and 2 run at a time: these would wait for 6 s.
        crowd(server, 120)
        there, _ = await first_to(door, wanting(ask), "api")
        busy = await door.status("tgi")
        assert (busy.state, busy.ready) == (pb.BackendStatus.STATE_BUSY, True)
        assert busy.predicted_wait.ToMilliseconds() > 2_000
        # It stays that way as long as the queue does.
        assert (await door.write(wanting(ask))).backend == "api"
        crowd(server, 0)
        back, _ = await first_to(door, wanting(ask), "tgi")
        assert (await door.status("tgi")).state == pb.BackendStatus.STATE_READY
    with capsys.disabled():
        print(f"\n  spilled after {there:.2f} s, back after {back:.2f} s", end="")


async def test_a_real_queue_inside_the_server_is_seen(ask: Any) -> None:
    """Not ours: those of other generators that share it."""
    async with (
        FakeTgi([HELD] * 6, max_batch=1) as server,
        FakeOpenAI() as second,
        opened(tgi(server, max_concurrency=6)) as others,
        opened(tgi(server), api(second)) as door,
    ):
        calls = [others.begin(wanting(ask)) for _ in range(6)]
        reading = [asyncio.create_task(others.follow(call, Seen())) for call in calls]
        await until(lambda: server.in_flight == 6)
        await wait_for(door, "tgi", "BUSY")
        assert (await door.write(wanting(ask))).backend == "api"
        for call in calls:
            call.cancel()
        await asyncio.gather(*reading, return_exceptions=True)
        await first_to(door, wanting(ask), "tgi")


async def test_all_slots_taken_send_new_requests_to_the_api(ask: Any) -> None:
    async with (
        FakeTgi([HELD, HELD]) as server,
        FakeOpenAI() as second,
        opened(tgi(server, max_concurrency=2), api(second)) as door,
    ):
        async with held(door, wanting(ask), 2):
            full = await door.status("tgi")
            assert (full.in_flight, full.max_concurrency) == (2, 2)
            assert full.state == pb.BackendStatus.STATE_BUSY
            assert [(await door.write(wanting(ask))).backend for _ in range(3)] == ["api"] * 3
        await wait_for(door, "tgi", "READY")
        assert (await door.write(wanting(ask))).backend == "tgi"


async def test_the_servers_own_limit_counts_where_it_is_lower(ask: Any) -> None:
    async with (
        FakeTgi([HELD], max_concurrent=1) as server,
        FakeOpenAI() as second,
        opened(tgi(server, max_concurrency=50), api(second)) as door,
        held(door, wanting(ask), 1),
    ):
        assert (await door.status("tgi")).max_concurrency == 1
        seen = await door.write(wanting(ask))
    # It is known to be full before it is asked.
    assert (seen.backend, seen.switches(), len(server.calls)) == ("api", [], 1)


async def test_data_that_stays_at_home_waits_and_is_told_at_its_deadline(ask: Any) -> None:
    async with FakeTgi() as server, FakeOpenAI() as second:
        crowd(server)
        async with opened(tgi(server), api(second)) as door:
            call = asyncio.create_task(door.write(wanting(ask, **HOME), timeout=1.0))

            async def waits() -> bool:
                return bool((await door.status()).waiting == 1)

            await until(waits)
            seen = await call
            assert (await door.status()).waiting == 0
    error = seen.failed(grpc.StatusCode.RESOURCE_EXHAUSTED, "BACKENDS_BUSY")
    assert error.retry_after is not None
    assert error.retry_after >= 1.0
    assert seen.events == []
    assert (server.calls, second.calls) == ([], [])


async def test_a_server_that_goes_on_refusing_is_said_to_be_full_at_the_deadline(ask: Any) -> None:
    async with FakeTgi([TgiScript(fault=Fault.OVERLOADED)] * 99) as server, opened(tgi(server)) as door:
        seen = await door.write(wanting(ask), timeout=1.6)
    error = seen.failed(grpc.StatusCode.RESOURCE_EXHAUSTED, "BACKENDS_BUSY")
    assert error.retry_after == 1.0
    # It is asked again when it has been left alone for the second that it gets.
    assert len(server.calls) == 2


async def test_data_that_stays_at_home_goes_when_there_is_room(ask: Any) -> None:
    async with FakeTgi([TgiScript(TEXT)]) as server, FakeOpenAI() as second:
        crowd(server)
        async with opened(tgi(server), api(second)) as door:
            waiting = asyncio.create_task(door.write(wanting(ask, **HOME)))
            # Others, who may go anywhere, do not wait behind it.
            assert (await door.write(wanting(ask))).backend == "api"
            assert not waiting.done()
            crowd(server, 0)
            seen = await waiting
    assert seen.backend == "tgi"
    assert seen.completed().ads[0].fields[0].text == TEXT
    assert len(second.calls) == 1


async def test_data_that_stays_at_home_does_not_move_when_its_backend_fails(ask: Any) -> None:
    async with (
        FakeTgi([TgiScript(TEXT, fault=Fault.RESET, at=5)]) as server,
        FakeOpenAI() as second,
        opened(tgi(server), api(second)) as door,
    ):
        seen = await door.write(wanting(ask, **HOME))
    seen.failed(grpc.StatusCode.UNAVAILABLE, "BACKEND_UNAVAILABLE")
    assert not second.calls


async def test_a_batch_waits_while_interactive_requests_pass(ask: Any) -> None:
    async with FakeTgi() as server, FakeOpenAI() as second:
        crowd(server)
        async with opened(tgi(server), api(second), queue={"max_wait": 60}) as door:
            batch = [asyncio.create_task(door.write(wanting(ask, **BATCH))) for _ in range(3)]

            async def wait() -> bool:
                return bool((await door.status()).waiting == 3)

            await until(wait)
            passed = [(await door.write(wanting(ask))).backend for _ in range(4)]
            assert passed == ["api"] * 4
            assert not any(task.done() for task in batch)
            crowd(server, 0)
            assert [(await task).backend for task in batch] == ["tgi"] * 3
    assert len(second.calls) == 4


async def test_interactive_requests_are_served_before_a_batch_that_came_first(ask: Any) -> None:
    async with (
        FakeTgi([HELD]) as server,
        opened(tgi(server, max_concurrency=1), queue={"max_wait": 60}) as door,
    ):
        async with held(door, wanting(ask), 1):
            later_ones = [asyncio.create_task(door.write(wanting(ask, brief="of-batch", **BATCH)))]
            await until(lambda: _waiting(door, 1))
            later_ones.append(asyncio.create_task(door.write(wanting(ask, brief="of-person"))))
            await until(lambda: _waiting(door, 2))
        for task in later_ones:
            (await task).completed()
    assert _served(server, "of-batch", "of-person") == ["of-person", "of-batch"]


async def test_tenants_share_the_wait_fairly_whatever_each_sends(ask: Any) -> None:
    """Ten requests of one for each of the other."""
    async with (
        FakeTgi([HELD]) as server,
        opened(tgi(server, max_concurrency=1), queue={"max_wait": 60}) as door,
    ):

        def send(tenant: str, count: int) -> list[asyncio.Task[Seen]]:
            request = wanting(ask, brief=f"of-{tenant}")
            return [asyncio.create_task(door.write(request, tenant=tenant)) for _ in range(count)]

        async with held(door, wanting(ask), 1):
            tasks = send("loud", 30)
            await until(lambda: _waiting(door, 30))
            tasks += send("quiet", 3)
            await until(lambda: _waiting(door, 33))
        for task in tasks:
            (await task).completed()
    order = _served(server, "of-loud", "of-quiet")
    assert (order.count("of-loud"), order.count("of-quiet")) == (30, 3)
    # One of each in turn: the quiet one is not behind thirty others.
    places = [place for place, tenant in enumerate(order) if tenant == "of-quiet"]
    assert max(places) <= 6, order
    assert all(after - before <= 2 for before, after in pairwise(places)), order


async def test_too_many_who_wait_are_refused_at_once_and_not_those_of_others(ask: Any) -> None:
    async with (
        FakeTgi([HELD]) as server,
        opened(tgi(server, max_concurrency=1), queue={"max_waiting": 4, "max_wait": 60}) as door,
    ):
        async with held(door, wanting(ask), 1):
            loud = [asyncio.create_task(door.write(wanting(ask), tenant="loud")) for _ in range(4)]
            await until(lambda: _waiting(door, 4))
            refused = await door.write(wanting(ask), tenant="loud")
            quiet = asyncio.create_task(door.write(wanting(ask), tenant="quiet"))
            await until(lambda: any(task.done() for task in loud))
        results = [await task for task in loud]
        (await quiet).completed()
    error = refused.failed(grpc.StatusCode.RESOURCE_EXHAUSTED, "BACKENDS_BUSY")
    assert error.retry_after
    assert [one.code for one in results].count(grpc.StatusCode.RESOURCE_EXHAUSTED) == 1


async def test_list_backends_tells_replicas_spend_and_what_is_in_flight(ask: Any) -> None:
    price = {"usd_per_mtok_in": 1_000_000, "usd_per_mtok_out": 2_000_000}
    async with FakeTgi([HELD], max_concurrent=3) as one, FakeTgi(max_concurrent=5) as two:
        crowd(later(two), 1)
        async with (
            FakeOpenAI([OpenAIScript(TEXT)]) as third,
            opened(tgi(one, two), api(third, price=price)) as door,
            held(door, wanting(ask), 1),
        ):
            listed = await door.status()
            (await door.write(wanting(ask, backend="api"))).completed()
            spent = (await door.status("api")).spend
    first, second = listed.backends
    assert (first.name, first.kind, first.model, first.residency) == ("tgi", "tgi", "fake", "self_hosted")
    assert (first.ready, first.in_flight, first.max_concurrency) == (True, 1, 8)
    assert (first.state, first.breaker) == (pb.BackendStatus.STATE_READY, pb.BackendStatus.BREAKER_CLOSED)
    assert [(r.endpoint, r.ready, r.in_flight) for r in first.replicas] == [
        (f"127.0.0.1:{one.port}", True, 1),
        (f"127.0.0.1:{two.port}", True, 0),
    ]
    assert [r.predicted_wait.ToMilliseconds() for r in first.replicas] == [0, 1_000]
    assert first.predicted_wait.ToMilliseconds() == 0
    assert (second.name, second.residency, second.in_flight, len(second.replicas)) == ("api", "us", 0, 0)
    assert (spent.model_calls, spent.estimated) == (1, False)
    assert spent.input_tokens > 0
    assert spent.output_tokens > 0
    assert spent.cost.units == spent.input_tokens + 2 * spent.output_tokens


async def test_list_backends_tells_who_is_down_and_who_is_broken(ask: Any) -> None:
    odd = OpenAIScript(fault=ApiFault.HTTP_500)
    breaker = {"failures": 3, "open_for": 1.0}
    async with (
        FakeTgi() as server,
        FakeOpenAI([odd] * 3) as second,
        opened(tgi(server), api(second), breaker=breaker) as door,
    ):
        await server.refuse()
        await wait_for(door, "tgi", "DOWN")
        down = await door.status("tgi")
        assert (down.ready, [replica.ready for replica in down.replicas]) == (False, [False])
        for _ in range(3):
            (await door.write(wanting(ask))).failed(grpc.StatusCode.INTERNAL, "BACKEND_FAILED")
        broken = await door.status("api")
        assert (broken.state, broken.ready) == (pb.BackendStatus.STATE_BROKEN, False)
        assert broken.breaker == pb.BackendStatus.BREAKER_OPEN
        assert broken.spend.model_calls == 3
        left = await door.write(wanting(ask))
        left.failed(grpc.StatusCode.UNAVAILABLE, "BACKEND_UNAVAILABLE")
        assert len(second.calls) == 3
        await server.listen()
        await wait_for(door, "tgi", "READY")
        assert (await door.write(wanting(ask))).backend == "tgi"
        # After a while a single request tries the broken one, and it is whole again.
        await wait_for(door, "api", "READY")
        assert (await door.status("api")).breaker == pb.BackendStatus.BREAKER_HALF_OPEN
        (await door.write(wanting(ask, backend="api"))).completed()
        assert (await door.status("api")).breaker == pb.BackendStatus.BREAKER_CLOSED


async def test_a_replica_that_fails_again_and_again_is_left_alone_and_the_backend_is_not(ask: Any) -> None:
    bad = TgiScript(TEXT, fault=Fault.HTTP_500)
    async with (
        FakeTgi([bad] * 99) as one,
        FakeTgi() as two,
        opened(tgi(one, later(two)), breaker={"failures": 3, "open_for": 60}) as door,
    ):
        for _ in range(6):
            (await door.write(wanting(ask))).completed()
        status = await door.status("tgi")
    assert (len(one.calls), len(two.calls)) == (3, 6)
    assert (status.state, status.breaker) == (pb.BackendStatus.STATE_READY, pb.BackendStatus.BREAKER_CLOSED)
    assert [(r.breaker, r.ready) for r in status.replicas] == [
        (pb.BackendStatus.BREAKER_OPEN, False),
        (pb.BackendStatus.BREAKER_CLOSED, True),
    ]


@pytest.mark.parametrize("full", ["in its stream", "with HTTP 429"])
async def test_one_that_refuses_is_left_alone_for_as_long_as_it_says(ask: Any, full: str) -> None:
    fault = Fault.OVERLOADED if full == "in its stream" else Fault.HTTP_429
    async with (
        FakeTgi([TgiScript(fault=fault)]) as server,
        FakeOpenAI() as second,
        opened(tgi(server), api(second)) as door,
    ):
        assert (await door.write(wanting(ask))).switches()[0][1:3] == ("api", "overloaded")
        after = await door.write(wanting(ask))
        status = await door.status("tgi")
        assert (after.backend, after.switches()) == ("api", [])
        assert status.state == pb.BackendStatus.STATE_BUSY
        assert 0 < status.predicted_wait.ToMilliseconds() <= (1_000 if full == "in its stream" else 2_000)
        await first_to(door, wanting(ask), "tgi")
    assert len(server.calls) == 2


async def _waiting(door: Door, count: int) -> bool:
    return bool((await door.status()).waiting == count)


def _served(server: FakeTgi, *briefs: str) -> list[str]:
    """The briefs of all calls that have one of them, in the order in which they came."""
    return [brief for call in server.calls for brief in briefs if brief in call.body["inputs"]]
