"""Runs beside runs, and judges beside people, as tables."""

from __future__ import annotations

from typing import Final

from adwright.evaluator.v1.evaluation_pb2 import ColumnComparison, CompareEvaluationsResponse
from adwright.evaluator.v1.label_pb2 import CalibrateJudgeResponse, Estimate

from ._eval_tables import flat, show_table
from ._words import printable

__all__ = ["show_agreement", "show_differences"]

_MOST_NAMES: Final = 10
_AS_GOOD_AS_NEVER: Final = 1_000_000
"""Cases."""
_VERDICTS = {
    ColumnComparison.VERDICT_BETTER: "better",
    ColumnComparison.VERDICT_WORSE: "worse",
    ColumnComparison.VERDICT_NO_DIFFERENCE_SHOWN: "no difference shown",
}


def show_differences(said: CompareEvaluationsResponse) -> None:
    """Two runs, and what they mean."""
    rows = [
        [
            each.candidate if each.candidate == each.baseline else f"{each.baseline} → {each.candidate}",
            each.metric,
            f"{each.before.value:.3f}",
            f"{each.after.value:.3f}",
            _signed(each.difference),
            f"{each.adjusted_p_value:.3f}" if each.adjusted_p_value >= 0.001 else "< 0.001",
            _VERDICTS.get(each.verdict, "?"),
            _cases(each),
        ]
        for each in said.columns
    ]
    heads = ["column", "of", "before", "after", "difference (95 %)", "p (adjusted)", "verdict", "cases"]
    show_table("comparison", heads, rows)
    for each in said.columns:
        more = each.cases_needed - each.cases
        if each.verdict == ColumnComparison.VERDICT_NO_DIFFERENCE_SHOWN and 0 < more < _AS_GOOD_AS_NEVER:
            print(f"{flat(each.candidate)}, {flat(each.metric)}: about {more:,} more cases would show it")
        for word, names in (("fixed", each.fixed), ("broken", each.broken)):
            for name in names[:_MOST_NAMES]:
                print(f"{word}: {flat(name)}")
            if len(names) > _MOST_NAMES:
                print(f"{word}: … and {len(names) - _MOST_NAMES} more")
    print(printable(said.summary))


def show_agreement(said: CalibrateJudgeResponse) -> None:
    """A judge against people."""
    rows = []
    for name in ("agreement", "kappa", "alpha", "precision", "recall"):
        if not said.HasField(name):
            rows.append([name, "undefined", ""])
            continue
        estimate = getattr(said, name)
        interval = f"{estimate.low:.2f} to {estimate.high:.2f}" if estimate.HasField("low") else ""
        rows.append([name, f"{estimate.value:.2f}", interval])
    fitted = (
        f"{said.label_count} labels of {said.case_count} cases; threshold {said.threshold:.2f}, fitted on "
        f"{said.fitted_on} of {said.fitted_on_cases} cases"
    )
    show_table(fitted, ["", "value", "95 %"], rows)
    print(printable(said.summary))


def _cases(each: ColumnComparison) -> str:
    """`40, 2 left out, 1 only before`."""
    alone = (
        (each.left_out, "left out"),
        (each.only_in_baseline, "only before"),
        (each.only_in_candidate, "only after"),
        (each.cells_left_out, "cells left out"),
    )
    return ", ".join([str(each.cases), *(f"{count} {word}" for count, word in alone if count)])


def _signed(estimate: Estimate) -> str:
    interval = f" ({estimate.low:+.3f} to {estimate.high:+.3f})" if estimate.HasField("low") else ""
    return f"{estimate.value:+.3f}{interval}"
