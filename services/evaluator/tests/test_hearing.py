"""What people say of cells becomes part of the verdicts and of the run, through the real service."""

import asyncio

import pytest
from evaluating import TENANT, Evaluating

from adwright.evaluator.v1 import evaluation_pb2 as pb
from adwright.evaluator.v1 import label_pb2

ON_EVERY_STORE = True

SUITE = """
prompts: ["Say {{word}}"]
providers: [echo]
defaultTest:
  assert:
    - {type: human, threshold: 0.5}
    - {type: assert-set, assert: [{type: not-human, metric: dull, weight: 2}, {type: contains, value: Say}]}
tests: [{vars: {word: [light, heavy, warm]}}]
"""


async def label(
    evaluating: Evaluating, run: str, case: int, passed: bool, *, by: str = "ida", metric: str = ""
) -> None:
    said = label_pb2.Label(cell=label_pb2.CellKey(case=case), labeler=by, metric=metric, **{"pass": passed})
    await evaluating.stub.CreateLabels(label_pb2.CreateLabelsRequest(parent=run, labels=[said]), metadata=TENANT)


async def test_a_cell_waits_for_people_and_then_is_what_they_say(evaluating: Evaluating) -> None:
    run = await evaluating.run(SUITE)
    assert (run.counts.passed, run.columns[0].passed) == (3, 3)
    waiting = (await evaluating.cells(run.name))[0].assertions[0]
    assert (waiting.outcome, waiting.reason) == (pb.AssertionResult.OUTCOME_NOT_APPLICABLE, "waiting for a person")

    await label(evaluating, run.name, 1, False)
    heard = await evaluating.get(run.name)
    assert (heard.counts.passed, heard.counts.failed, heard.columns[0].passed) == (2, 1, 2)
    assert heard.end_time == run.end_time
    cell = (await evaluating.cells(run.name))[1]
    assert (cell.status, cell.score, cell.assertions[0].reason) == (
        pb.CellResult.STATUS_FAILED,
        0.5,
        "0 of 1 people pass it; their mean score is 0.00.",
    )

    await label(evaluating, run.name, 1, True, by="ola")
    await label(evaluating, run.name, 1, True, by="per")
    assert (await evaluating.get(run.name)).counts.passed == 3


async def test_labels_of_a_metric_are_heard_by_its_assertion_alone_and_not_turns_them(evaluating: Evaluating) -> None:
    run = await evaluating.run(SUITE)
    await label(evaluating, run.name, 0, True, metric="dull")
    cell = (await evaluating.cells(run.name))[0]
    assert [each.outcome for each in cell.assertions] == [
        pb.AssertionResult.OUTCOME_NOT_APPLICABLE,
        pb.AssertionResult.OUTCOME_SCORED,
    ]
    assert (cell.status, cell.assertions[1].score) == (pb.CellResult.STATUS_FAILED, pytest.approx(1 / 3))


async def test_many_people_at_once_are_all_heard(evaluating: Evaluating) -> None:
    run = await evaluating.run(SUITE)
    words = [label(evaluating, run.name, case, False, by=f"p{who}") for case in range(3) for who in range(4)]
    await asyncio.gather(*words)
    heard = await evaluating.get(run.name)
    assert (heard.counts.failed, heard.columns[0].passed) == (3, 0)
    said = [cell.assertions[0].reason for cell in await evaluating.cells(run.name)]
    assert said == ["0 of 4 people pass it; their mean score is 0.00."] * 3


async def test_labels_of_a_suite_that_asks_nobody_change_nothing(evaluating: Evaluating) -> None:
    run = await evaluating.run("prompts: [x]\nproviders: [echo]\ntests: [{assert: [{type: equals, value: x}]}]")
    before = await evaluating.get(run.name)
    await label(evaluating, run.name, 0, False)
    assert await evaluating.get(run.name) == before
