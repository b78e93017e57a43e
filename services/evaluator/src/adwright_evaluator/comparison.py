"""Whether one run is better than another: column against column, case by case."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
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

__all__ = ["Difference", "case_key", "compare"]

_ALPHA: Final = 0.05
_SAME: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Difference:
    """Two columns in one number, case by case. `verdict` is better, worse, or none shown."""

    baseline: Column
    candidate: Column
    metric: str
    cases: int
    left_out: int
    before: Measure
    after: Measure
    difference: Measure
    p_value: float
    adjusted_p_value: float
    detectable: float
    needed: int
    fixed: tuple[str, ...] = ()
    broken: tuple[str, ...] = ()

    @property
    def verdict(self) -> str:
        """`better`, `worse` or `none`: at five in a hundred, corrected for how many comparisons are made."""
        if self.adjusted_p_value > _ALPHA or abs(self.difference.value) < _SAME:
            return "none"
        return "better" if self.difference.value > 0 else "worse"


def case_key(cell: CellResult) -> str:
    """What makes a case the same in two runs: its variables, wherever it stands."""
    text = json.dumps(cell.vars, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def compare(
    baseline: Sequence[CellResult], candidate: Sequence[CellResult], pairs: Sequence[tuple[Column, Column]]
) -> list[Difference]:
    """The differences of each pair of columns in passing, in score and in every metric that both have."""
    found: list[Difference] = []
    for before, after in pairs:
        found += _differences(before, after, _by_case(baseline, before), _by_case(candidate, after))
    adjusted = holm([each.p_value for each in found])
    return [replace(each, adjusted_p_value=p) for each, p in zip(found, adjusted, strict=True)]


_Cases = Mapping[str, Sequence[CellResult]]


def _by_case(cells: Sequence[CellResult], column: Column) -> _Cases:
    found: dict[str, list[CellResult]] = defaultdict(list)
    turns: dict[str, dict[int, int]] = defaultdict(dict)
    for cell in cells:
        if (cell.provider, cell.prompt) == column:
            key = case_key(cell)
            # Cases with the same variables, but other assertions, are others: the first is like the first there.
            turns[key].setdefault(cell.case, len(turns[key]))
            found[f"{key}#{turns[key][cell.case]}"].append(cell)
    return found


def _differences(before: Column, after: Column, baseline: _Cases, candidate: _Cases) -> list[Difference]:
    common = [key for key in baseline if key in candidate]
    there = [
        key for key in common if all(cell.status is not CellStatus.ERROR for cell in (*baseline[key], *candidate[key]))
    ]
    metrics = ["pass", "score", *_shared_metrics([cell for key in there for cell in (*baseline[key], *candidate[key])])]
    return [
        found
        for metric in metrics
        if (found := _difference(metric, before, after, baseline, candidate, there, len(common) - len(there)))
    ]


def _shared_metrics(cells: Sequence[CellResult]) -> list[str]:
    names = [set(cell.verdict.named_scores) if cell.verdict else set() for cell in cells]
    return sorted(set.intersection(*names)) if names else []


def _difference(
    metric: str, before: Column, after: Column, baseline: _Cases, candidate: _Cases, keys: Sequence[str], left_out: int
) -> Difference | None:
    if not keys:
        return None
    first = np.array([_value(metric, baseline[key]) for key in keys])
    second = np.array([_value(metric, candidate[key]) for key in keys])
    differences = second - first
    once = all(len(baseline[key]) == len(candidate[key]) == 1 for key in keys)
    if metric == "pass" and once:
        p = mcnemar(int((differences < 0).sum()), int((differences > 0).sum()))
    else:
        p = sign_flip(differences.tolist())
    deviation = float(differences.std(ddof=1)) if len(keys) > 1 else 0.0
    mean = float(differences.mean())
    if metric == "pass" and once:
        needed = cases_needed_of_passes(mean, float((differences != 0).mean()))
    else:
        needed = cases_needed(mean, deviation)
    named = {key: f"#{baseline[key][0].case + 1} {baseline[key][0].title}" for key in keys} if metric == "pass" else {}
    return Difference(
        baseline=before,
        candidate=after,
        metric=metric,
        cases=len(keys),
        left_out=left_out,
        before=Measure(float(first.mean()), interval_of(first.tolist())),
        after=Measure(float(second.mean()), interval_of(second.tolist())),
        difference=Measure(mean, interval_of(differences.tolist(), bounds=(-1.0, 1.0))),
        p_value=p,
        adjusted_p_value=p,
        detectable=detectable_difference(deviation, len(keys)),
        needed=needed if needed > len(keys) else 0,
        fixed=tuple(named[key] for key, gain in zip(keys, differences, strict=True) if named and gain > 0),
        broken=tuple(named[key] for key, gain in zip(keys, differences, strict=True) if named and gain < 0),
    )


def _value(metric: str, cells: Sequence[CellResult]) -> float:
    """The mean over the repeats of a case."""
    if metric == "pass":
        return sum(cell.status is CellStatus.PASSED for cell in cells) / len(cells)
    if metric == "score":
        return sum(cell.score for cell in cells) / len(cells)
    return sum(cell.verdict.named_scores[metric] for cell in cells if cell.verdict) / len(cells)
