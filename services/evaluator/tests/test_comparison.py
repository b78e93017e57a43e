"""Two runs, case by case: what is compared, what is left out and counted, and what is said of it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest

from adwright_evaluator.comparison import Difference, compare
from adwright_evaluator.comparison_messages import comparison_to_pb, in_words
from adwright_evaluator.model import Answer, CellResult, CellStatus, Verdict

COLUMN = (0, 0)


def cell(case: int, passed: bool | None = True, repeat: int = 0, /, **named: float) -> CellResult:
    """`passed` is None for an error."""
    status = CellStatus.ERROR if passed is None else CellStatus.PASSED if passed else CellStatus.FAILED
    score = float(bool(passed))
    verdict = None if passed is None else Verdict(passed, score, "", named_scores=named)
    return CellResult(case, 0, 0, repeat, status, score, Answer("x"), "p", {"n": case}, verdict)


def compared(before: Sequence[CellResult], after: Sequence[CellResult]) -> Mapping[str, Difference]:
    return {each.metric: each for each in compare(before, after, [(COLUMN, COLUMN)])}


def test_cases_that_one_run_alone_has_are_counted() -> None:
    passing = compared([cell(n) for n in range(20)], [cell(n) for n in range(10, 35)])["pass"]
    assert (passing.cases, passing.left_out, passing.only_before, passing.only_after) == (10, 0, 10, 15)
    said = comparison_to_pb(passing, {COLUMN: "a"}, {COLUMN: "a"})
    assert (said.only_in_baseline, said.only_in_candidate) == (10, 15)


def test_an_error_in_one_repeat_leaves_the_others_to_speak_for_the_case() -> None:
    before = [cell(n, False, r) for n in range(4) for r in range(3)]
    after = [cell(n, None if (n, r) == (1, 2) else True, r) for n in range(4) for r in range(3)]
    passing = compared(before, after)["pass"]
    assert (passing.cases, passing.left_out, passing.cells_left_out) == (4, 0, 1)
    assert passing.difference.value == 1.0


def test_a_case_without_any_result_on_one_side_is_left_out_and_counted() -> None:
    before = [cell(n, True, r) for n in range(4) for r in range(2)]
    after = [cell(n, None if n == 1 else True, r) for n in range(4) for r in range(2)]
    passing = compared(before, after)["pass"]
    assert (passing.cases, passing.left_out, passing.cells_left_out) == (3, 1, 0)


def test_a_metric_that_only_some_cases_ask_for_is_compared_on_these() -> None:
    before = [cell(n, **({"tone": 0.0} if n < 8 else {})) for n in range(20)]
    after = [cell(n, **({"tone": 1.0} if n < 7 else {})) for n in range(20)]
    found = compared(before, after)
    assert (found["tone"].cases, found["tone"].left_out, found["pass"].cases) == (7, 1, 20)
    assert found["tone"].verdict == "better"


def test_more_cases_are_needed_where_more_is_compared_at_once() -> None:
    before = [cell(n, n % 2 == 0) for n in range(40)]
    after = [cell(n, n % 2 == 0 or n < 6) for n in range(40)]
    alone = compared(before, after)["pass"]
    metrics = {f"m{k}": 0.5 for k in range(10)}
    crowd = compared(
        [cell(each.case, each.status is CellStatus.PASSED, **metrics) for each in before],
        [cell(each.case, each.status is CellStatus.PASSED, **metrics) for each in after],
    )["pass"]
    assert alone.verdict == crowd.verdict == "none"
    assert 40 < alone.needed < crowd.needed
    assert alone.detectable < crowd.detectable


def test_a_difference_of_next_to_nothing_needs_a_number_of_cases_that_can_be_said() -> None:
    before = [replace(cell(n), score=0.5 + n % 2 / 4) for n in range(30)]
    after = [replace(each, score=each.score + (1e-7 if each.case else -2e-6)) for each in before]
    for each in compared(before, after).values():
        assert comparison_to_pb(each, {COLUMN: "a"}, {COLUMN: "a"}).cases_needed >= 0


def test_the_summary_is_a_sentence_of_what_is_shown_to_differ() -> None:
    same = {f"m{k}": 0.5 for k in range(10)}
    before = [cell(n, False, tone=1.0, **same) for n in range(30)]
    after = [cell(n, True, tone=0.0, **same) for n in range(30)]
    said = in_words(compare(before, after, [(COLUMN, COLUMN)]), {COLUMN: "new × echo"})
    assert said == (
        "new × echo is better in pass (+1.000, p < 0.001), score (+1.000, p 0.001) and worse in tone (-1.000, p 0.001)."
    )


def test_a_summary_without_a_difference_says_how_many_cases_would_show_one() -> None:
    before = [cell(n, n % 2 == 0) for n in range(40)]
    after = [cell(n, n % 2 == 0 or n < 6) for n in range(44)]
    said = in_words(compare(before, after, [(COLUMN, COLUMN)]), {COLUMN: "new × echo"})
    assert said.startswith("new × echo: no difference is shown (pass +0.075, score +0.075; about ")
    assert said.endswith(
        "cases would show it, here are 40). "
        "Not compared: cases that are in the baseline (0) or the candidate (4) alone."
    )


def test_many_columns_are_not_told_one_by_one() -> None:
    cells = [replace(cell(n), prompt=q) for n in range(10) for q in range(12)]
    columns = [(0, q) for q in range(12)]
    said = in_words(compare(cells, cells, [(each, each) for each in columns]), dict.fromkeys(columns, "x"))
    assert said == "No difference is shown in 12 columns."


@pytest.mark.parametrize("repeats", [1, 3])
def test_no_false_better_in_more_than_5_of_100_comparisons(repeats: int) -> None:
    generator, runs, false = np.random.default_rng(9), 200, 0
    for _ in range(runs):
        shares = generator.beta(1.5, 1, size=30)
        sides: list[list[CellResult]] = []
        for _ in range(2):
            # One call in twenty is an error; a metric follows the pass, another has a long tail.
            passed = generator.random((30, repeats)) < shares[:, None]
            errors = generator.random((30, repeats)) < 0.05
            tails = generator.exponential(1, size=(30, repeats))
            sides.append(
                [
                    cell(
                        n,
                        None if errors[n, r] else bool(passed[n, r]),
                        r,
                        tone=float(passed[n, r]) / 2,
                        length=float(tails[n, r]),
                    )
                    for n in range(30)
                    for r in range(repeats)
                ]
            )
        false += any(each.verdict != "none" for each in compared(*sides).values())
    # Two standard errors of 200 draws are 0.031.
    assert false / runs <= 0.05 + 0.031


@pytest.mark.parametrize("repeats", [1, 3])
def test_runs_that_are_alike_are_not_said_to_differ(repeats: int) -> None:
    cells = [cell(n, n % 3 > 0, r) for n in range(30) for r in range(repeats)]
    assert {each.verdict for each in compared(cells, cells).values()} == {"none"}
