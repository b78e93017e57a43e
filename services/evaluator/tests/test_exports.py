"""What needs all cells of a run at once, through the real service: files, comparisons, calibration."""

import json

import grpc
from evaluating import TENANT, Evaluating

from adwright.evaluator.v1 import evaluation_pb2 as pb
from adwright.evaluator.v1 import label_pb2
from adwright_servicekit.testing import expect_error

ON_EVERY_STORE = True

SUITE = """
prompts: ["Say {{word}}", "Tell {{word}}"]
providers: [echo]
tests: [{vars: {word: [light, heavy, warm]}, assert: [{type: contains, value: light}]}]
"""


async def test_cells_of_a_file_are_by_case_then_column_then_repeat(evaluating: Evaluating) -> None:
    run = await evaluating.run(SUITE, repeat=3)
    rows = (await evaluating.results(run.name))["results"]["results"]
    places = [(row["testIdx"], row["promptIdx"], row["adwright"]["repeat"]) for row in rows]
    assert places == [(case, prompt, repeat) for case in range(3) for prompt in range(2) for repeat in range(3)]


async def test_a_file_that_is_larger_than_a_message_comes_whole(evaluating: Evaluating) -> None:
    cases = json.dumps([f"{number} {'long ' * 20_000}" for number in range(12)])
    run = await evaluating.run(f"prompts: ['{{{{x}}}}']\nproviders: [echo]\ntests: [{{vars: {{x: {cases}}}}}]")
    lines = (await evaluating.exported(run.name, "jsonl")).splitlines()
    assert [json.loads(line)["response"]["output"].split()[0] for line in lines] == [str(n) for n in range(12)]


async def test_a_file_of_results_that_is_broken_is_refused(evaluating: Evaluating) -> None:
    run = await evaluating.run(SUITE)
    results = await evaluating.results(run.name)
    results["results"]["results"][0]["failureReason"] = 7
    request = pb.CompareEvaluationsRequest(baseline_results=json.dumps(results).encode(), candidate=run.name)
    async with expect_error(grpc.StatusCode.INVALID_ARGUMENT, "RESULTS_UNREADABLE"):
        await evaluating.stub.CompareEvaluations(request, metadata=TENANT, timeout=20)


async def test_runs_with_few_cases_in_common_say_so(evaluating: Evaluating) -> None:
    before = await evaluating.run(SUITE)
    after = await evaluating.run(SUITE.replace("heavy, warm", "cool, dry, soft"))
    request = pb.CompareEvaluationsRequest(baseline=before.name, candidate=after.name)
    said = await evaluating.stub.CompareEvaluations(request, metadata=TENANT)
    first = said.columns[0]
    assert (first.cases, first.only_in_baseline, first.only_in_candidate) == (1, 2, 3)
    assert "in the baseline (2) or the candidate (3) alone" in said.summary


async def test_columns_with_one_label_are_compared_each_with_its_own(evaluating: Evaluating) -> None:
    prompts = "[{label: one, raw: 'Say {{word}}'}, {label: one, raw: 'Say light'}]"
    run = await evaluating.run(SUITE.replace('["Say {{word}}", "Tell {{word}}"]', prompts))
    results = await evaluating.exported(run.name, "json")
    for request in (
        pb.CompareEvaluationsRequest(baseline=run.name, candidate=run.name),
        pb.CompareEvaluationsRequest(baseline_results=results, candidate=run.name),
    ):
        said = await evaluating.stub.CompareEvaluations(request, metadata=TENANT)
        passing = [each for each in said.columns if each.metric == "pass"]
        assert [(each.candidate, each.cases, each.difference.value) for each in passing] == [
            ("one × echo", 3, 0.0),
            ("one × echo (2)", 3, 0.0),
        ]


async def test_people_who_were_heard_are_no_judge_of_themselves(evaluating: Evaluating) -> None:
    names = ", ".join(f"'{number}'" for number in range(40))
    judge = "{type: javascript, value: 'Number(output) / 40', metric: tone}"
    asserted = f"assert: [{judge}, {{type: human, metric: tone}}]"
    run = await evaluating.run(
        f"prompts: ['{{{{n}}}}']\nproviders: [echo]\ntests: [{{vars: {{n: [{names}]}}, {asserted}}}]"
    )
    labels = []
    for case in range(40):
        label = label_pb2.Label(cell=label_pb2.CellKey(case=case), labeler="ida", metric="tone")
        # People say what has nothing to do with the judge's score.
        setattr(label, "pass", case % 2 == 0)
        labels.append(label)
    await evaluating.stub.CreateLabels(label_pb2.CreateLabelsRequest(parent=run.name, labels=labels), metadata=TENANT)
    said = await evaluating.stub.CalibrateJudge(
        label_pb2.CalibrateJudgeRequest(parent=run.name, metric="tone"), metadata=TENANT
    )
    assert (said.label_count, said.case_count) == (40, 40)
    assert said.kappa.value < 0.5
    assert said.kappa.low < 0 < said.kappa.high
    async with expect_error(grpc.StatusCode.FAILED_PRECONDITION, "TOO_FEW_LABELS"):
        await evaluating.stub.CalibrateJudge(
            label_pb2.CalibrateJudgeRequest(parent=run.name, metric="human"), metadata=TENANT
        )
