import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from client_events import Adwright
from eval_gateway import FAILED, RUNNING, EvalGateway, a_cell, a_run, estimate
from google.longrunning.operations_pb2 import CancelOperationRequest

from adwright.evaluator.v1 import evaluation_pb2 as pb
from adwright.evaluator.v1.label_pb2 import CalibrateJudgeRequest, CalibrateJudgeResponse, Estimate


@pytest.fixture
async def gateway() -> AsyncIterator[EvalGateway]:
    async with EvalGateway() as gateway:
        yield gateway


async def test_the_newest_run_is_shown_by_default_and_others_by_name(adwright: Adwright, gateway: EvalGateway) -> None:
    gateway.runs[1].description = "Another suite"
    gateway.runs.append(a_run("01joldest", failed=2))
    for arguments, title in (
        ((), "Launch copy"),
        (("latest",), "Launch copy"),
        (("01jold",), "Another suite"),
        (("evaluations/01jold",), "Another suite"),
    ):
        outcome = await adwright("eval", "show", *arguments)
        assert (outcome.code, outcome.out.splitlines()[0]) == (0, f"-- {title} --")
    outcome = await adwright("eval", "show", "01jno")
    assert (outcome.code, outcome.err) == (2, "adwright: there is no evaluations/01jno [EVALUATION_NOT_FOUND]\n")


async def test_previous_is_the_run_before_the_latest_of_the_same_suite(
    adwright: Adwright, gateway: EvalGateway
) -> None:
    gateway.runs[1].description = "Another suite"
    gateway.runs.append(a_run("01joldest", failed=2))
    outcome = await adwright("eval", "show", "previous", "--json")
    assert '"name": "evaluations/01joldest"' in outcome.out or '"name":"evaluations/01joldest"' in outcome.out


async def test_where_nothing_was_run_that_is_said(adwright: Adwright, gateway: EvalGateway) -> None:
    del gateway.runs[1:]
    for says in ("evaluations/01jnew is the first run of its suite (Launch copy)", "there is no run yet"):
        outcome = await adwright("eval", "show", "previous")
        assert (outcome.code, outcome.err.count("\n")) == (2, 1)
        assert says in outcome.err
        gateway.runs.clear()


async def test_a_run_that_runs_is_followed(adwright: Adwright, gateway: EvalGateway) -> None:
    ended = gateway.runs[0]
    gateway.runs[0] = a_run(state=RUNNING, done=1)
    gateway.watched = [gateway.runs[0], ended]
    outcome = await adwright("eval", "show")
    assert (outcome.code, outcome.out.splitlines()[-1]) == (0, "done: 4 passed, 0 failed, 0 errors of 4, $0.2500")


async def test_cells_are_shown_with_their_outputs(adwright: Adwright, gateway: EvalGateway) -> None:
    gateway.cells[3] = a_cell(1, 1, FAILED, output="Light\nas\x07 air", why="no tent")
    outcome = await adwright("eval", "show", "--cells")
    assert outcome.out.splitlines()[9:-1] == [
        "✓ case 1 · short × small: tent 0",
        "    → Output 0.0",
        "✓ case 1 · short × large: tent 0",
        "    → Output 0.1",
        "✓ case 2 · short × small: tent 1",
        "    → Output 1.0",
        "✗ case 2 · short × large: tent 1",
        "    → Light as� air",
        "    contains: no tent",
    ]
    outcome = await adwright("eval", "show", "--failed", "--json")
    assert [json.loads(line)["output"] for line in outcome.out.splitlines()] == ["Light\nas\x07 air"]


async def test_what_is_not_told_is_neither_free_nor_fast_and_errors_are_no_zeros(
    adwright: Adwright, gateway: EvalGateway
) -> None:
    free, untold = gateway.runs[0].columns
    free.cost_usd = free.latency_p50_ms = free.latency_p95_ms = 0.0
    for field in ("cost_usd", "latency_p50_ms", "latency_p95_ms"):
        untold.ClearField(field)
    untold.scored, untold.errors = 0, 2
    lines = (await adwright("eval", "show")).out.splitlines()
    assert lines[2:4] == [
        "short × small\t90.0 % of 2 (60–98)\t0.850 (0.70–0.95)\t0\t$0.00000\t0 ms / 0 ms\t",
        "short × large\t– of 0\t–\t2\t–\t–\t●",
    ]


async def test_runs_are_listed_newest_first_over_all_pages(adwright: Adwright) -> None:
    outcome = await adwright("eval", "list")
    assert outcome.out.splitlines()[1:] == [
        "id\tbegun (UTC)\tdescription\tstate",
        "01jnew\t2026-11-24 08:00\tLaunch copy\tdone: 4 passed, 0 failed, 0 errors of 4, $0.2500",
        "01jold\t2026-11-24 08:00\tLaunch copy\tdone: 3 passed, 1 failed, 0 errors of 4, $0.2500",
    ]
    outcome = await adwright("eval", "list", "--json")
    assert [json.loads(line)["name"][-3:] for line in outcome.out.splitlines()] == ["new", "old"]


@pytest.fixture
def compared(gateway: EvalGateway) -> EvalGateway:
    """Passes may have become more, nobody knows; scores have become less."""
    gateway.comparison = pb.CompareEvaluationsResponse(
        summary="Scores are worse.",
        columns=[
            pb.ColumnComparison(
                baseline="short × small",
                candidate="short × large",
                metric="pass",
                cases=40,
                left_out=2,
                only_in_baseline=3,
                only_in_candidate=1,
                cells_left_out=4,
                before=estimate(0.5, 0.4, 0.6),
                after=estimate(0.6, 0.5, 0.7),
                difference=estimate(0.1, -0.05, 0.25),
                p_value=0.1,
                adjusted_p_value=0.2,
                verdict=pb.ColumnComparison.VERDICT_NO_DIFFERENCE_SHOWN,
                cases_needed=1290,
                fixed=["tent 1"],
                broken=[f"tent {n}" for n in range(12)],
            ),
            pb.ColumnComparison(
                baseline="short × small",
                candidate="short × small",
                metric="score",
                cases=42,
                difference=estimate(-0.2, -0.3, -0.1),
                adjusted_p_value=0.0004,
                verdict=pb.ColumnComparison.VERDICT_WORSE,
            ),
        ],
    )
    return gateway


async def test_a_comparison_says_what_is_sure_and_what_would_make_it_sure(
    adwright: Adwright, compared: EvalGateway
) -> None:
    outcome = await adwright("eval", "compare", "previous", "latest", "--column", "a × b", "c × d")
    assert outcome.code == 0
    lines = outcome.out.splitlines()
    assert lines[2:6] == [
        "short × small → short × large\tpass\t0.500\t0.600\t+0.100 (-0.050 to +0.250)\t0.200\tno difference shown\t"
        "40, 2 left out, 3 only before, 1 only after, 4 cells left out",
        "short × small\tscore\t0.000\t0.000\t-0.200 (-0.300 to -0.100)\t< 0.001\tworse\t42",
        "short × large, pass: about 1,250 more cases would show it",
        "fixed: tent 1",
    ]
    assert lines[-2:] == ["broken: … and 2 more", "Scores are worse."]
    [request] = compared.asked(pb.CompareEvaluationsRequest)
    assert (request.baseline, request.candidate) == ("evaluations/01jold", "evaluations/01jnew")
    assert (request.baseline_column, request.candidate_column) == ("a × b", "c × d")


async def test_a_comparison_can_end_a_build(adwright: Adwright, compared: EvalGateway) -> None:
    assert (await adwright("eval", "compare", "01jold", "01jnew", "--fail-on-worse")).code == 1
    compared.comparison.columns[1].verdict = pb.ColumnComparison.VERDICT_BETTER
    outcome = await adwright("eval", "compare", "01jold", "01jnew", "--fail-on-worse", "--json")
    assert (outcome.code, json.loads(outcome.out)["columns"][0]["casesNeeded"]) == (0, 1290)


async def test_files_of_results_are_compared_as_they_are(
    adwright: Adwright, gateway: EvalGateway, tmp_path: Path
) -> None:
    (tmp_path / "before.json").write_bytes(b'{"results": 1}')
    assert (await adwright("eval", "compare", str(tmp_path / "before.json"), "latest")).code == 0
    [request] = gateway.asked(pb.CompareEvaluationsRequest)
    assert (request.baseline, request.baseline_results) == ("", b'{"results": 1}')
    assert (request.candidate, request.candidate_results) == ("evaluations/01jnew", b"")
    outcome = await adwright("eval", "compare", "01jold", str(tmp_path / "no.json"))
    assert (outcome.code, outcome.err) == (2, f"adwright: there is no file {tmp_path}/no.json [FILE_NOT_FOUND]\n")
    (tmp_path / "large.json").write_bytes(b"x" * 2_000_001)
    outcome = await adwright("eval", "compare", "01jold", str(tmp_path / "large.json"))
    assert (outcome.code, outcome.err.count("\n")) == (2, 1)
    assert "large.json: at most 2,000,000 bytes of results are sent" in outcome.err


async def test_a_run_is_exported_to_files(adwright: Adwright, gateway: EvalGateway, tmp_path: Path) -> None:
    outcome = await adwright("eval", "export", "previous", "--output", str(tmp_path / "r.html"))
    assert (outcome.code, outcome.out) == (0, "")
    assert (tmp_path / "r.html").read_text() == "one,two\n"
    [request] = gateway.asked(pb.ExportEvaluationRequest)
    assert (request.name, request.format) == ("evaluations/01jold", "html")
    assert (await adwright("eval", "export", "latest")).code == 2


async def test_a_run_is_cancelled_by_its_operation(adwright: Adwright, gateway: EvalGateway) -> None:
    gateway.runs[0] = a_run(state=RUNNING, done=1)
    outcome = await adwright("eval", "cancel", "latest")
    assert (outcome.code, outcome.err) == (0, "")
    assert "adwright eval resume 01jnew" in outcome.out
    assert [request.name for request in gateway.asked(CancelOperationRequest)] == ["operations/evaluator-01jnew"]
    outcome = await adwright("eval", "cancel", "01jold")
    assert outcome.out.startswith("evaluations/01jold had ended before; done: 3 passed")
    assert len(gateway.asked(CancelOperationRequest)) == 1
    assert (await adwright("eval", "cancel", "01jno")).code == 2
    assert (await adwright("eval", "cancel")).code == 2


async def test_a_run_goes_on_with_another_budget_and_its_exit_code_is_that_of_a_run(
    adwright: Adwright, gateway: EvalGateway
) -> None:
    outcome = await adwright("eval", "resume", "01jold", "--budget", "2.5")
    assert (outcome.code, outcome.out.splitlines()[-2]) == (1, "done: 3 passed, 1 failed, 0 errors of 4, $0.2500")
    [request] = gateway.asked(pb.ResumeEvaluationRequest)
    assert (request.name, request.budget_usd) == ("evaluations/01jold", 2.5)
    assert await adwright("eval", "resume", "01jnew", "--detach") == (0, "evaluations/01jnew\n", "")


async def test_a_run_is_deleted_by_name_only(adwright: Adwright, gateway: EvalGateway) -> None:
    assert (await adwright("eval", "delete")).code == 2
    assert await adwright("eval", "delete", "01jold") == (0, "evaluations/01jold deleted\n", "")
    assert [run.name for run in gateway.runs] == ["evaluations/01jnew"]


async def test_a_judge_is_held_against_people(adwright: Adwright, gateway: EvalGateway) -> None:
    gateway.agreement = CalibrateJudgeResponse(
        label_count=60,
        fitted_on=30,
        case_count=20,
        fitted_on_cases=10,
        threshold=0.625,
        agreement=estimate(0.9, 0.74, 0.97),
        alpha=Estimate(value=0.8),
        summary="They agree.",
    )
    outcome = await adwright("eval", "calibrate", "latest", "--metric", "llm-rubric")
    assert (outcome.code, outcome.out.splitlines()) == (
        0,
        [
            "-- 60 labels of 20 cases; threshold 0.62, fitted on 30 of 10 cases --",
            "\tvalue\t95 %",
            "agreement\t0.90\t0.74 to 0.97",
            "kappa\tundefined\t",
            "alpha\t0.80\t",
            "precision\tundefined\t",
            "recall\tundefined\t",
            "They agree.",
        ],
    )
    assert gateway.asked(CalibrateJudgeRequest)[0].metric == "llm-rubric"
