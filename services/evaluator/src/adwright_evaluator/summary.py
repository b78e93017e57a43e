"""What the cells of a run say together, column by column. Cells are looked at once and not kept."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from adwright_evaluator.model import CellResult, CellStatus, Told
from adwright_evaluator.statistics.intervals import Interval, bootstrap_mean, bounded_mean, wilson

__all__ = ["Column", "ColumnSummary", "Measure", "Tally", "interval_of", "pareto", "summarise"]

Column = tuple[int, int]
"""(provider, prompt)."""


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
    cost_usd: float | None = None
    """Of a cell, in the mean; None where providers tell no cost."""
    latency_p50_ms: float | None = None
    """None where nothing was asked: all answers were known."""
    latency_p95_ms: float | None = None
    pareto: bool = False


class Tally:
    """Adds cells up."""

    def __init__(self) -> None:
        self._columns: dict[Column, _ColumnTally] = defaultdict(_ColumnTally)

    def add(self, cells: Iterable[Told]) -> None:
        """These too."""
        for cell in cells:
            self._columns[cell.provider, cell.prompt].add(cell)

    def summaries(self) -> list[ColumnSummary]:
        """One for each column, by provider and prompt."""
        found = [self._columns[column].summary(column) for column in sorted(self._columns)]
        # A column of nothing but errors has neither quality nor cost nor latency.
        told = [index for index, each in enumerate(found) if each.scored]
        best = pareto([(found[i].score.value, found[i].cost_usd, found[i].latency_p50_ms) for i in told])
        return [replace(each, pareto=index in {told[i] for i in best}) for index, each in enumerate(found)]


def summarise(cells: Iterable[CellResult]) -> list[ColumnSummary]:
    """One for each column, by provider and prompt."""
    tally = Tally()
    tally.add(cell.told for cell in cells)
    return tally.summaries()


def pareto(points: Sequence[tuple[float, float | None, float | None]]) -> set[int]:
    """Positions of (quality, cost, latency) that no other one is better than in one without being worse in another.

    A cost or a latency that one of them does not tell is left out for all: what is not known is neither free nor fast.
    """
    told = [part for part in (1, 2) if all(point[part] is not None for point in points)]
    # Everything the higher, the better.
    marks = [(point[0], *(-(point[part] or 0.0) for part in told)) for point in points]

    def beaten(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
        return a != b and all(y >= x for x, y in zip(a, b, strict=True))

    return {i for i, a in enumerate(marks) if not any(beaten(a, b) for b in marks)}


def interval_of(
    values: Sequence[float], clusters: Sequence[int] | None = None, bounds: tuple[float, float] = (0.0, 1.0)
) -> Interval | None:
    """Of a mean. Most scores are between 0 and 1; some metrics of code are not."""
    if not values:
        return None
    if bounds[0] <= min(values) and max(values) <= bounds[1]:
        return bounded_mean(values, clusters, bounds)
    return bootstrap_mean(values, clusters)


class _Series:
    """Numbers, each with its case."""

    __slots__ = ("cases", "values")

    def __init__(self) -> None:
        self.values: list[float] = []
        self.cases: list[int] = []

    def add(self, case: int, value: float) -> None:
        self.values.append(value)
        self.cases.append(case)

    def mean(self) -> Measure:
        value = float(np.mean(self.values)) if self.values else 0.0
        return Measure(value, interval_of(self.values, self.cases))


class _ColumnTally:
    def __init__(self) -> None:
        self._errors = 0
        self._passes = _Series()
        self._scores = _Series()
        self._metrics: dict[str, _Series] = defaultdict(_Series)
        self._latencies: list[float] = []
        self._cost = 0.0
        self._costs_told = 0

    def add(self, cell: Told) -> None:
        if cell.status is CellStatus.ERROR:
            self._errors += 1
            return
        case = cell.case
        self._passes.add(case, float(cell.status is CellStatus.PASSED))
        self._scores.add(case, cell.score)
        self._cost += cell.judging_usd
        if cell.latency_ms is not None and not cell.cached:
            self._latencies.append(cell.latency_ms)
        if cell.cost_usd is not None:
            self._costs_told += 1
            self._cost += cell.cost_usd
        for name, value in cell.named_scores.items():
            self._metrics[name].add(case, value)

    def summary(self, column: Column) -> ColumnSummary:
        passes = self._passes
        n, passed = len(passes.values), int(sum(passes.values))
        repeated = len(set(passes.cases)) < n
        rate = bounded_mean(passes.values, passes.cases) if repeated else wilson(passed, n)
        p50, p95 = map(float, np.percentile(self._latencies, [50, 95])) if self._latencies else (None, None)
        return ColumnSummary(
            provider=column[0],
            prompt=column[1],
            scored=n,
            passed=passed,
            errors=self._errors,
            pass_rate=Measure(passed / n if n else 0.0, rate),
            score=self._scores.mean(),
            metrics={name: self._metrics[name].mean() for name in sorted(self._metrics)},
            cost_usd=self._cost / n if n and self._costs_told == n else None,
            latency_p50_ms=p50,
            latency_p95_ms=p95,
        )
