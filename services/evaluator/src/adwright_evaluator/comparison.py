"""Whether one run is better than another: column against column, case by case."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Final

import numpy as np

from adwright_evaluator.model import CellResult, CellStatus
from adwright_evaluator.statistics.paired import (
    cases_needed,
    cases_needed_of_passes,
    detectable_difference,
    holm,
    mcnemar,
    sign_flip,
)
from adwright_evaluator.summary import Column, Measure, interval_of

__all__ = ["Difference", "compare"]

_ALPHA: Final = 0.05
_SAME: Final = 1e-9
_OF_ALL: Final = ("pass", "score")
"""What every cell has that could be told."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Two columns in one number, case by case. `verdict` is better, worse, or none shown."""

    baseline: Column
    candidate: Column
    metric: str
    cases: int
    left_out: int
    """Cases in both that one of the two could not tell, in no repeat."""
    only_before: int
    only_after: int
    """Cases in one of the two alone."""
    cells_left_out: int
    """Repeats that could not be told, of cases that other repeats stand for."""
    before: Measure
    after: Measure
    difference: Measure
    deviation: float
    """Of the differences between cases."""
    p_value: float
    discordant: float | None = None
    """Share of the cases that one of the two alone passes, where each was tried once."""
    adjusted_p_value: float = 1.0
    detectable: float = math.inf
    needed: int = 0
    fixed: tuple[str, ...] = ()
    broken: tuple[str, ...] = ()

    @property
    def verdict(self) -> str:
        """`better`, `worse` or `none`: at five in a hundred, corrected for how many comparisons are made."""
        if self.adjusted_p_value > _ALPHA or abs(self.difference.value) < _SAME:
            return "none"
        return "better" if self.difference.value > 0 else "worse"


def compare(
    baseline: Sequence[CellResult], candidate: Sequence[CellResult], pairs: Sequence[tuple[Column, Column]]
) -> list[Difference]:
    """The differences of each pair of columns in passing, in score and in every metric that both have."""
    found: list[Difference] = []
    for before, after in pairs:
        found += _differences(before, after, _by_case(baseline, before), _by_case(candidate, after))
    adjusted = holm([each.p_value for each in found])
    found = [replace(each, adjusted_p_value=p) for each, p in zip(found, adjusted, strict=True)]
    # What is not shown yet would have to pass Holm's first step among its like.
    alpha = _ALPHA / max(1, sum(each.verdict == "none" for each in found))
    return [_with_power(each, alpha) for each in found]


_Cases = Mapping[str, Sequence[CellResult]]


def _by_case(cells: Sequence[CellResult], column: Column) -> _Cases:
    found: dict[str, list[CellResult]] = defaultdict(list)
    turns: dict[str, dict[int, int]] = defaultdict(dict)
    for cell in cells:
        if (cell.provider, cell.prompt) == column:
            key = cell.case_key
            # Cases with the same variables, but other assertions, are others: the first is like the first there.
            turns[key].setdefault(cell.case, len(turns[key]))
            found[f"{key}#{turns[key][cell.case]}"].append(cell)
    return found


def _differences(before: Column, after: Column, baseline: _Cases, candidate: _Cases) -> list[Difference]:
    names = ["pass", "score", *sorted(_metrics(baseline) & _metrics(candidate))]
    return [found for name in names if (found := _difference(name, before, after, baseline, candidate))]


def _metrics(cases: _Cases) -> set[str]:
    told = (cell.verdict for cells in cases.values() for cell in cells if cell.verdict)
    return {name for verdict in told for name in verdict.named_scores}


def _difference(metric: str, before: Column, after: Column, baseline: _Cases, candidate: _Cases) -> Difference | None:
    said = {key: _values(metric, cells) for key, cells in baseline.items()}
    says = {key: _values(metric, cells) for key, cells in candidate.items()}
    there = [key for key in said if key in says]
    if metric not in _OF_ALL:
        # Where neither has the metric, the case does not ask for it.
        there = [key for key in there if said[key] or says[key]]
    keys = [key for key in there if said[key] and says[key]]
    if not keys:
        return None
    first, second = (np.array([fmean(values[key]) for key in keys]) for values in (said, says))
    differences = second - first
    once = metric == "pass" and all(len(said[key]) == len(says[key]) == 1 for key in keys)
    mean = float(differences.mean())
    named = {key: f"#{baseline[key][0].case + 1} {baseline[key][0].title}" for key in keys} if metric == "pass" else {}
    return Difference(
        baseline=before,
        candidate=after,
        metric=metric,
        cases=len(keys),
        left_out=len(there) - len(keys),
        only_before=len(baseline.keys() - candidate.keys()),
        only_after=len(candidate.keys() - baseline.keys()),
        cells_left_out=sum(_untold(cases[key]) for cases in (baseline, candidate) for key in keys),
        before=Measure(float(first.mean()), interval_of(first.tolist())),
        after=Measure(float(second.mean()), interval_of(second.tolist())),
        difference=Measure(mean, interval_of(differences.tolist(), bounds=(-1.0, 1.0))),
        deviation=float(differences.std(ddof=1)) if len(keys) > 1 else 0.0,
        discordant=float((differences != 0).mean()) if once else None,
        p_value=mcnemar(int((differences < 0).sum()), int((differences > 0).sum()))
        if once
        else sign_flip(differences.tolist()),
        fixed=tuple(named[key] for key, gain in zip(keys, differences, strict=True) if named and gain > 0),
        broken=tuple(named[key] for key, gain in zip(keys, differences, strict=True) if named and gain < 0),
    )


def _with_power(found: Difference, alpha: float) -> Difference:
    """How small a difference these cases would show at this level, and how many would show the one that is seen."""
    change = found.difference.value
    if found.verdict != "none":
        needed = 0
    elif found.discordant is not None:
        needed = cases_needed_of_passes(change, found.discordant, alpha=alpha)
    else:
        needed = cases_needed(change, found.deviation, alpha=alpha)
    return replace(
        found,
        detectable=detectable_difference(found.deviation, found.cases, alpha=alpha),
        needed=needed if needed > found.cases else 0,
    )


def _values(metric: str, cells: Sequence[CellResult]) -> list[float]:
    """What the repeats of a case say that could be told."""
    told = [cell for cell in cells if cell.status is not CellStatus.ERROR]
    if metric == "pass":
        return [float(cell.status is CellStatus.PASSED) for cell in told]
    if metric == "score":
        return [cell.score for cell in told]
    verdicts = [cell.verdict for cell in told if cell.verdict]
    return [verdict.named_scores[metric] for verdict in verdicts if metric in verdict.named_scores]


def _untold(cells: Sequence[CellResult]) -> int:
    return sum(cell.status is CellStatus.ERROR for cell in cells)
