import asyncio
import json
import re
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from client_events import Adwright, spawn
from eval_gateway import ERROR, FAILED, RUNNING, EvalGateway, a_cell, a_run

from adwright.evaluator.v1 import evaluation_pb2 as pb
from adwright_servicekit.errors import InvalidInput, NotFound, Unavailable

SUITE = {"promptfooconfig.yaml": "prompts: [file://p.txt]", "p.txt": "Write of {{x}}"}


@pytest.fixture
async def gateway() -> AsyncIterator[EvalGateway]:
    async with EvalGateway() as gateway:
        yield gateway


@pytest.fixture
def suite(tmp_path: Path) -> str:
    for name, text in SUITE.items():
        (tmp_path / name).write_text(text)
    return str(tmp_path)


def contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


async def test_a_suite_that_passes_is_shown_and_exits_0(adwright: Adwright, gateway: EvalGateway, suite: str) -> None:
    gateway.begun = a_run(state=RUNNING, done=0)
    gateway.watched = [gateway.begun, a_run(state=RUNNING, done=3)]
    outcome = await adwright("eval", "run", suite)
    assert outcome.code == 0
    assert outcome.out.splitlines() == [
        "-- Launch copy --",
        "prompt × provider\tpassed\tscore\terrors\tcost\tp50 / p95\tbest",
        "short × small\t90.0 % of 2 (60–98)\t0.850 (0.70–0.95)\t0\t$0.01250\t120 ms / 2.30 s\t",
        "short × large\t90.0 % of 2 (60–98)\t0.850 (0.70–0.95)\t0\t$0.01250\t120 ms / 2.30 s\t●",
        "(–) 95 % interval   ● no other is better in quality, cost or latency without being worse in another",
        "-- metrics --",
        "metric\tprompt × provider\tmean\t95 %",
        "tone\tshort × large\t0.500\t",
        "tone\tshort × small\t0.500\t",
        "done: 4 passed, 0 failed, 0 errors of 4, $0.2500",
        "evaluations/01jnew: adwright eval show 01jnew --cells",
    ]
    assert outcome.err == "runs: 0 passed, 0 failed, 0 errors of 4, $0.2500\n"
    [request] = gateway.asked(pb.RunEvaluationRequest)
    assert sorted(file.path for file in request.source.files) == ["p.txt", "promptfooconfig.yaml"]
    assert request.options == pb.EvaluationOptions()
    assert re.fullmatch(r"[0-9a-f-]{36}", request.request_id)


async def test_failures_are_shown_with_their_reasons_and_exit_1(
    adwright: Adwright, gateway: EvalGateway, suite: str
) -> None:
    gateway.runs[0] = a_run(failed=11, errors=1, done=12)
    gateway.cells = [a_cell(0), a_cell(1, status=ERROR, why="the provider\nis away")]
    gateway.cells += [a_cell(n, 1, FAILED, why=f"no 'tent' in \x1b[2J{n}") for n in range(2, 13)]
    outcome = await adwright("eval", "run", "-c", suite)
    assert outcome.code == 1
    lines = outcome.out.splitlines()
    assert lines[9:13] == [
        "! case 2 · short × small: tent 1",
        "    the provider is away",
        "✗ case 3 · short × large: tent 2",
        "    contains: no 'tent' in �[2J2",
    ]
    assert sum(line.startswith(("✗", "!")) for line in lines) == 10
    assert "… and 2 more: adwright eval show 01jnew --failed" in lines
    assert "\x1b" not in outcome.out
    assert gateway.asked(pb.ListResultsRequest)[0].statuses == [FAILED, ERROR]


@pytest.mark.parametrize("state", [pb.Evaluation.STATE_CANCELLED, pb.Evaluation.STATE_OUT_OF_BUDGET])
async def test_a_run_that_did_not_come_to_its_end_exits_1(
    adwright: Adwright, gateway: EvalGateway, suite: str, state: pb.Evaluation.State.ValueType
) -> None:
    gateway.runs[0] = a_run(state=state, done=2)
    outcome = await adwright("eval", "run", suite, "--no-table")
    assert outcome.code == 1
    assert outcome.out.startswith(("cancelled: ", "out of budget: "))


async def test_every_option_goes_with_the_request(adwright: Adwright, gateway: EvalGateway, suite: str) -> None:
    arguments = "-j 9 --repeat 3 --no-cache --budget 1.5 --rpm 60 --first 7 --filter-pattern ^a --judge backend:b"
    outcome = await adwright(
        "eval", "run", suite, *arguments.split(), "--provider", "small", "--provider", "large", "--shards", "4"
    )
    assert outcome.code == 0
    assert gateway.asked(pb.RunEvaluationRequest)[0].options == pb.EvaluationOptions(
        max_concurrency=9,
        repeat=3,
        no_cache=True,
        budget_usd=1.5,
        requests_per_minute=60,
        first_cases=7,
        case_pattern="^a",
        judge="backend:b",
        providers=["small", "large"],
        shards=4,
    )


async def test_outputs_are_whole_files_in_the_format_of_their_ending(
    adwright: Adwright, gateway: EvalGateway, suite: str, tmp_path: Path
) -> None:
    outputs = [str(tmp_path / name) for name in ("r.json", "r.HTML", "r.csv", "junit.xml", "r.jsonl")]
    outcome = await adwright("eval", "run", suite, *(part for name in outputs for part in ("-o", name)))
    assert outcome.code == 0
    assert [request.format for request in gateway.asked(pb.ExportEvaluationRequest)] == [
        "json", "html", "csv", "xml", "jsonl",
    ]  # fmt: skip
    assert contents(tmp_path) == {Path(name).name: "one,two\n" for name in outputs} | SUITE


async def test_an_export_that_breaks_off_leaves_the_file_as_it_was(
    adwright: Adwright, gateway: EvalGateway, suite: str, tmp_path: Path
) -> None:
    (tmp_path / "r.csv").write_text("before")
    gateway.exported = [b"half", InvalidInput("too much")]
    outcome = await adwright("eval", "run", suite, "-o", str(tmp_path / "r.csv"))
    assert (outcome.code, outcome.err.count("\n")) == (2, 1)
    assert contents(tmp_path) == {"r.csv": "before"} | SUITE


async def test_outputs_that_cannot_be_written_are_told_before_the_run_begins(
    adwright: Adwright, gateway: EvalGateway, suite: str
) -> None:
    for output, words in (
        ("r.pdf", "one of .json, .html, .csv, .xml, .jsonl"),
        ("r", "one of .json"),
        ("no/such/r.json", "there is no folder no/such"),
    ):
        outcome = await adwright("eval", "run", suite, "-o", output)
        assert (outcome.code, outcome.out) == (2, "")
        assert words in outcome.err
    for flag in ("--detach", "--dry-run"):
        assert (await adwright("eval", "run", suite, "-o", "r.json", flag)).code == 2
    assert gateway.requests == []


async def test_a_detached_run_prints_its_name_alone(adwright: Adwright, gateway: EvalGateway, suite: str) -> None:
    gateway.runs[0] = a_run(state=RUNNING, done=0)
    gateway.runs[0].warnings.append("s.yaml:3: `sharing` is ignored")
    outcome = await adwright("eval", "run", suite, "--detach")
    assert outcome == (0, "evaluations/01jnew\n", "note: s.yaml:3: `sharing` is ignored\n")
    assert gateway.asked(pb.WatchEvaluationRequest) == []


async def test_a_dry_run_says_what_would_be_run(adwright: Adwright, gateway: EvalGateway, suite: str) -> None:
    gateway.begun = a_run(state=RUNNING, done=0)
    gateway.begun.name = "evaluations/"
    outcome = await adwright("eval", "run", suite, "--dry-run")
    assert outcome == (0, "1 prompt, 2 providers, 2 cases: 4 cells would be run\n", "")
    assert gateway.asked(pb.RunEvaluationRequest)[0].validate_only
    assert gateway.asked(pb.WatchEvaluationRequest) == []


async def test_the_run_comes_as_json_where_asked_for(adwright: Adwright, suite: str) -> None:
    outcome = await adwright("eval", "run", suite, "--json")
    assert json.loads(outcome.out)["counts"]["passed"] == 4


async def test_the_suite_of_this_folder_is_the_default(
    adwright: Adwright, gateway: EvalGateway, suite: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(suite)
    assert (await adwright("eval", "run")).code == 0
    assert (await adwright("eval", "run", "x", "-c", "y")).code == 2


async def test_a_kept_suite_goes_by_its_name_and_a_folder_of_that_name_by_its_path(
    adwright: Adwright, gateway: EvalGateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "suites" / "launch").mkdir(parents=True)
    (tmp_path / "suites" / "launch" / "promptfooconfig.yaml").write_text("{}")
    (tmp_path / "suites" / "x.yaml").write_text("{}")
    for given in ("suites/launch", "./suites/launch", "suites/x.yaml"):
        assert (await adwright("eval", "run", given)).code == 0
    kinds = [request.WhichOneof("what") for request in gateway.asked(pb.RunEvaluationRequest)]
    assert kinds == ["suite", "source", "source"]
    gateway.failures = [NotFound("there is no suites/launch")]
    outcome = await adwright("eval", "run", "suites/launch")
    assert (outcome.code, outcome.err) == (
        2,
        "adwright: there is no suites/launch; for the folder write ./suites/launch [NOT_FOUND]\n",
    )


async def test_what_is_wrong_in_a_suite_is_one_line(adwright: Adwright, gateway: EvalGateway, suite: str) -> None:
    gateway.failures = [InvalidInput.of("promptfooconfig.yaml:1:11", "there is no file 'p.txt'")]
    outcome = await adwright("eval", "run", suite)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err == "adwright: promptfooconfig.yaml:1:11: there is no file 'p.txt' [INVALID_INPUT]\n"
    outcome = await adwright("eval", "run", f"{suite}/no.yaml")
    assert (outcome.code, outcome.err) == (2, f"adwright: there is no file {suite}/no.yaml [FILE_NOT_FOUND]\n")


async def test_a_watch_that_breaks_is_taken_up_again(adwright: Adwright, gateway: EvalGateway, suite: str) -> None:
    gateway.watched = [a_run(state=RUNNING, done=1), Unavailable("restarts", reason="EVALUATOR_UNAVAILABLE"), None]
    outcome = await adwright("eval", "run", suite)
    assert (outcome.code, outcome.out.splitlines()[-2]) == (0, "done: 4 passed, 0 failed, 0 errors of 4, $0.2500")
    assert len(gateway.asked(pb.WatchEvaluationRequest)) == 3
    assert len(gateway.asked(pb.RunEvaluationRequest)) == 1


async def test_a_gateway_that_is_not_there_is_said_at_once(
    adwright: Adwright, gateway: EvalGateway, suite: str
) -> None:
    await gateway.stop()
    outcome = await adwright("eval", "run", suite)
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.endswith("[GATEWAY_UNREACHABLE]\n")


async def test_ctrl_c_says_that_the_run_goes_on_and_exits_130(gateway: EvalGateway, suite: str) -> None:
    gateway.watched = [a_run(state=RUNNING, done=1), 60.0]
    process = await spawn(gateway, "eval", "run", suite)  # type: ignore[arg-type]
    async with asyncio.timeout(20):
        assert process.stderr is not None
        await process.stderr.readline()
        process.send_signal(signal.SIGINT)
        out, err = await process.communicate()
    assert (process.returncode, out) == (130, b"")
    assert err.decode() == (
        "adwright: interrupted; evaluations/01jnew goes on at the server: watch it with adwright eval show 01jnew, "
        "end it with adwright eval cancel 01jnew [INTERRUPTED]\n"
    )
