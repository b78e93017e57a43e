"""What a comparison of two runs found, as the API says it, and in a few words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Final

from adwright.evaluator.v1 import evaluation_pb2 as pb
from adwright.evaluator.v1 import label_pb2
from adwright_evaluator.comparison import Difference
from adwright_evaluator.messages import estimate
from adwright_evaluator.statistics.paired import MANY
from adwright_evaluator.summary import Column, Measure

__all__ = ["comparison_to_pb", "in_words"]

_VERDICTS: Final = {
    "better": pb.ColumnComparison.VERDICT_BETTER,
    "worse": pb.ColumnComparison.VERDICT_WORSE,
    "none": pb.ColumnComparison.VERDICT_NO_DIFFERENCE_SHOWN,
}
_MAIN: Final = ("pass", "score")
_MOST_COLUMNS: Final = 5


def comparison_to_pb(
    each: Difference, before: Mapping[Column, str], after: Mapping[Column, str]
) -> pb.ColumnComparison:
    """One row; `before` and `after` are the labels of columns."""
    return pb.ColumnComparison(
        baseline=before[each.baseline],
        candidate=after[each.candidate],
        metric=each.metric,
        cases=each.cases,
        left_out=each.left_out,
        only_in_baseline=each.only_before,
        only_in_candidate=each.only_after,
        cells_left_out=each.cells_left_out,
        before=_estimate(each.before),
        after=_estimate(each.after),
        difference=_estimate(each.difference),
        p_value=each.p_value,
        adjusted_p_value=each.adjusted_p_value,
        verdict=_VERDICTS[each.verdict],
        detectable_difference=each.detectable,
        cases_needed=each.needed,
        fixed=each.fixed,
        broken=each.broken,
    )


def in_words(found: Sequence[Difference], after: Mapping[Column, str]) -> str:
    """A sentence for each column that is shown to differ, and one for all the others."""
    columns = [list(group) for _, group in groupby(found, key=lambda each: (each.baseline, each.candidate))]
    differ = [column for column in columns if any(each.verdict != "none" for each in column)]
    said = [_of_column(column, after[column[0].candidate]) for column in differ[:_MOST_COLUMNS]]
    if len(differ) > _MOST_COLUMNS:
        said.append(f"{len(differ) - _MOST_COLUMNS} more columns differ.")
    alike = [column for column in columns if column not in differ]
    if len(alike) == 1:
        said.append(_nothing_shown(alike[0], after[alike[0][0].candidate]))
    elif alike:
        said.append(f"No difference is shown in {len(alike)} {'other columns' if differ else 'columns'}.")
    alone = max((each.only_before for each in found), default=0), max((each.only_after for each in found), default=0)
    if any(alone):
        said.append(f"Not compared: cases that are in the baseline ({alone[0]}) or the candidate ({alone[1]}) alone.")
    return " ".join(said)


def _of_column(column: Sequence[Difference], label: str) -> str:
    """`one × echo is better in pass (+0.150, p 0.003) and worse in tone (-0.100, p 0.010); nothing shown in score.`"""
    parts = []
    for verdict in ("better", "worse"):
        which = [each for each in column if each.verdict == verdict]
        if which:
            parts.append(f"{verdict} in {', '.join(f'{each.metric} ({_change(each)})' for each in which)}")
    open_ = [each.metric for each in column if each.verdict == "none" and each.metric in _MAIN]
    rest = f"; no difference is shown in {', '.join(open_)}" if open_ else ""
    return f"{label} is {' and '.join(parts)}{rest}."


def _nothing_shown(column: Sequence[Difference], label: str) -> str:
    main = [each for each in column if each.metric in _MAIN]
    changes = ", ".join(f"{each.metric} {each.difference.value:+.3f}" for each in main)
    needed = min((each.needed for each in main if each.needed), default=0)
    more = f"; about {needed:,} cases would show it, here are {main[0].cases:,}" if 0 < needed < MANY else ""
    return f"{label}: no difference is shown ({changes}{more})."


def _change(each: Difference) -> str:
    p = each.adjusted_p_value
    return f"{each.difference.value:+.3f}, {f'p {p:.3f}' if p >= 0.001 else 'p < 0.001'}"


def _estimate(measure: Measure) -> label_pb2.Estimate:
    interval = measure.interval
    return estimate(measure.value, interval.low if interval else None, interval.high if interval else None)
