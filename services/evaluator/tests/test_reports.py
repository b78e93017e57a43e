"""Runs as files: made piece by piece, whatever the size of outputs, and harmless to who opens them."""

import csv
import io
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from adwright_evaluator.model import JSON, Answer, CellResult, CellStatus, Verdict
from adwright_evaluator.reports import FORMATS, RunView, read_results

_SIZE = 300_000


def cell(case: int, output: JSON = "x", **variables: JSON) -> CellResult:
    verdict = Verdict(True, 1.0, "", components=(Verdict(True, 1.0, "it holds"),))
    return CellResult(case, 0, 0, 0, CellStatus.PASSED, 1.0, Answer(output), "p", variables, verdict)


class Large:
    """Cells that are there only while somebody looks at them."""

    def __iter__(self) -> Iterator[CellResult]:
        return (cell(case, str(case % 10) * _SIZE) for case in range(60))


def view(cells: list[CellResult] | Large) -> RunView:
    time = datetime(2026, 1, 1, tzinfo=UTC)
    return RunView("evaluations/one", "", time, (("label", "text"),), ("echo",), cells)


@pytest.mark.parametrize("report", FORMATS)
def test_a_file_is_made_without_holding_all_outputs(report: str) -> None:
    list(FORMATS[report](view([cell(0)])))
    tracemalloc.start()
    size = sum(map(len, FORMATS[report](view(Large()))))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert report == "xml" or size > 60 * _SIZE
    # A handful of cells, each some times over; all of them would be sixty.
    assert peak < 15 * _SIZE


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", "\n=1+1", "  =1", "\u200b=1", "\ufeff@x", "＝1+1", "＠x"]
)
def test_no_text_becomes_a_formula_in_a_spreadsheet(text: str) -> None:
    rows = list(csv.DictReader(io.StringIO(b"".join(FORMATS["csv"](view([cell(0, text)]))).decode(), newline="")))
    assert rows[0]["output"] == f"'{text}"


@pytest.mark.parametrize("text", ["a = b", "1-1", "x@example.org", "“=1”", ""])
def test_texts_that_are_no_formulas_stay_as_they_are(text: str) -> None:
    rows = list(csv.DictReader(io.StringIO(b"".join(FORMATS["csv"](view([cell(0, text)]))).decode(), newline="")))
    assert rows[0]["output"] == text


def test_a_case_whose_variables_were_shortened_is_the_same_in_a_file_of_results() -> None:
    short = replace(cell(0, x="begin…"), vars_hash="0123456789abcdef")
    [again] = read_results(b"".join(FORMATS["json"](view([short])))).cells
    assert again.case_key == short.case_key
