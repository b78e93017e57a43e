import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from client_events import Adwright
from eval_gateway import RUNNING, EvalGateway, a_run

from adwright.evaluator.v1 import evaluation_pb2 as pb
from adwright.evaluator.v1 import suite_pb2
from adwright.evaluator.v1.label_pb2 import CellKey, CreateLabelsRequest, Label
from adwright_client import AsyncClient, Client, evaluations
from adwright_servicekit.errors import DeadlineTooShort, InvalidInput, NotFound, Unavailable


@pytest.fixture
async def gateway() -> AsyncIterator[EvalGateway]:
    async with EvalGateway() as gateway:
        yield gateway


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "in" / "prompts").mkdir(parents=True)
    (tmp_path / "in" / "promptfooconfig.yaml").write_text("prompts: [prompts/p.txt]")
    (tmp_path / "in" / "prompts" / "p.txt").write_text("Write of {{x}}")
    return tmp_path / "in"


def text_of(path: Path) -> str:
    return path.read_text()


async def test_a_suite_is_kept_listed_shown_and_forgotten(
    adwright: Adwright, gateway: EvalGateway, folder: Path
) -> None:
    outcome = await adwright("eval", "suites", "create", "launch", str(folder))
    assert outcome == (0, "suites/launch made, with 3 cases: adwright eval run suites/launch\n", "")
    assert gateway.asked(suite_pb2.CreateSuiteRequest)[0].suite.source.main == "promptfooconfig.yaml"
    outcome = await adwright("eval", "suites", "create", "launch", str(folder))
    assert (outcome.code, outcome.err.count("\n")) == (2, 1)
    outcome = await adwright("eval", "suites", "list")
    assert outcome.out.splitlines()[2].split("\t")[:2] == ["launch", "3"]
    outcome = await adwright("eval", "suites", "get", "launch")
    assert outcome.out.splitlines() == [
        "suites/launch: Kept, 3 cases",
        "-- files --",
        "file\tbytes\t",
        "promptfooconfig.yaml\t24\tmain",
        "prompts/p.txt\t14\t",
    ]
    outcome = await adwright("eval", "suites", "get", "launch", "--json")
    assert json.loads(outcome.out)["caseCount"] == 3
    assert await adwright("eval", "suites", "delete", "launch") == (0, "launch deleted; runs of it stay\n", "")
    assert (await adwright("eval", "suites", "get", "launch")).code == 2


async def test_the_files_of_a_suite_come_back(
    adwright: Adwright, gateway: EvalGateway, folder: Path, tmp_path: Path
) -> None:
    await adwright("eval", "suites", "create", "launch", str(folder))
    gateway.suites[0].source.files.add(path="plain.txt", data=b"as it is")
    outcome = await adwright("eval", "suites", "get", "launch", "-o", str(tmp_path / "out"))
    assert outcome.code == 0
    assert text_of(tmp_path / "out" / "prompts" / "p.txt") == "Write of {{x}}"
    assert text_of(tmp_path / "out" / "plain.txt") == "as it is"


@pytest.mark.parametrize("path", ["../outside.txt", "/outside.txt", "a/../../outside.txt", "..\\outside.txt"])
async def test_a_file_of_a_suite_is_never_written_beside_the_folder(
    adwright: Adwright, gateway: EvalGateway, tmp_path: Path, path: str
) -> None:
    files = [suite_pb2.SuiteFile(path=each, data=b"x") for each in ("a.yaml", path)]
    source = suite_pb2.SuiteSource(main="a.yaml", files=files)
    gateway.suites = [suite_pb2.Suite(name="suites/launch", source=source)]
    outcome = await adwright("eval", "suites", "get", "launch", "-o", str(tmp_path / "out"))
    assert (outcome.code, outcome.err.count("\n")) == (2, 1)
    assert "lies outside of the folder" in outcome.err
    assert not (tmp_path / "out").exists()


async def test_a_watch_goes_on_over_a_gateway_that_crashes_and_comes_back(gateway: EvalGateway) -> None:
    gateway.watched = [a_run(state=RUNNING, done=1), 60.0]
    seen = []
    async with AsyncClient(gateway.address, gateway.api_key) as client:
        async for run in client.evaluations.watch("01jnew"):
            seen.append(run.counts.done)
            if len(seen) == 1:
                gateway.watched = []
                await gateway.stop()
                back = asyncio.create_task(_later(gateway))
        await back
    assert seen == [1, 4]


async def _later(gateway: EvalGateway) -> None:
    await asyncio.sleep(0.5)
    await gateway.start(gateway.address)


async def test_a_watch_outlasts_the_deadline_of_a_call(gateway: EvalGateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluations, "_WATCHED", 0.3)
    gateway.watched = [a_run(state=RUNNING, done=1), 60.0, a_run(state=RUNNING, done=2), 60.0]
    async with AsyncClient(gateway.address, gateway.api_key) as client:
        assert [run.counts.done async for run in client.evaluations.watch("01jnew")] == [1, 2, 4]


async def test_a_watch_that_never_hears_anything_ends(gateway: EvalGateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluations, "_WATCHED", 0.3)
    monkeypatch.setattr(evaluations, "_PATIENCE", 0.5)
    async with AsyncClient(gateway.address, gateway.api_key) as client:
        gateway.watched = [60.0]
        with pytest.raises(DeadlineTooShort):
            await anext(client.evaluations.watch("01jnew"))
        gateway.watched = [a_run(state=RUNNING), *[Unavailable("away", reason="EVALUATOR_UNAVAILABLE")] * 20]
        with pytest.raises(Unavailable, match="away"):
            [run async for run in client.evaluations.watch("01jnew")]
        gateway.watched = []
        with pytest.raises(NotFound):
            await anext(client.evaluations.watch("01jno"))


async def test_a_request_that_is_lost_on_its_way_is_sent_again_with_the_same_id(
    gateway: EvalGateway, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with AsyncClient(gateway.address, gateway.api_key) as client:
        lost = [Unavailable("gone", reason="CONNECTION_LOST"), Unavailable("not yet", reason="GATEWAY_UNREACHABLE")]
        unary = client._caller.unary

        async def losing(*arguments: object) -> object:
            answer = await unary(*arguments)  # type: ignore[arg-type]
            if lost:
                raise lost.pop(0)
            return answer

        monkeypatch.setattr(client._caller, "unary", losing)
        assert (await client.evaluations.run(folder)).name == "evaluations/01jnew"
    asked = gateway.asked(pb.RunEvaluationRequest)
    assert len(asked) == 3
    assert len({request.request_id for request in asked}) == 1


async def test_a_case_is_added_to_a_suite(gateway: EvalGateway) -> None:
    async with AsyncClient(gateway.address, gateway.api_key) as client:
        await client.suites.add_case("launch", {"vars": {"x": "tents"}, "assert": [{"type": "is-json"}]})
        [request] = gateway.asked(suite_pb2.AddCaseRequest)
        assert (request.suite, request.case["vars"]["x"]) == ("suites/launch", "tents")
        with pytest.raises(InvalidInput, match="case"):
            await client.suites.add_case("launch", {"vars": object()})


async def test_the_same_calls_are_there_without_async(gateway: EvalGateway, folder: Path) -> None:
    def work() -> None:
        with Client(gateway.address, gateway.api_key, timeout=10) as client:
            begun = client.evaluations.run(folder, pb.EvaluationOptions(repeat=2))
            assert [run.counts.done for run in client.evaluations.watch(begun.name)] == [4]
            assert client.evaluations.get("01jold").counts.failed == 1
            assert [run.name[-3:] for run in client.evaluations.list()] == ["new", "old"]
            assert len(list(client.evaluations.results("01jnew"))) == 4
            assert b"".join(client.evaluations.export("01jnew", "csv")) == b"one,two\n"
            client.evaluations.compare("01jold", b"{}", candidate_column="a × b")
            assert client.evaluations.label("01jnew", [Label(cell=CellKey(case=1))]) == 1
            assert [label.cell.case for label in client.evaluations.labels("01jnew")] == [1]
            assert client.evaluations.calibrate("01jnew", "tone").label_count == 0
            assert client.evaluations.resume("01jold", budget_usd=1).name == "evaluations/01jold"
            client.evaluations.cancel("01jnew")
            client.evaluations.delete("01jold")
            with pytest.raises(NotFound):
                client.evaluations.get("01jold")
            assert client.suites.create("launch", folder).name == "suites/launch"
            assert client.suites.get("launch").case_count == 3
            assert client.suites.add_case("launch", {"vars": {}}).case_count == 1
            client.suites.delete("launch")
            assert list(client.suites.list()) == []

    await asyncio.to_thread(work)
    assert gateway.asked(CreateLabelsRequest)[0].parent == "evaluations/01jnew"
    assert gateway.asked(pb.RunEvaluationRequest)[0].options.repeat == 2
