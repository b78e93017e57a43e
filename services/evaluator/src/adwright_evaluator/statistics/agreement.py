"""Do two agree, beyond what chance would have them: Cohen's κ and Krippendorff's α, with intervals over items."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Final, TypeAlias

import numpy as np

from .intervals import SEED, Interval

__all__ = ["Table", "agreement", "alpha", "cohen_kappa", "krippendorff_alpha", "with_interval"]

_RESAMPLES: Final = 2000
_FEWEST: Final = 10

Pair: TypeAlias = tuple[bool, bool]


@dataclass(frozen=True, slots=True)
class Table:
    """How often two said what of the same: both yes, only the first, only the second, both no."""

    both: float
    first: float
    second: float
    neither: float

    @classmethod
    def of(cls, pairs: Sequence[Pair]) -> Table:
        """Counts them."""
        found = Counter(pairs)
        return cls(found[True, True], found[True, False], found[False, True], found[False, False])

    @property
    def n(self) -> float:
        """How many there are."""
        return self.both + self.first + self.second + self.neither


def agreement(table: Table) -> float:
    """Share on which both say the same."""
    return (table.both + table.neither) / table.n if table.n else 0.0


def cohen_kappa(table: Table) -> float:
    """Cohen (1960). 1 where both always say the same one thing."""
    n = table.n
    if not n:
        return 0.0
    first, second = (table.both + table.first) / n, (table.both + table.second) / n
    chance = first * second + (1 - first) * (1 - second)
    return 1.0 if chance == 1 else (agreement(table) - chance) / (1 - chance)


def alpha(table: Table) -> float:
    """Krippendorff's α of two who both said something of everything."""
    n = 2 * table.n
    yes = 2 * table.both + table.first + table.second
    expected = 2 * yes * (n - yes) / (n - 1) if n > 1 else 0.0
    return 1 - 2 * (table.first + table.second) / expected if expected else 1.0


def krippendorff_alpha(
    units: Sequence[Sequence[float]], distance: Callable[[float, float], float] = lambda a, b: float(a != b)
) -> float:
    """Krippendorff (2011): each unit has the values that it was given, one or more; nominal without a `distance`."""
    several = [unit for unit in units if len(unit) > 1]
    values = Counter(value for unit in several for value in unit)
    n = sum(values.values())
    if n < 2 or len(values) == 1:
        return 1.0
    seen = sum(sum(distance(a, b) for a, b in permutations(unit, 2)) / (len(unit) - 1) for unit in several)
    expected = sum(
        count * (other_count - (value == other)) * distance(value, other)
        for value, count in values.items()
        for other, other_count in values.items()
    ) / (n - 1)
    return 1 - seen / expected if expected else 1.0


def with_interval(
    measure: Callable[[Table], float], table: Table, level: float = 0.95, seed: int = SEED
) -> tuple[float, Interval | None]:
    """A measure with its percentile bootstrap interval over items; None below ten items."""
    value, n = measure(table), int(table.n)
    if n < _FEWEST:
        return value, None
    counts = np.array([table.both, table.first, table.second, table.neither])
    drawn = np.random.default_rng(seed).multinomial(n, counts / counts.sum(), size=_RESAMPLES)
    found = [measure(Table(*map(float, row))) for row in drawn]
    low, high = np.quantile(found, [(1 - level) / 2, (1 + level) / 2])
    return value, Interval(float(low), float(high), level)
