"""Suites run through the real service: what becomes of cells, and of runs that are stopped."""

import asyncio
import csv
import io
import json
import xml.etree.ElementTree as ElementTree

import grpc
import pytest
from evaluating import TENANT, Evaluating, source

from adwright.evaluator.v1 import evaluation_pb2 as pb
from adwright.evaluator.v1 import label_pb2, suite_pb2
from adwright_servicekit.testing import as_tenant, expect_error

ON_EVERY_STORE = True

SUITE = """
description: Words
prompts: ["Say {{word}}", "Tell me {{word}}!"]
providers: [echo]
tests:
  - vars: {word: [light, heavy, warm]}
    assert:
      - {type: contains, value: light, metric: lightness}
      - {type: icontains, value: say}
  - description: structured
    vars: {word: '{"a": 1}'}
    assert:
      - {type: contains-json, value: {type: object, required: [a]}}
      - {type: javascript, value: "output.length > 3"}
"""


async def test_each_cell_says_why(evaluating: Evaluating) -> None:
    run = await evaluating.run(SUITE)
    assert run.state == pb.Evaluation.STATE_SUCCEEDED
    assert (run.counts.cells, run.counts.done, run.counts.passed, run.counts.failed) == (8, 8, 3, 5)
    assert (run.description, [prompt.label for prompt in run.prompts]) == (
        "Words",
        ["Say {{word}}", "Tell me {{word}}!"],
    )
    cells = await evaluating.cells(run.name)
    assert [(cell.cell.case, cell.cell.prompt) for cell in cells] == [(c, p) for c in range(4) for p in range(2)]
    heavy = cells[2]
    assert (heavy.output, heavy.score, heavy.status) == ("Say heavy", 0.5, pb.CellResult.STATUS_FAILED)
    assert [(each.type, getattr(each, "pass"), each.metric) for each in heavy.assertions] == [
        ("contains", False, "lightness"),
        ("icontains", True, ""),
    ]
    assert "“light”" in heavy.assertions[0].reason
    assert cells[6].description == "structured"


async def test_columns_are_summed_up_with_intervals(evaluating: Evaluating) -> None:
    run = await evaluating.run(SUITE)
    say, tell = run.columns
    assert (say.prompt, say.passed, say.scored) == (0, 2, 4)
    assert 0 <= say.pass_rate.low < say.pass_rate.value < say.pass_rate.high <= 1
    assert say.metrics["lightness"].value == pytest.approx(1 / 3)
    assert tell.score.value == pytest.approx(3 / 8)


async def test_pages_of_results_and_only_those_that_failed(evaluating: Evaluating) -> None:
    run = await evaluating.run(SUITE)
    whole = await evaluating.cells(run.name)
    assert await evaluating.cells(run.name, page_size=2) == whole
    failed = await evaluating.cells(run.name, statuses=[pb.CellResult.STATUS_FAILED], page_size=1)
    assert failed == [cell for cell in whole if cell.status == pb.CellResult.STATUS_FAILED]


async def test_a_provider_that_goes_down_leaves_errors_and_no_zeros(evaluating: Evaluating) -> None:
    suite = """
prompts: ["{{n}}"]
providers: [{id: fake, config: {outputs: [good], fail_from: 2}}]
tests: [{vars: {n: ["1", "2", "3", "4"]}, assert: [{type: equals, value: good}]}]
"""
    run = await evaluating.run(suite)
    assert (run.counts.passed, run.counts.failed, run.counts.errors) == (2, 0, 2)
    [column] = run.columns
    assert (column.scored, column.pass_rate.value, column.errors) == (2, 1.0, 2)
    wrong = (await evaluating.cells(run.name))[3]
    assert wrong.status == pb.CellResult.STATUS_ERROR
    assert wrong.error.startswith("FAKE_DOWN: ")


async def test_a_run_stops_at_its_budget_and_goes_on_with_a_larger_one(evaluating: Evaluating) -> None:
    suite = """
prompts: ["{{n}}"]
providers: [{id: fake, config: {output: good, cost: 0.01}}]
tests: [{vars: {n: ["1", "2", "3", "4", "5", "6"]}}]
"""
    run = await evaluating.run(suite, budget_usd=0.03, max_concurrency=1)
    assert run.state == pb.Evaluation.STATE_OUT_OF_BUDGET
    assert (run.counts.done, round(run.counts.cost_usd, 4)) == (3, 0.03)
    await evaluating.stub.ResumeEvaluation(pb.ResumeEvaluationRequest(name=run.name, budget_usd=1.0), metadata=TENANT)
    whole = await evaluating.ended(run.name)
    assert (whole.state, whole.counts.done) == (pb.Evaluation.STATE_SUCCEEDED, 6)
    assert len(await evaluating.cells(run.name)) == 6


async def test_a_cancelled_run_keeps_what_is_done_and_goes_on(evaluating: Evaluating) -> None:
    suite = """
prompts: ["{{n}}"]
providers: [{id: fake, config: {output: good, delay: 0.1}}]
evaluateOptions: {maxConcurrency: 2}
tests: [{vars: {n: [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t]}}]
"""
    name = await evaluating.begin(suite)
    while (await evaluating.get(name)).counts.done < 2:  # noqa: ASYNC110 - it is on the other side of a socket
        await asyncio.sleep(0.02)
    await evaluating.cancel(name)
    stopped = await evaluating.ended(name)
    assert stopped.state == pb.Evaluation.STATE_CANCELLED
    await asyncio.sleep(0.5)
    kept = await evaluating.cells(name)
    assert 2 <= len(kept) < 20
    await evaluating.stub.ResumeEvaluation(pb.ResumeEvaluationRequest(name=name), metadata=TENANT)
    assert (await evaluating.ended(name)).counts.done == 20
    cells = await evaluating.cells(name)
    assert [cell.cell.case for cell in cells] == list(range(20))


async def test_shards_give_what_one_would(evaluating: Evaluating) -> None:
    one, several = await evaluating.run(SUITE), await evaluating.run(SUITE, shards=3)
    assert several.counts == one.counts
    assert several.columns == one.columns
    assert await evaluating.cells(several.name) == await evaluating.cells(one.name)


async def test_repeats_are_drawn_by_case(evaluating: Evaluating) -> None:
    run = await evaluating.run(SUITE, repeat=3, first_cases=2, providers=["echo"])
    assert (run.counts.cells, run.counts.done) == (12, 12)
    assert {cell.cell.repeat for cell in await evaluating.cells(run.name)} == {0, 1, 2}


@pytest.mark.parametrize(
    ("files", "where", "what"),
    [
        ("prompts: [a\n", "promptfooconfig.yaml:2:1", "is no YAML"),
        ("providers: [echo]\n", "promptfooconfig.yaml:1", "must have `prompts`"),
        ("prompts: [a]\nproviders: [ecco]\n", "promptfooconfig.yaml:2:13", "did you mean echo?"),
        (SUITE.replace("icontains", "icontain"), "promptfooconfig.yaml:9:", "did you mean icontains?"),
        (SUITE.replace("Say {{word}}", "Say {{wrd}}"), "promptfooconfig.yaml:6:5", "did you mean word?"),
        (SUITE.replace("[echo]", "[file://p.yaml]"), "promptfooconfig.yaml:4:13", "no file 'p.yaml'"),
        ("prompts: [a]\nproviders: [echo]\ntests: tests.csv\n", "promptfooconfig.yaml:3:1", "no file 'tests.csv'"),
        ("prompts: [a]\nprompts: [b]\n", "promptfooconfig.yaml:2:1", "stands in line 1 already"),
        ("prompts: ['{% for %}']\nproviders: [echo]\n", "template", "is no template"),
        ("prompts: [a]\nproviders: ['python:x.py']\n", "promptfooconfig.yaml:2:13", "not supported"),
    ],
    ids=lambda value: value.split("\n")[-2][:30] if isinstance(value, str) and "\n" in value else None,
)
async def test_what_is_wrong_in_a_suite_is_said_with_its_place(
    evaluating: Evaluating, files: str, where: str, what: str
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await evaluating.run(files)
    assert caught.value.code() in (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.UNAVAILABLE)
    if caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT:
        assert where in (caught.value.details() or "")
        assert what in (caught.value.details() or "")
    else:
        # Whether another provider is meant is known by the generator, which is not there.
        assert "ecco" in files


async def test_only_a_look_begins_nothing(evaluating: Evaluating) -> None:
    request = pb.RunEvaluationRequest(source=source(SUITE), validate_only=True)
    operation = await evaluating.stub.RunEvaluation(request, metadata=TENANT)
    looked = pb.Evaluation()
    operation.metadata.Unpack(looked)
    assert looked.counts.cells == 8
    listed = await evaluating.stub.ListEvaluations(pb.ListEvaluationsRequest(), metadata=TENANT)
    assert list(listed.evaluations) == []


async def test_a_request_that_comes_twice_begins_one_run(evaluating: Evaluating) -> None:
    request = pb.RunEvaluationRequest(source=source(SUITE), request_id="8a2b9a3e-7bd8-4f0c-9d0a-3f2c0a1d4e5f")
    first = await evaluating.stub.RunEvaluation(request, metadata=TENANT)
    assert (await evaluating.stub.RunEvaluation(request, metadata=TENANT)).name == first.name
    request.options.repeat = 2
    async with expect_error(grpc.StatusCode.ALREADY_EXISTS, "REQUEST_ID_REUSED"):
        await evaluating.stub.RunEvaluation(request, metadata=TENANT)


async def test_another_tenant_sees_nothing(evaluating: Evaluating) -> None:
    run = await evaluating.run(SUITE)
    async with expect_error(grpc.StatusCode.NOT_FOUND, "EVALUATION_NOT_FOUND"):
        await evaluating.stub.GetEvaluation(pb.GetEvaluationRequest(name=run.name), metadata=as_tenant("other"))


async def test_a_deleted_run_is_gone(evaluating: Evaluating) -> None:
    run = await evaluating.run(SUITE)
    await evaluating.stub.DeleteEvaluation(pb.DeleteEvaluationRequest(name=run.name), metadata=TENANT)
    async with expect_error(grpc.StatusCode.NOT_FOUND, "EVALUATION_NOT_FOUND"):
        await evaluating.get(run.name)


async def test_files_of_every_kind_say_the_same(evaluating: Evaluating) -> None:
    run = await evaluating.run(SUITE)
    whole = await evaluating.results(run.name)
    assert whole["evalId"] == run.name
    assert {name: whole["results"]["stats"][name] for name in ("successes", "failures", "errors")} == {
        "successes": 3,
        "failures": 5,
        "errors": 0,
    }
    assert [row["success"] for row in whole["results"]["results"]].count(True) == 3
    rows = list(csv.DictReader(io.StringIO((await evaluating.exported(run.name, "csv")).decode(), newline="")))
    assert [row["status"] for row in rows].count("passed") == 3
    tree = ElementTree.fromstring(await evaluating.exported(run.name, "xml"))
    assert (tree.get("tests"), tree.get("failures"), len(tree.findall(".//failure"))) == ("8", "5", 5)
    lines = (await evaluating.exported(run.name, "jsonl")).splitlines()
    assert [json.loads(line)["testIdx"] for line in lines] == [row["testIdx"] for row in whole["results"]["results"]]
    page = (await evaluating.exported(run.name, "html")).decode()
    assert "http" not in page.replace("http-equiv", "")


async def test_a_run_is_compared_with_a_file_of_another(evaluating: Evaluating) -> None:
    names = ", ".join(f"n{number}" for number in range(40))
    tests = f"tests: [{{vars: {{n: [{names}]}}, assert: [{{type: contains, value: 'yes'}}]}}]"
    before = await evaluating.run(f"prompts: ['no {{{{n}}}}']\nproviders: [echo]\n{tests}")
    after = await evaluating.run(f"prompts: ['yes {{{{n}}}}']\nproviders: [echo]\n{tests}")
    said = await evaluating.stub.CompareEvaluations(
        pb.CompareEvaluationsRequest(
            baseline_results=await evaluating.exported(before.name, "json"), candidate=after.name
        ),
        metadata=TENANT,
    )
    passing = next(column for column in said.columns if column.metric == "pass")
    assert passing.verdict == pb.ColumnComparison.VERDICT_BETTER
    assert (passing.cases, passing.difference.value, len(passing.fixed)) == (40, 1.0, 40)
    same = await evaluating.stub.CompareEvaluations(
        pb.CompareEvaluationsRequest(baseline=after.name, candidate=after.name), metadata=TENANT
    )
    assert {column.verdict for column in same.columns} == {pb.ColumnComparison.VERDICT_NO_DIFFERENCE_SHOWN}


async def test_people_and_a_judge_are_held_against_each_other(evaluating: Evaluating) -> None:
    names = ", ".join(f"'{number}'" for number in range(60))
    judge = "{type: javascript, value: 'Number(output) / 60', metric: judge}"
    tests = f"tests: [{{vars: {{n: [{names}]}}, assert: [{judge}]}}]"
    run = await evaluating.run(f"prompts: ['{{{{n}}}}']\nproviders: [echo]\n{tests}")
    async with expect_error(grpc.StatusCode.FAILED_PRECONDITION, "TOO_FEW_LABELS"):
        await evaluating.stub.CalibrateJudge(label_pb2.CalibrateJudgeRequest(parent=run.name), metadata=TENANT)
    labels = []
    for case in range(60):
        label = label_pb2.Label(cell=label_pb2.CellKey(case=case), labeler="ida")
        # People draw the line at 30, but for one in ten.
        setattr(label, "pass", (case >= 30) != (case % 10 == 5))
        labels.append(label)
    await evaluating.stub.CreateLabels(label_pb2.CreateLabelsRequest(parent=run.name, labels=labels), metadata=TENANT)
    said = await evaluating.stub.CalibrateJudge(
        label_pb2.CalibrateJudgeRequest(parent=run.name, metric="judge"), metadata=TENANT
    )
    assert said.label_count == 60
    assert 0 < said.fitted_on < 60
    assert 0.3 < said.threshold < 0.7
    assert said.kappa.low < said.kappa.value <= said.kappa.high
    assert said.agreement.value > 0.7
    wrong = label_pb2.Label(cell=label_pb2.CellKey(case=60))
    async with expect_error(grpc.StatusCode.NOT_FOUND, "CELL_NOT_FOUND"):
        await evaluating.stub.CreateLabels(
            label_pb2.CreateLabelsRequest(parent=run.name, labels=[wrong]), metadata=TENANT
        )


async def test_a_suite_is_kept_gets_cases_and_is_run_by_its_name(evaluating: Evaluating) -> None:
    made = await evaluating.stub.CreateSuite(
        suite_pb2.CreateSuiteRequest(suite_id="words", suite=suite_pb2.Suite(source=source(SUITE))), metadata=TENANT
    )
    assert (made.name, made.case_count) == ("suites/words", 4)
    case = suite_pb2.AddCaseRequest(suite="suites/words")
    case.case.update({"vars": {"word": "light and warm"}, "assert": [{"type": "contains", "value": "warm"}]})
    assert (await evaluating.stub.AddCase(case, metadata=TENANT)).case_count == 5
    request = pb.RunEvaluationRequest(suite="suites/words")
    operation = await evaluating.stub.RunEvaluation(request, metadata=TENANT)
    run = await evaluating.ended(operation.name.replace("operations/evaluator-", "evaluations/"))
    assert (run.suite, run.counts.cells, run.counts.passed) == ("suites/words", 10, 5)
    case.case["assert"][0]["type"] = "contain"
    async with expect_error(grpc.StatusCode.INVALID_ARGUMENT, "UNKNOWN_ASSERTION"):
        await evaluating.stub.AddCase(case, metadata=TENANT)
    async with expect_error(grpc.StatusCode.ALREADY_EXISTS, "SUITE_EXISTS"):
        await evaluating.stub.CreateSuite(
            suite_pb2.CreateSuiteRequest(suite_id="words", suite=suite_pb2.Suite(source=source(SUITE))), metadata=TENANT
        )
