import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from client_events import Adwright
from eval_gateway import EvalGateway

from adwright.evaluator.v1.label_pb2 import CellKey, CreateLabelsRequest, Label


@pytest.fixture
async def gateway() -> AsyncIterator[EvalGateway]:
    async with EvalGateway() as gateway:
        yield gateway


def label(case: int, provider: int, *, good: bool, **rest: object) -> Label:
    made = Label(cell=CellKey(case=case, provider=provider), **rest)  # type: ignore[arg-type]
    setattr(made, "pass", good)
    return made


LABELS = [
    label(0, 1, good=True, labeler="ida", comment='says "tent",\nand more'),
    label(1, 0, good=False, labeler="ida", metric="tone", score=0.25),
]


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
async def test_labels_come_back_from_a_file_as_they_were(
    adwright: Adwright, gateway: EvalGateway, tmp_path: Path, ending: str
) -> None:
    gateway.labels = list(LABELS)
    path = str(tmp_path / f"labels.{ending}")
    outcome = await adwright("eval", "labels", "export", "latest", "-o", path)
    assert outcome == (0, f"2 labels written to {path}\n", "")
    gateway.labels = []
    outcome = await adwright("eval", "labels", "import", "latest", path)
    assert outcome == (0, "2 labels imported to evaluations/01jnew\n", "")
    assert gateway.labels == LABELS


async def test_a_csv_file_has_named_columns(adwright: Adwright, gateway: EvalGateway, tmp_path: Path) -> None:
    gateway.labels = [LABELS[1]]
    await adwright("eval", "labels", "export", "latest", "-o", str(tmp_path / "l.csv"))
    assert (tmp_path / "l.csv").read_text().splitlines() == [
        "case,provider,prompt,repeat,labeler,metric,pass,score,comment",
        "1,0,0,0,ida,tone,False,0.25,",
    ]


async def test_each_bad_row_is_named_with_its_line_and_nothing_is_written(
    adwright: Adwright, gateway: EvalGateway, tmp_path: Path
) -> None:
    path = tmp_path / "l.csv"
    path.write_text(
        "case,provider,pass,score,comment\n"
        '0,0,yes,,"a comment\nof two lines"\n'
        "0,0,perhaps,,\n"
        "\n"
        "x,0,yes,,\n"
        ",0,yes,,\n"
        "0,,yes,,\n"
        "0,0,no,1.5,\n"
        "0,0,no,nan,\n"
        "7,1,no,0.5,\n"
        f"0,0,no,,{'x' * 2001}\n"
    )
    outcome = await adwright("eval", "labels", "import", "01jnew", str(path))
    assert (outcome.code, outcome.out, gateway.labels) == (2, "", [])
    assert [line.removeprefix(f"{path}:") for line in outcome.err.splitlines()] == [
        "4: pass: 'perhaps' is neither true nor false",
        "6: case: 'x' is no number from 0",
        "7: case: '' is no number from 0",
        "8: provider: '' is no number from 0",
        "9: score: 1.5 is not between 0 and 1",
        "10: score: nan is not between 0 and 1",
        "11: the run has no cell of case 7, provider 1, prompt 0, repeat 0; they count from 0",
        "12: comment: has 2001 characters, and at most 2000 are kept",
        f"adwright: {path}: 8 rows are wrong, nothing was imported [LABEL_INVALID]",
    ]


async def test_jsonl_rows_that_are_none_are_named_too(adwright: Adwright, gateway: EvalGateway, tmp_path: Path) -> None:
    path = tmp_path / "l.jsonl"
    rows = [json.dumps({"case": 1, "provider": 0, "pass": True}), "{", "[]", "", json.dumps({"case": True})]
    path.write_text("\n".join(rows))
    outcome = await adwright("eval", "labels", "import", "latest", str(path))
    assert (outcome.code, gateway.labels) == (2, [])
    assert [line.removeprefix(f"{path}:") for line in outcome.err.splitlines()[:-1]] == [
        "2: is no JSON object",
        "3: is no JSON object",
        "5: pass: '' is neither true nor false",
    ]


async def test_files_that_hold_no_labels_are_one_line(adwright: Adwright, gateway: EvalGateway, tmp_path: Path) -> None:
    (tmp_path / "heads.csv").write_text("provider,pass\n0,yes\n")
    (tmp_path / "latin.csv").write_bytes(b"case,pass\n0,\xe9\n")
    for name, words in (
        ("heads.csv", ":1: there is no column case [LABEL_INVALID]"),
        ("latin.csv", " is not UTF-8 text [FILE_NOT_TEXT]"),
        ("labels.txt", ": labels are kept in .csv or .jsonl files [USAGE]"),
        ("no.csv", ": No such file or directory [FILE_UNREADABLE]"),
    ):
        outcome = await adwright("eval", "labels", "import", "latest", str(tmp_path / name))
        assert (outcome.code, outcome.out, outcome.err.count("\n")) == (2, "", 1)
        assert outcome.err.endswith(f"{name}{words}\n")


async def test_many_labels_go_in_several_requests(adwright: Adwright, gateway: EvalGateway, tmp_path: Path) -> None:
    rows = [f"0,0,yes,person-{number}" for number in range(1100)]
    (tmp_path / "l.csv").write_text("\n".join(["case,provider,pass,labeler", *rows]))
    assert (await adwright("eval", "labels", "import", "latest", str(tmp_path / "l.csv"))).code == 0
    assert [len(request.labels) for request in gateway.asked(CreateLabelsRequest)] == [500, 500, 100]


async def test_labelling_needs_a_terminal(adwright_process: Adwright, gateway: EvalGateway) -> None:
    outcome = await adwright_process("eval", "label", "latest")
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (2, "", 1)
    assert outcome.err.endswith("[NO_TERMINAL]\n")
