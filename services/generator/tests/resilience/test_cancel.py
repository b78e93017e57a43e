"""Whoever leaves frees what they held: the connection to the model server, the slot; and what was used is counted."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest
from resilience.conftest import TEXT, Door, Seen, api, later, opened, tgi, until, wanting

from adwright_generator.backends.fake_openai import FakeOpenAI, OpenAIScript
from adwright_generator.backends.fake_openai import Fault as ApiFault
from adwright_generator.backends.fake_tgi import FakeTgi, Fault, TgiScript

SAID = "Nordlys keeps you warm all night long."

KINDS = pytest.mark.parametrize("kind", ["tgi", "openai"])
MOMENTS = pytest.mark.parametrize("tokens", [0, 4], ids=["before the first token", "in the middle"])

Server = FakeTgi | FakeOpenAI


@asynccontextmanager
async def hanging(kind: str, tokens: int, count: int = 1) -> AsyncIterator[tuple[Server, dict[str, Any]]]:
    """A model server that says so many tokens of each of the first `count` answers, and no more; and its entry."""
    server: Server
    if kind == "tgi":
        server = FakeTgi([TgiScript(SAID, tokens=(3,), fault=Fault.STALL, at=tokens)] * count)
    else:
        server = FakeOpenAI([OpenAIScript(SAID, chunk_characters=(3,), fault=ApiFault.STALL, at=tokens)] * count)
    async with server:
        price = {"usd_per_mtok_in": 1_000_000, "usd_per_mtok_out": 2_000_000}
        entry = tgi(server) if isinstance(server, FakeTgi) else api(server)
        yield server, entry | {"name": kind, "max_concurrency": count, "price": price}


async def is_free(door: Door, name: str) -> bool:
    """Whether nothing is in flight, and a new request would have its turn at once."""
    status = await door.status(name)
    return bool(status.in_flight == 0 and status.state == status.STATE_READY)


async def hold_accounts(door: Door, kind: str, tokens: int) -> None:
    """What was read and written until then is on the bill, as an estimate: the server did not come to count it."""
    spent = (await door.status(kind)).spend
    assert (spent.model_calls, spent.output_tokens, spent.estimated) == (1, tokens, True)
    assert spent.input_tokens > 20
    assert spent.cost.units == spent.input_tokens + 2 * tokens


@KINDS
@MOMENTS
async def test_a_caller_who_leaves(ask: Any, kind: str, tokens: int) -> None:
    async with hanging(kind, tokens) as (server, entry), opened(entry) as door:
        call = door.begin(wanting(ask))
        seen = Seen()
        reading = asyncio.create_task(door.follow(call, seen))
        await until(lambda: server.calls and len("".join(seen.texts().values())) == 3 * tokens)
        assert (await door.status(kind)).in_flight == 1
        assert not server.calls[0].closed_early
        call.cancel()
        await until(lambda: server.calls[0].closed_early)
        await until(lambda: is_free(door, kind))
        await hold_accounts(door, kind, tokens)
        # There is one slot, and it is there for the next one.
        (await door.write(wanting(ask))).completed()
    await asyncio.gather(reading, return_exceptions=True)
    assert not server.calls[0].finished
    assert len(server.calls) == 2


@KINDS
@MOMENTS
async def test_a_deadline_that_passes(ask: Any, kind: str, tokens: int) -> None:
    async with hanging(kind, tokens) as (server, entry), opened(entry) as door:
        seen = await door.write(wanting(ask), timeout=0.6)
        seen.failed(grpc.StatusCode.DEADLINE_EXCEEDED, "DEADLINE_TOO_SHORT")
        await until(lambda: server.calls[0].closed_early)
        await until(lambda: is_free(door, kind))
        await hold_accounts(door, kind, tokens)
        (await door.write(wanting(ask))).completed()
    assert len("".join(seen.texts().values())) == 3 * tokens


@KINDS
async def test_all_variants_are_left_together(ask: Any, kind: str) -> None:
    async with hanging(kind, 4, count=4) as (server, entry), opened(entry) as door:
        call = door.begin(wanting(ask, variant_count=4))
        reading = asyncio.create_task(door.follow(call, Seen()))
        await until(lambda: len(server.calls) == 4)
        call.cancel()
        await until(lambda: all(one.closed_early for one in server.calls))
        await until(lambda: is_free(door, kind))
        assert (await door.status(kind)).spend.model_calls == 4
    await asyncio.gather(reading, return_exceptions=True)


async def test_one_that_fails_leaves_the_other_variants_connections_closed(ask: Any) -> None:
    wrong = TgiScript(TEXT, fault=Fault.VALIDATION, at=0)
    stall = TgiScript(TEXT, fault=Fault.STALL, at=1)
    async with FakeTgi([stall, stall, wrong]) as server, opened(tgi(server)) as door:
        seen = await door.write(wanting(ask, variant_count=3))
        seen.failed(grpc.StatusCode.INVALID_ARGUMENT, "BACKEND_REJECTED")
        await until(lambda: [call.closed_early for call in server.calls].count(True) == 2)
        await until(lambda: is_free(door, "tgi"))


@KINDS
async def test_a_caller_who_leaves_after_a_switch(ask: Any, kind: str) -> None:
    async with (
        FakeTgi([TgiScript(TEXT, fault=Fault.RESET, at=0)]) as first,
        hanging(kind, 4) as (second, entry),
    ):
        async with opened(tgi(first) | {"name": "first"}, entry) as door:
            call = door.begin(wanting(ask))
            seen = Seen()
            reading = asyncio.create_task(door.follow(call, seen))
            await until(lambda: len("".join(seen.texts().values())) == 12)
            call.cancel()
            await until(lambda: second.calls[0].closed_early)
            await until(lambda: is_free(door, kind))
            await until(lambda: is_free(door, "first"))
            await hold_accounts(door, kind, 4)
        await asyncio.gather(reading, return_exceptions=True)


async def test_a_replica_that_is_left_for_another_is_hung_up_on(ask: Any) -> None:
    """One that stalls would go on with the work that somebody else has taken over."""
    async with FakeTgi([TgiScript(TEXT, fault=Fault.STALL, at=3)]) as first, FakeTgi([TgiScript(TEXT)]) as second:
        timeouts = {"first_token_timeout": 60, "stall_timeout": 0.2}
        async with opened(tgi(first, later(second), **timeouts)) as door:
            (await door.write(wanting(ask))).completed()
            await until(lambda: first.calls[0].closed_early)
            assert (await door.status("tgi")).in_flight == 0


async def test_a_caller_who_leaves_the_queue_is_not_served(ask: Any) -> None:
    async with hanging("tgi", 1) as (server, entry), opened(entry) as door:
        first = door.begin(wanting(ask))
        reading = asyncio.create_task(door.follow(first, Seen()))
        await until(lambda: server.calls)
        waiting = door.begin(wanting(ask, brief="of-one-who-left"))
        queueing = asyncio.create_task(door.follow(waiting, Seen()))

        async def waits(count: int) -> bool:
            return bool((await door.status()).waiting == count)

        await until(lambda: waits(1))
        waiting.cancel()
        await until(lambda: waits(0))
        first.cancel()
        await until(lambda: is_free(door, "tgi"))
        (await door.write(wanting(ask))).completed()
        await asyncio.gather(reading, queueing, return_exceptions=True)
    assert not [call for call in server.calls if "of-one-who-left" in str(getattr(call, "body", ""))]
    assert len(server.calls) == 2


async def test_a_caller_who_leaves_while_its_backend_is_left_alone(ask: Any) -> None:
    """It holds no slot then, and must not give one back."""
    async with (
        FakeTgi([TgiScript(SAID, fault=Fault.OVERLOADED, at=2)]) as server,
        opened(tgi(server, max_concurrency=1)) as door,
    ):
        call = door.begin(wanting(ask))
        seen = Seen()
        reading = asyncio.create_task(door.follow(call, seen))
        await until(lambda: seen.texts())
        call.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        await until(lambda: is_free(door, "tgi"))
        await asyncio.gather(*[door.write(wanting(ask)) for _ in range(4)])
        await until(lambda: is_free(door, "tgi"))
        assert (await door.status("tgi")).spend.model_calls == 5
    assert len(server.calls) == 5


@KINDS
async def test_many_who_come_and_go_leave_nothing_behind(ask: Any, kind: str) -> None:
    """Each leaves a little later than the one before, so somewhere in every step of a call."""
    count = 40
    async with hanging(kind, 4, count=count) as (server, entry), opened(entry | {"max_concurrency": 8}) as door:
        for number in range(count):
            call = door.begin(wanting(ask))
            reading = asyncio.create_task(door.follow(call, Seen()))
            await asyncio.sleep(number * 0.0006)
            call.cancel()
            await asyncio.gather(reading, return_exceptions=True)
        await until(lambda: is_free(door, kind))
        await until(lambda: server.in_flight == 0)
        assert (await door.status()).waiting == 0
        assert not any(one.finished for one in server.calls)
        begun = len(server.calls)
        # All eight slots are there.
        many = door.begin(wanting(ask, variant_count=8))
        ending = asyncio.create_task(door.follow(many, Seen()))
        await until(lambda: len(server.calls) == begun + 8)
        many.cancel()
        await asyncio.gather(ending, return_exceptions=True)
        await until(lambda: is_free(door, kind))
