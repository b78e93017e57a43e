"""Several replicas as one backend: by load, by name service, and after each other when they fail."""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Any

import pytest

from adwright_generator.backends.base import (
    BackendBusy,
    BackendInfo,
    BackendUnavailable,
    BreakerState,
    Chunk,
    Continuation,
    Finish,
    Resume,
    StopReason,
    Switch,
)
from adwright_generator.backends.discovery import Endpoint
from adwright_generator.policy.leaving import Leaving
from adwright_generator.policy.replicas import ReplicaSet

END = Finish(StopReason.STOP)


class Names:
    """A name service whose answer can be changed."""

    def __init__(self, *addresses: str) -> None:
        self.addresses: Sequence[str] | None = addresses

    async def __call__(self) -> list[Endpoint]:
        if self.addresses is None:
            raise BackendUnavailable("the name is gone")
        return [Endpoint("http://tgi:80", address, 80) for address in self.addresses]


@pytest.fixture
def replicas(played: Any) -> Any:
    """A running set of replicas; `calls` are what each does, by address."""

    @asynccontextmanager
    async def open_with(names: Names, calls: dict[str, list[Any]] | None = None) -> Any:
        made: dict[str, Any] = {}

        def make(endpoint: Endpoint) -> Any:
            plays = (calls or {}).get(endpoint.address, [])
            made[endpoint.address] = played("tgi", *plays, endpoint=endpoint.name)
            return made[endpoint.address]

        info = BackendInfo("tgi", "tgi", "m", max_concurrency=2, continuation=Continuation.EXACT)
        backend = ReplicaSet(info, names, make, resolve_every=0.02)
        await backend.start()
        try:
            yield backend, made
        finally:
            await backend.close()
        assert all(replica.closed for replica in made.values())

    return open_with


async def test_the_least_loaded_is_asked_and_equals_take_turns(replicas: Any, request_of: Any) -> None:
    async with replicas(Names("10.0.0.1", "10.0.0.2", "10.0.0.3")) as (backend, made):
        for _ in range(6):
            _ = [event async for event in backend.generate(request_of())]
        assert [len(replica.requests) for replica in made.values()] == [2, 2, 2]
        made["10.0.0.1"].running = 1
        made["10.0.0.2"].wait = 3.0
        for _ in range(3):
            _ = [event async for event in backend.generate(request_of())]
        assert [len(replica.requests) for replica in made.values()] == [2, 2, 5]


async def test_a_stream_goes_on_at_another_replica(replicas: Any, request_of: Any) -> None:
    broken = [[b"one ", BackendUnavailable("gone")]]
    calls = {"10.0.0.1": broken, "10.0.0.2": [[b"two", END]]}
    async with replicas(Names("10.0.0.1", "10.0.0.2"), calls) as (backend, made):
        made["10.0.0.2"].wait = 1.0
        events = [event async for event in backend.generate(request_of())]
    assert events == [Chunk(b"one "), Switch("tgi", "tgi", "unavailable", Resume.EXACT_PREFIX), Chunk(b"two"), END]
    assert made["10.0.0.2"].requests[0].prefix == "one "


async def test_one_that_has_just_refused_is_asked_last(replicas: Any, request_of: Any) -> None:
    calls = {"10.0.0.1": [[BackendBusy("full", retry_after=60.0)]]}
    async with replicas(Names("10.0.0.1", "10.0.0.2"), calls) as (backend, made):
        for _ in range(6):
            assert [event async for event in backend.generate(request_of())][-1] == END
        assert len(made["10.0.0.1"].requests) == 1
        made["10.0.0.2"].up = False
        assert [event async for event in backend.generate(request_of())] == [END]


async def test_each_replica_is_tried_once(replicas: Any, request_of: Any) -> None:
    gone = [[BackendUnavailable("gone")]] * 2
    async with replicas(Names("10.0.0.1", "10.0.0.2"), {"10.0.0.1": gone, "10.0.0.2": gone}) as (backend, made):
        with pytest.raises(BackendUnavailable):
            _ = [event async for event in backend.generate(request_of())]
        assert [len(replica.requests) for replica in made.values()] == [1, 1]


async def test_its_state_is_that_of_those_that_are_up(replicas: Any, request_of: Any) -> None:
    async with replicas(Names("10.0.0.1", "10.0.0.2")) as (backend, made):
        one, two = made.values()
        assert (backend.capacity, backend.ready, backend.breaker) == (4, True, BreakerState.CLOSED)
        one.wait, two.wait, two.running = 3.0, 1.0, 2
        assert (backend.predicted_wait, backend.in_flight) == (1.0, 2)
        two.up, two.state = False, BreakerState.OPEN
        assert (backend.capacity, backend.predicted_wait, backend.breaker) == (2, 3.0, BreakerState.CLOSED)
        one.running = 2
        with pytest.raises(BackendBusy):
            await anext(backend.generate(request_of()))
        one.up, one.state = False, BreakerState.OPEN
        assert (backend.ready, backend.breaker) == (False, BreakerState.OPEN)
        with pytest.raises(BackendUnavailable):
            await anext(backend.generate(request_of()))


async def eventually(condition: Any) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.005)


async def test_new_replicas_take_traffic_and_old_ones_end_what_they_have(replicas: Any, request_of: Any) -> None:
    names = Names("10.0.0.1")
    calls = {"10.0.0.1": [[b"one ", b"two", END]]}
    async with replicas(names, calls) as (backend, made):
        async with aclosing(backend.generate(request_of())) as events:
            assert await anext(events) == Chunk(b"one ")
            names.addresses = ["10.0.0.2"]
            await eventually(lambda: "10.0.0.2" in made)
            await eventually(lambda: [r.info.endpoint for r in backend.replicas] == ["10.0.0.2:80"])
            assert not made["10.0.0.1"].closed
            assert [event async for event in events] == [Chunk(b"two"), END]
        await eventually(lambda: made["10.0.0.1"].closed)


async def test_when_the_name_is_gone_those_that_are_known_stay(replicas: Any, request_of: Any) -> None:
    names = Names("10.0.0.1")
    async with replicas(names) as (backend, _):
        names.addresses = None
        await asyncio.sleep(0.06)
        assert [event async for event in backend.generate(request_of())] == [END]


async def test_a_name_that_is_not_there_yet_is_no_error(replicas: Any) -> None:
    names = Names()
    names.addresses = None
    async with replicas(names) as (backend, made):
        assert not backend.ready
        names.addresses = ["10.0.0.1"]
        await eventually(lambda: backend.ready)
        assert list(made) == ["10.0.0.1"]


async def test_one_that_does_not_start_leaves_the_others_alone(played: Any, request_of: Any) -> None:
    class Broken(played):  # type: ignore[misc]
        async def start(self) -> None:
            raise IndexError("odd")

    names, made = Names("10.0.0.1"), {}

    def make(endpoint: Endpoint) -> Any:
        kind = Broken if endpoint.address == "10.0.0.2" else played
        made[endpoint.address] = kind("tgi", endpoint=endpoint.name)
        return made[endpoint.address]

    backend = ReplicaSet(BackendInfo("tgi", "tgi", "m"), names, make, resolve_every=0.02)
    await backend.start()
    names.addresses = ["10.0.0.1", "10.0.0.2", "10.0.0.3"]
    await eventually(lambda: len(backend.replicas) == 2)
    await asyncio.sleep(0.05)
    assert [r.info.endpoint for r in backend.replicas] == ["10.0.0.1:80", "10.0.0.3:80"]
    assert made["10.0.0.2"].closed
    await backend.close()
    assert all(replica.closed for replica in made.values())


async def test_those_on_their_way_out_are_closed_at_once_with_the_rest(played: Any) -> None:
    backend, leaving = played("a"), Leaving()
    leaving.let_go(backend, lambda: True)
    await leaving.close()
    assert backend.closed
