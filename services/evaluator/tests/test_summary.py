"""Columns in numbers: what is told is added up, and what is not told is neither free nor fast."""

import pytest

from adwright_evaluator.model import Answer, CellResult, CellStatus, Verdict
from adwright_evaluator.summary import pareto, summarise


def cell(case: int, provider: int = 0, *, passed: bool = True, error: bool = False, **answer: object) -> CellResult:
    status = CellStatus.ERROR if error else CellStatus.PASSED if passed else CellStatus.FAILED
    score = 0.0 if error else float(passed)
    verdict = None if error else Verdict(passed, score, "", named_scores={"tone": score / 2}, cost_usd=0.01)
    return CellResult(case, 0, provider, 0, status, score, Answer("x", **answer), "p", {}, verdict)  # type: ignore[arg-type]


def test_errors_are_counted_and_left_out_of_everything_else() -> None:
    [column] = summarise(
        [
            cell(0, cost_usd=0.02, latency_ms=10.0),
            cell(1, passed=False, cost_usd=0.04, latency_ms=30.0),
            cell(2, error=True),
        ]
    )
    assert (column.scored, column.passed, column.errors) == (2, 1, 1)
    assert (column.pass_rate.value, column.score.value, column.metrics["tone"].value) == (0.5, 0.5, 0.25)
    assert column.cost_usd == pytest.approx(0.04)
    assert (column.latency_p50_ms, column.latency_p95_ms) == (20.0, 29.0)


def test_answers_that_were_known_say_nothing_of_latency() -> None:
    [column] = summarise([cell(0, latency_ms=1.0, cached=True, cost_usd=0.0)])
    assert (column.latency_p50_ms, column.cost_usd) == (None, 0.01)


def test_a_cost_that_one_column_does_not_tell_makes_it_no_better() -> None:
    told, untold = summarise([cell(0, 0, cost_usd=1.0, latency_ms=5.0), cell(0, 1, latency_ms=6.0)])
    assert untold.cost_usd is None
    assert (told.pareto, untold.pareto) == (True, False)


def test_the_frontier_has_what_nothing_beats_and_ties_stay_together() -> None:
    points = [(0.9, 2.0, 5.0), (0.8, 1.0, 5.0), (0.8, 2.0, 5.0), (0.9, 2.0, 5.0)]
    assert pareto(points) == {0, 1, 3}


def test_a_column_of_errors_takes_no_cost_and_no_latency_from_the_others() -> None:
    dear, cheap, broken = summarise(
        [
            cell(0, 0, cost_usd=2.0, latency_ms=9.0),
            cell(0, 1, cost_usd=1.0, latency_ms=5.0),
            cell(0, 2, error=True),
        ]
    )
    assert (dear.pareto, cheap.pareto, broken.pareto) == (False, True, False)


def test_a_column_of_nothing_but_errors_is_not_on_the_frontier() -> None:
    [broken] = summarise([cell(0, error=True)])
    assert (broken.scored, broken.pareto) == (0, False)
