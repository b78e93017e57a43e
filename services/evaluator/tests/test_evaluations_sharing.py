"""Runs that break or take their time: others go on, and the limits of a run hold over all its shards."""

import asyncio
import json
import time

import pytest
from evaluating import Evaluating, source
from grpc import StatusCode

from adwright.evaluator.v1 import evaluation_pb2 as pb
from adwright_servicekit.testing import as_tenant, expect_error

ON_EVERY_STORE = True

WORDS = "prompts: ['{{x}}']\nproviders: [echo]\n"


async def test_a_row_that_cannot_be_kept_is_an_error_and_the_others_are_kept(evaluating: Evaluating) -> None:
    many = "const n = {}; for (let i = 0; i < 40000; i++) n[Math.random().toString(36) + i] = Math.random(); "
    huge = json.dumps(many + "return output == 'b' ? {pass: true, score: 1, reason: 'r', namedScores: n} : true")
    run = await evaluating.run(
        f"{WORDS}tests: [{{vars: {{x: [a, b, c]}}, assert: [{{type: javascript, value: {huge}}}]}}]"
    )
    assert run.state == pb.Evaluation.STATE_SUCCEEDED
    assert (run.counts.done, run.counts.passed, run.counts.errors) == (3, 2, 1)
    assert "cannot be kept" in (await evaluating.cells(run.name))[1].error


async def test_what_breaks_while_a_cell_is_made_is_an_error_of_that_cell(evaluating: Evaluating) -> None:
    scripts = ["({pass: true, score: 1e308 * 1, reason: 'x'})", "1e308", "output.repeat(5e7)"]
    tests = [
        {"vars": {"x": "a"}, "assert": [{"type": "javascript", "value": scripts[0], "metric": "m"}] * 2},
        {"vars": {"x": "b"}, "assert": [{"type": "javascript", "value": scripts[1]}]},
        {"vars": {"x": "c"}, "options": {"transform": scripts[2]}},
        {"vars": {"x": "d"}, "assert": [{"type": "equals", "value": "d"}]},
    ]
    run = await evaluating.run(f"{WORDS}tests: {json.dumps(tests)}")
    assert run.state == pb.Evaluation.STATE_SUCCEEDED
    cells = await evaluating.cells(run.name)
    assert [cell.status for cell in cells] == [pb.CellResult.STATUS_ERROR] * 3 + [pb.CellResult.STATUS_PASSED]
    assert "not finite" in cells[0].error


@pytest.mark.parametrize("wishes", [{"ADWRIGHT_EVALUATOR_MAX_RUNS": "2"}], indirect=False)
async def test_a_tenant_with_many_runs_leaves_places_to_others(evaluating: Evaluating) -> None:
    names = ", ".join(f"n{number}" for number in range(200))
    slow = f"""
prompts: ["{{{{n}}}}"]
providers: [{{id: fake, config: {{delay: 0.1}}}}]
evaluateOptions: {{maxConcurrency: 1}}
tests: [{{vars: {{n: [{names}]}}}}]
"""
    for _ in range(3):
        await evaluating.begin(slow)
    other = as_tenant("zzz")
    await asyncio.sleep(0.5)
    operation = await evaluating.stub.RunEvaluation(
        pb.RunEvaluationRequest(source=source(f"{WORDS}tests: [{{vars: {{x: a}}}}]")), metadata=other
    )
    watch = pb.WatchEvaluationRequest(name=operation.name.replace("operations/evaluator-", "evaluations/"))
    async with asyncio.timeout(15):
        said = [now async for now in evaluating.stub.WatchEvaluation(watch, metadata=other)]
    assert said[-1].state == pb.Evaluation.STATE_SUCCEEDED


NAMES = ", ".join(f"n{number}" for number in range(90))
PAID = f"""
prompts: ["{{{{n}}}}"]
providers: [{{id: fake, config: {{output: good, cost: 0.01, delay: 0.01}}}}]
evaluateOptions: {{maxConcurrency: 3}}
tests: [{{vars: {{n: [{NAMES}]}}}}]
"""


async def test_a_budget_holds_over_all_shards(evaluating: Evaluating) -> None:
    run = await evaluating.run(PAID, shards=3, budget_usd=0.30)
    assert run.state == pb.Evaluation.STATE_OUT_OF_BUDGET
    # Each of the three seats may have had a call under way.
    assert 0.30 - 1e-9 <= run.counts.cost_usd <= 0.33 + 1e-9
    assert run.columns[0].scored == run.counts.done


async def test_calls_a_minute_hold_over_all_shards(evaluating: Evaluating) -> None:
    begun = time.monotonic()
    run = await evaluating.run(PAID, shards=3, requests_per_minute=600)
    assert run.counts.done == 90
    # A tenth of a minute's calls, 60, are free at once; 30 more come at 10 a second.
    assert time.monotonic() - begun > 2.5


async def test_calls_at_a_time_hold_over_all_shards(evaluating: Evaluating) -> None:
    begun = time.monotonic()
    run = await evaluating.run(PAID.replace("delay: 0.01", "delay: 0.05"), shards=3)
    assert run.counts.done == 90
    assert time.monotonic() - begun >= 90 * 0.05 / 3


async def test_slow_code_of_one_run_holds_up_no_call(evaluating: Evaluating) -> None:
    tests = [
        {"vars": {"x": f"{'a' * 60}b{number}"}, "assert": [{"type": kind, "value": value}]}
        for number in range(3)
        for kind, value in (("javascript", "(() => { while (true) {} })()"), ("regex", "^(a|a)+$"))
    ]
    answered = 0

    async def others() -> None:
        nonlocal answered
        while True:
            await evaluating.stub.ListEvaluations(pb.ListEvaluationsRequest(), metadata=as_tenant("other"))
            answered += 1
            await asyncio.sleep(0.02)

    asking = asyncio.create_task(others())
    run = await evaluating.run(f"{WORDS}tests: {json.dumps(tests)}")
    asking.cancel()
    assert run.counts.errors == 6
    assert answered > 12, "each of the six pieces of code takes a second until it is stopped"


async def test_a_pattern_of_cases_that_takes_for_ever_is_refused(evaluating: Evaluating) -> None:
    suite = f"{WORDS}tests: [{{description: {'a' * 60}b, vars: {{x: a}}}}]"
    async with expect_error(StatusCode.INVALID_ARGUMENT, "INVALID_INPUT"):
        await evaluating.run(suite, case_pattern="^(a|a)+$")
    assert (await evaluating.run(suite, case_pattern="^a+b$")).counts.done == 1


async def test_thousands_of_prompts_and_long_ones_are_told_as_they_are(evaluating: Evaluating) -> None:
    prompts = [f"p{number} {{{{x}}}}" for number in range(2500)]
    metrics = "[{type: contains, value: a, metric: one}, {type: contains, value: b, metric: two}]"
    run = await evaluating.run(
        f"prompts: {json.dumps(prompts)}\nproviders: [echo]\ntests: [{{vars: {{x: a}}, assert: {metrics}}}]"
    )
    assert run.state == pb.Evaluation.STATE_SUCCEEDED
    assert (len(run.columns), len(run.prompts), run.counts.done) == (2500, 2500, 2500)
    long = [f"p{number} " + "lorem ipsum " * 1400 for number in range(25)]
    run = await evaluating.run(f"prompts: {json.dumps(long)}\nproviders: [echo]\ntests: [{{vars: {{x: a}}}}]")
    assert run.prompts[24].template == long[24]
