"""Judges held against people: on cases that they were not fitted on, and without people's own word."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from adwright.evaluator.v1 import label_pb2 as pb
from adwright_evaluator.judge_calibration import calibrated
from adwright_evaluator.judge_scores import judged
from adwright_evaluator.labels import Label
from adwright_evaluator.model import Answer, Assertion, AssertionSet, CellResult, CellStatus, Outcome, Verdict
from adwright_evaluator.runs.scoring import together
from adwright_servicekit.errors import FailedPrecondition

RUN: Any = SimpleNamespace(name="evaluations/one")


def cell(case: int, score: float, repeat: int = 0, verdict: Verdict | None = None) -> CellResult:
    verdict = verdict or Verdict(True, score, "")
    return CellResult(case, 0, 0, repeat, CellStatus.PASSED, score, Answer("x"), "p", {"n": case}, verdict)


def label(of: CellResult, passed: bool, metric: str = "", by: str = "ida") -> Label:
    time = datetime(2026, 1, 1, tzinfo=UTC)
    return Label(of.case, of.provider, of.prompt, of.repeat, by, metric, passed, None, "", time)


def said(assertion: Assertion, score: float) -> Verdict:
    return Verdict(score >= 0.5, score, "", assertion=assertion)


def of_noise(seed: int, cases: int, repeats: int) -> pb.CalibrateJudgeResponse:
    """A judge that says the same in all repeats of a case, and knows nothing of what people say."""
    generator = np.random.default_rng(seed)
    cells, labels = [], []
    for case in range(cases):
        score, passed = float(generator.random()), case % 2 == 0
        for repeat in range(repeats):
            cells.append(cell(case, score, repeat))
            labels.append(label(cells[-1], passed))
    return calibrated(RUN, cells, labels, "")


def test_repeats_do_not_tell_the_judge_what_people_will_say() -> None:
    found = [of_noise(seed, 24, 5) for seed in range(120)]
    assert {(each.label_count, each.case_count, each.fitted_on, each.fitted_on_cases) for each in found} == {
        (120, 24, 60, 12)
    }
    assert abs(float(np.mean([each.kappa.value for each in found]))) < 0.1
    assert sum(each.kappa.low > 0 for each in found) / len(found) <= 0.05


def test_few_cases_have_no_interval_however_often_they_are_repeated() -> None:
    said = of_noise(1, 12, 10)
    assert not said.kappa.HasField("low")
    assert "too few cases to say how sure that is" in said.summary


def test_both_halves_have_both_kinds_of_labels() -> None:
    # Two of forty are bad: one of them is in each half.
    cells = [cell(case, 0.2 if case in (7, 8) else 0.9) for case in range(40)]
    found = calibrated(RUN, cells, [label(each, each.case not in (7, 8)) for each in cells], "")
    assert (found.fitted_on, found.kappa.value) == (20, 1.0)
    assert found.kappa.low < 0.6


def test_one_bad_case_is_too_little_to_fit_and_to_try() -> None:
    cells = [cell(case, 0.2 if case == 7 else 0.9) for case in range(40)]
    with pytest.raises(FailedPrecondition, match="label cells of both kinds, in several cases"):
        calibrated(RUN, cells, [label(each, each.case != 7) for each in cells], "")


def test_a_judge_that_says_the_same_of_all_agrees_by_chance_alone() -> None:
    cells = [cell(case, 0.5) for case in range(40)]
    found = calibrated(RUN, cells, [label(each, each.case % 4 == 0) for each in cells], "")
    assert found.kappa.value == 0.0
    assert found.recall.value == 1.0


def test_the_threshold_is_where_people_draw_the_line() -> None:
    cells = [cell(case, case / 200) for case in range(200)]
    found = calibrated(RUN, cells, [label(each, (each.case >= 120) != (each.case % 20 == 7)) for each in cells], "")
    assert 0.55 <= found.threshold <= 0.65
    assert found.agreement.value == pytest.approx(0.95, abs=0.05)


def test_twenty_thousand_labels_are_calibrated_at_once() -> None:
    generator = np.random.default_rng(2)
    cells = [cell(case, float(generator.random())) for case in range(20_000)]
    began = datetime.now(UTC)
    calibrated(RUN, cells, [label(each, each.case % 2 == 0) for each in cells], "")
    # A comparison of each with each takes minutes.
    assert (datetime.now(UTC) - began).total_seconds() < 10


def test_people_are_not_held_against_their_own_word() -> None:
    judge, person = Assertion("llm-rubric", metric="tone"), Assertion("human", metric="tone")
    parts = [said(judge, 0.2), said(person, 1.0)]
    one = cell(0, 0.6, verdict=together(parts, None))
    for metric in ("", "tone", "llm-rubric"):
        assert [item.score for item in judged([one], [label(one, True)], metric)] == [0.2]
    assert judged([one], [label(one, True)], "human") == []


def test_people_in_a_set_of_assertions_are_left_out_there_too() -> None:
    both = AssertionSet((), metric="tone")
    inner = together([said(Assertion("llm-rubric"), 0.3), said(Assertion("human"), 1.0)], None)
    whole = Verdict(inner.passed, inner.score, "", components=inner.components, assertion=both)
    one = cell(0, 0.65, verdict=together([whole], None))
    for metric in ("", "tone"):
        assert [item.score for item in judged([one], [label(one, True)], metric)] == [0.3]


def test_a_cell_that_only_people_judge_says_nothing_of_a_judge() -> None:
    waiting = Verdict(True, 0.0, "", Outcome.NOT_APPLICABLE, assertion=Assertion("human"))
    one = cell(0, 1.0, verdict=together([waiting], None))
    assert judged([one], [label(one, True)], "") == []


def test_a_label_of_the_metric_counts_more_than_one_of_the_whole() -> None:
    one = cell(0, 0.5, verdict=together([said(Assertion("llm-rubric", metric="tone"), 0.5)], None))
    labels = [label(one, True), label(one, False, "tone"), label(one, True, "other")]
    assert [item.person for item in judged([one], labels, "tone")] == [False]
    assert [item.person for item in judged([one], labels, "")] == [True]
