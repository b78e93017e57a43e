"""Runs whose process ends at any moment, that are stopped and gone on with, and that get in each other's way."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import grpc
import pytest
from evaluating import TENANT, Evaluating, source
from stores import Mortal

from adwright.evaluator.v1 import evaluation_pb2 as pb
from adwright_docstore import Store
from adwright_evaluator.app import open_evaluator, open_parts
from adwright_evaluator.model import Answer, CellResult, CellStatus
from adwright_evaluator.runs.plan import Choices
from adwright_evaluator.runs.records import OPEN_RUNS, EvaluationRecord, State
from adwright_evaluator.runs.shard import LEASE, DoneRow, ShardLost, hold
from adwright_evaluator.settings import Settings
from adwright_resources.stores import utc_now
from adwright_servicekit.channel import open_channel
from adwright_servicekit.telemetry import Telemetry

ON_EVERY_STORE = True

SUITE = """
prompts: ["{{n}}"]
providers: [echo]
tests: [{vars: {n: [a, b, c, d]}, assert: [{type: contains, value: a}]}]
"""


def later() -> datetime:
    """When the leases of who is gone have run out."""
    return utc_now() + timedelta(seconds=LEASE + 1)


@pytest.fixture
async def store(environ: dict[str, str]) -> AsyncIterator[Store]:
    async with await Settings.load(environ).place.open() as opened:
        yield opened


@asynccontextmanager
async def evaluator(
    environ: dict[str, str], store: Store, now: Callable[[], datetime] = utc_now
) -> AsyncIterator[Evaluating]:
    telemetry = Telemetry("test")
    async with (
        open_evaluator(Settings.load(environ), telemetry, store=store, now=now) as server,
        open_channel(server.address, telemetry) as channel,
    ):
        yield Evaluating(channel)


async def nothing_is_open(store: Store) -> bool:
    return [item async for item in store.query_all(OPEN_RUNS, consistent=True)] == []


async def test_a_run_ends_whichever_write_was_the_last_of_its_process(environ: dict[str, str], store: Store) -> None:
    for writes in itertools.count():
        mortal = Mortal(store, writes=writes)
        request = f"8a2b9a3e-7bd8-4f0c-9d0a-{writes:012d}"
        what = pb.RunEvaluationRequest(source=source(SUITE), options=pb.EvaluationOptions(shards=2), request_id=request)
        async with evaluator(environ, mortal) as dying:
            try:
                operation = await dying.stub.RunEvaluation(what, metadata=TENANT)
                await dying.ended(operation.name.replace("operations/evaluator-", "evaluations/"))
                # What follows the answer of a run that is over may still be under way.
                lived = not mortal.dead.is_set()
            except grpc.aio.AioRpcError:
                lived = False
        async with evaluator(environ, store, later) as living:
            operation = await living.stub.RunEvaluation(what, metadata=TENANT)
            name = operation.name.replace("operations/evaluator-", "evaluations/")
            whole = await asyncio.wait_for(living.ended(name), 20)
            assert (whole.state, whole.counts.done, whole.counts.passed) == (pb.Evaluation.STATE_SUCCEEDED, 4, 1), (
                writes
            )
            assert [column.scored for column in whole.columns] == [4], writes
        assert await nothing_is_open(store), writes
        if lived:
            break
    assert writes >= 6, "the run itself takes several writes, and each was the last once"


async def test_going_on_ends_too_whichever_write_was_the_last(environ: dict[str, str], store: Store) -> None:
    suite = """
prompts: ["{{n}}"]
providers: [{id: fake, config: {fail_from: 2, output: a}}]
tests: [{vars: {n: [a, b, c, d]}}]
"""
    async with evaluator(environ, store) as evaluating:
        run = await evaluating.run(suite, shards=2)
    for writes in range(8):
        mortal = Mortal(store, writes=writes)
        resume = pb.ResumeEvaluationRequest(name=run.name)
        async with evaluator(environ, mortal, later) as dying:
            with contextlib.suppress(grpc.aio.AioRpcError):
                await dying.stub.ResumeEvaluation(resume, metadata=TENANT)
                await dying.ended(run.name)
        async with evaluator(environ, store, lambda: later() + timedelta(seconds=LEASE)) as living:
            again = await asyncio.wait_for(living.ended(run.name), 20)
            assert (again.state, again.counts.done, again.counts.errors) == (pb.Evaluation.STATE_SUCCEEDED, 4, 2), (
                writes
            )
            assert len(again.columns) == 1, writes


async def test_a_run_that_is_stopped_is_settled_whichever_write_was_the_last(
    environ: dict[str, str], store: Store
) -> None:
    slow = SUITE.replace("[echo]", "[{id: fake, config: {delay: 0.2}}]")
    for extra in range(4):
        mortal = Mortal(store)
        async with evaluator(environ, mortal) as dying:
            name = await dying.begin(slow, max_concurrency=1)
            while (await dying.get(name)).counts.done < 1:  # noqa: ASYNC110 - it is on the other side of a socket
                await asyncio.sleep(0.02)
            # The cancellation itself is a write, and what follows it.
            mortal.left = mortal.writes + extra + 1
            await dying.cancel(name)
            await asyncio.sleep(0.3)
        async with evaluator(environ, store, later) as living:
            async with asyncio.timeout(20):
                while not (await living.get(name)).columns:  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
            stopped = await living.get(name)
            assert stopped.state != pb.Evaluation.STATE_RUNNING
            assert stopped.counts.done == len(await living.cells(name))
        assert await nothing_is_open(store)


async def test_a_run_that_is_cancelled_and_gone_on_with_at_once_ends(evaluating: Evaluating) -> None:
    names = ", ".join(f"n{number}" for number in range(300))
    suite = f"""
prompts: ["{{{{n}}}}"]
providers: [{{id: fake, config: {{delay: 0.08}}}}]
tests: [{{vars: {{n: [{names}]}}}}]
"""
    name = await evaluating.begin(suite, max_concurrency=10, shards=2)
    for share in (30, 60, 90):
        while (await evaluating.get(name)).counts.done < share:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        await evaluating.cancel(name)
        resumed = await evaluating.stub.ResumeEvaluation(pb.ResumeEvaluationRequest(name=name), metadata=TENANT)
        now = pb.Evaluation()
        resumed.metadata.Unpack(now)
        assert now.counts.done >= share, "what is done is not lost to sight"
    whole = await asyncio.wait_for(evaluating.ended(name), 30)
    assert (whole.state, whole.counts.done) == (pb.Evaluation.STATE_SUCCEEDED, 300)
    await asyncio.sleep(0.5)
    assert (await evaluating.get(name)).state == pb.Evaluation.STATE_SUCCEEDED, "no word of an earlier stop comes late"
    assert [cell.cell.case for cell in await evaluating.cells(name)] == list(range(300))


def cell(score: float) -> CellResult:
    return CellResult(0, 0, 0, 0, CellStatus.PASSED, score, Answer("x"), "p", {})


async def test_who_held_a_shard_before_its_run_was_gone_on_with_writes_nothing_more(
    environ: dict[str, str], store: Store
) -> None:
    async with open_parts(Settings.load(environ), Telemetry("test"), store=store) as parts:
        evaluations, now = parts.evaluations, utc_now()
        record = EvaluationRecord("e1", "t", "", "m", Choices(), (), ("p",), 2, 2, 1, now, now + timedelta(days=1))
        record = await evaluations.create(record, {"m": b""})
        old = await hold(evaluations, record, 0, "host-a-1")
        assert old is not None
        await old.renew()
        await evaluations.stop("t", "e1")
        record = await evaluations.reopen("t", "e1", 0)
        new = await hold(evaluations, record, 0, "host-b-2")
        assert new is not None, "a lease of before does not count"
        await new.renew()
        with pytest.raises(ShardLost):
            await old.append([DoneRow("000000#0000", [cell(0.1)])])
        await new.append([DoneRow("000000#0000", [cell(1.0)])])
        assert [each.score async for cells in evaluations.told(record) for each in cells] == [1.0]


async def test_a_run_that_was_stopped_since_it_was_read_is_not_taken(environ: dict[str, str], store: Store) -> None:
    async with open_parts(Settings.load(environ), Telemetry("test"), store=store) as parts:
        evaluations, now = parts.evaluations, utc_now()
        record = EvaluationRecord("e1", "t", "", "m", Choices(), (), ("p",), 2, 2, 1, now, now + timedelta(days=1))
        record = await evaluations.create(record, {"m": b""})
        stopped = await evaluations.stop("t", "e1")
        assert await hold(evaluations, record, 0, "host-a-1") is None
        assert stopped.state is State.CANCELLED
        await evaluations.reopen("t", "e1", 0)
        assert await hold(evaluations, stopped, 0, "host-a-1") is None
