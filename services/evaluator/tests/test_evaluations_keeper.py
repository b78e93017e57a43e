"""Who sees to runs: does so whatever happens on the way, and gives up what does not get on."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta

import pytest
from stores import Broken

from adwright_docstore import Store
from adwright_evaluator.app import Parts, open_parts
from adwright_evaluator.runs.keeper import Keeper
from adwright_evaluator.runs.plan import Choices, Plan
from adwright_evaluator.runs.records import EvaluationRecord, State
from adwright_evaluator.runs.session import Session, Sessions
from adwright_evaluator.runs.shard import LEASE, hold
from adwright_evaluator.settings import Settings
from adwright_resources.stores import utc_now
from adwright_servicekit.telemetry import Telemetry

FILES = {"s.yaml": b"prompts: ['{{n}}']\nproviders: [echo]\ntests: [{vars: {n: [a, b]}}]\n"}


@pytest.fixture
async def store(environ: dict[str, str]) -> AsyncIterator[Store]:
    async with await Settings.load(environ).place.open() as opened:
        yield opened


async def begun(parts: Parts) -> EvaluationRecord:
    now = utc_now()
    record = EvaluationRecord(
        id="e1",
        tenant="t",
        description="",
        main="s.yaml",
        choices=Choices(),
        prompts=({"id": "1", "label": "n", "template": "{{n}}"},),
        providers=("echo",),
        case_count=2,
        cell_count=2,
        shards=1,
        create_time=now,
        expire_time=now + timedelta(days=1),
    )
    return await parts.evaluations.create(record, FILES)


async def ended(parts: Parts, record: EvaluationRecord) -> EvaluationRecord:
    async with asyncio.timeout(20):
        while not (now := await parts.evaluations.get(record.tenant, record.id)).settled:
            parts.keeper.look()
            await asyncio.sleep(0.02)
    return now


async def test_a_look_that_breaks_is_not_the_last_one(environ: dict[str, str], store: Store) -> None:
    broken = Broken(store, end="open-runs", times=0)
    async with open_parts(Settings.load(environ), Telemetry("test"), store=broken) as parts:
        record = await begun(parts)
        broken.times = 3
        parts.keeper.begin()
        assert (await ended(parts, record)).state is State.SUCCEEDED
        await parts.keeper.close()
    assert broken.times == 0


async def test_a_shard_that_never_gets_on_ends_its_run_with_the_reason(environ: dict[str, str], store: Store) -> None:
    broken = Broken(store, end="#rows", times=1_000_000)
    start = utc_now()
    # The pauses between tries pass in no time.
    clock = lambda: start + 50 * (utc_now() - start)  # noqa: E731
    async with open_parts(Settings.load(environ), Telemetry("test"), store=broken, now=clock) as parts:
        record = await begun(parts)
        parts.keeper.begin()
        async with asyncio.timeout(20):
            while (now := await parts.evaluations.get("t", "e1")).state is State.RUNNING:
                parts.keeper.look()
                await asyncio.sleep(0.02)
        broken.times = 0
        now = await ended(parts, record)
        await parts.keeper.close()
    assert now.state is State.CANCELLED
    assert "failed 5 times: " in now.warnings[-1]


async def test_a_shard_whose_process_ends_each_time_ends_its_run(environ: dict[str, str], store: Store) -> None:
    tries = 0
    clock = lambda: utc_now() + tries * timedelta(seconds=LEASE + 1)  # noqa: E731
    async with open_parts(Settings.load(environ), Telemetry("test"), store=store, now=clock) as parts:
        record = await begun(parts)
        for tries in range(5):
            assert await hold(parts.evaluations, record, 0, f"elsewhere-{tries}-x") is not None
        tries += 1
        assert await parts.keeper.run_one("t", "e1", 0) is State.CANCELLED
        assert "its process ended" in (await parts.evaluations.get("t", "e1")).warnings[-1]


class _SlowReading:
    """Sessions that take as long to read a suite as a lease lasts, and longer: until it has been renewed."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def plan(self, files: Mapping[str, bytes], main: str, choices: Choices) -> Plan:
        record = await self._parts.evaluations.get("t", "e1")
        taken = (await self._parts.evaluations.shards(record))[0].version
        while (await self._parts.evaluations.shards(record))[0].version == taken:  # noqa: ASYNC110 - it is in the store
            await asyncio.sleep(0.05)
        return await self._parts.sessions.plan(files, main, choices)

    async def open(self, tenant: str, plan: Plan, files: Mapping[str, bytes], shard: int = 0) -> Session:
        return await self._parts.sessions.open(tenant, plan, files, shard)


async def test_a_lease_is_kept_while_the_suite_is_read(environ: dict[str, str], store: Store) -> None:
    async with open_parts(Settings.load(environ), Telemetry("test"), store=store) as parts:
        await begun(parts)
        sessions: Sessions = _SlowReading(parts)  # type: ignore[assignment]
        keeper = Keeper(parts.evaluations, sessions, most=1)
        async with asyncio.timeout(20):
            assert await keeper.run_one("t", "e1", 0) is State.SUCCEEDED


async def test_a_keeper_that_is_called_at_the_moment_it_closes_closes(environ: dict[str, str]) -> None:
    async with open_parts(Settings.load(environ), Telemetry("test")) as parts:
        parts.keeper.begin()
        await asyncio.sleep(0.2)
        parts.keeper.look()
        # Let the call reach the one who waits for it, which is told to end in the same turn of the loop.
        await asyncio.sleep(0)
        await asyncio.wait_for(parts.keeper.close(), 10)
