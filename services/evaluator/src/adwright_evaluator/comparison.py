"""What the cells of a run say together, and whether one run is better than another."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from adwright_evaluator.model import CellResult, CellStatus, Usage
from adwright_evaluator.statistics.intervals import Interval, bootstrap_mean, bounded_mean, wilson
from adwright_evaluator.statistics.paired import (
    cases_needed,
    cases_needed_of_passes,
    detectable_difference,
    holm,
    mcnemar,
    sign_flip,
)

__all__ = ["Column", "ColumnSummary", "Difference", "Measure", "case_key", "compare", "pareto", "summarise"]

Column = tuple[int, int]
"""(provider, prompt)."""
_ALPHA: Final = 0.05
_SAME: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Measure:
    """A number and how sure it is."""

    value: float
    interval: Interval | None = None


@dataclass(frozen=True, slots=True)
class ColumnSummary:
    """What one provider made of one prompt; errors are left out of everything but their count."""

    provider: int
    prompt: int
    scored: int
    passed: int
    errors: int
    pass_rate: Measure
    score: Measure
    metrics: Mapping[str, Measure] = field(default_factory=dict)
    cost_usd: float = 0.0
    """Of a cell, in the mean."""
    latency_p50_ms: float = 0.0
    latency_p95_ms: float = 0.0
    usage: Usage = field(default_factory=Usage)
    pareto: bool = False


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


def summarise(cells: Iterable[CellResult]) -> list[ColumnSummary]:
    """One for each column, by provider and prompt."""
    columns: dict[Column, list[CellResult]] = defaultdict(list)
    for cell in cells:
        columns[cell.provider, cell.prompt].append(cell)
    found = [_summary(column, columns[column]) for column in sorted(columns)]
    best = pareto([(each.score.value, each.cost_usd, each.latency_p50_ms) for each in found])
    return [_marked(each, index in best) for index, each in enumerate(found)]


def pareto(points: Sequence[tuple[float, float, float]]) -> set[int]:
    """Positions of (quality, cost, latency) that no other one is better than in one without being worse in another."""

    def beaten(a: tuple[float, float, float], b: tuple[float, float, float]) -> bool:
        no_worse = b[0] >= a[0] and b[1] <= a[1] and b[2] <= a[2]
        return no_worse and (b[0] > a[0] or b[1] < a[1] or b[2] < a[2])

    return {i for i, a in enumerate(points) if not any(beaten(a, b) for b in points)}


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
    return [_adjusted(each, p) for each, p in zip(found, adjusted, strict=True)]


def _summary(column: Column, cells: Sequence[CellResult]) -> ColumnSummary:
    scored = [cell for cell in cells if cell.status is not CellStatus.ERROR]
    clusters = [cell.case for cell in scored]
    passed = sum(cell.status is CellStatus.PASSED for cell in scored)
    repeated = len(set(clusters)) < len(scored)
    passes = [float(cell.status is CellStatus.PASSED) for cell in scored]
    rate = bounded_mean(passes, clusters) if repeated else wilson(passed, len(scored))
    latencies = [
        cell.answer.latency_ms for cell in scored if cell.answer.latency_ms is not None and not cell.answer.cached
    ]
    p50, p95 = np.percentile(latencies, [50, 95]) if latencies else (0.0, 0.0)
    names = sorted({name for cell in scored if cell.verdict for name in cell.verdict.named_scores})
    n = len(scored)
    return ColumnSummary(
        provider=column[0],
        prompt=column[1],
        scored=n,
        passed=passed,
        errors=len(cells) - n,
        pass_rate=Measure(passed / n if n else 0.0, rate),
        score=_mean([cell.score for cell in scored], clusters),
        metrics={name: _metric(name, scored) for name in names},
        cost_usd=sum(_cost(cell) for cell in scored) / n if n else 0.0,
        latency_p50_ms=float(p50),
        latency_p95_ms=float(p95),
        usage=sum((cell.answer.usage for cell in scored), Usage()),
    )


def _marked(summary: ColumnSummary, pareto: bool) -> ColumnSummary:

    return replace(summary, pareto=pareto)


def _mean(values: Sequence[float], clusters: Sequence[int]) -> Measure:
    return Measure(float(np.mean(values)) if values else 0.0, _interval(values, clusters))


def _interval(
    values: Sequence[float], clusters: Sequence[int] | None = None, bounds: tuple[float, float] = (0.0, 1.0)
) -> Interval | None:
    """Most scores are between 0 and 1; some metrics of code are not."""
    if not values:
        return None
    if bounds[0] <= min(values) and max(values) <= bounds[1]:
        return bounded_mean(values, clusters, bounds)
    return bootstrap_mean(values, clusters)


def _metric(name: str, cells: Sequence[CellResult]) -> Measure:
    having = [cell for cell in cells if cell.verdict and name in cell.verdict.named_scores]
    return _mean([cell.verdict.named_scores[name] for cell in having if cell.verdict], [cell.case for cell in having])


def _cost(cell: CellResult) -> float:
    return (cell.answer.cost_usd or 0.0) + (cell.verdict.cost_usd if cell.verdict else 0.0)


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
    named = {key: _name(baseline[key][0]) for key in keys} if metric == "pass" else {}
    return Difference(
        baseline=before,
        candidate=after,
        metric=metric,
        cases=len(keys),
        left_out=left_out,
        before=Measure(float(first.mean()), _interval(first.tolist())),
        after=Measure(float(second.mean()), _interval(second.tolist())),
        difference=Measure(mean, _interval(differences.tolist(), bounds=(-1.0, 1.0))),
        p_value=p,
        adjusted_p_value=p,
        detectable=detectable_difference(deviation, len(keys)),
        needed=needed if needed > len(keys) else 0,
        fixed=tuple(named[key] for key, gain in zip(keys, differences, strict=True) if named and gain > 0),
        broken=tuple(named[key] for key, gain in zip(keys, differences, strict=True) if named and gain < 0),
    )


def _adjusted(difference: Difference, p: float) -> Difference:

    return replace(difference, adjusted_p_value=p)


def _value(metric: str, cells: Sequence[CellResult]) -> float:
    """The mean over the repeats of a case."""
    if metric == "pass":
        return sum(cell.status is CellStatus.PASSED for cell in cells) / len(cells)
    if metric == "score":
        return sum(cell.score for cell in cells) / len(cells)
    return sum(cell.verdict.named_scores[metric] for cell in cells if cell.verdict) / len(cells)


def _name(cell: CellResult) -> str:
    text = ", ".join(f"{name}: {value}" for name, value in cell.vars.items())
    return f"#{cell.case + 1} {text}"[:120]
