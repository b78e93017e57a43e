"""Do two agree, beyond what chance would have them: Cohen's κ and Krippendorff's α, with intervals over cases."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass
from itertools import permutations
from typing import Final, TypeAlias

import numpy as np

from .intervals import Interval, wilson_ends

__all__ = ["Table", "agreement", "alpha", "cohen_kappa", "krippendorff_alpha", "with_interval"]

_FEWEST: Final = 10
_NOTHING: Final = 1e-18

Pair: TypeAlias = tuple[bool, bool]
Measuring: TypeAlias = "Callable[[Table], float | None]"


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


def cohen_kappa(table: Table) -> float | None:
    """Cohen (1960). None where both always say the same one thing: chance alone would have them agree."""
    n = table.n
    if not n:
        return None
    first, second = (table.both + table.first) / n, (table.both + table.second) / n
    chance = first * second + (1 - first) * (1 - second)
    return None if chance >= 1 else (agreement(table) - chance) / (1 - chance)


def alpha(table: Table) -> float | None:
    """Krippendorff's α of two who both said something of everything; None where all of it is the same."""
    n = 2 * table.n
    yes = 2 * table.both + table.first + table.second
    expected = 2 * yes * (n - yes) / (n - 1) if n > 1 else 0.0
    return 1 - 2 * (table.first + table.second) / expected if expected else None


def krippendorff_alpha(
    units: Sequence[Sequence[float]], distance: Callable[[float, float], float] = lambda a, b: float(a != b)
) -> float | None:
    """Krippendorff (2011): each unit has the values that it was given, one or more; nominal without a `distance`.

    None where all values are the same.
    """
    several = [unit for unit in units if len(unit) > 1]
    values = Counter(value for unit in several for value in unit)
    n = sum(values.values())
    if n < 2 or len(values) == 1:
        return None
    seen = sum(sum(distance(a, b) for a, b in permutations(unit, 2)) / (len(unit) - 1) for unit in several)
    expected = sum(
        count * (other_count - (value == other)) * distance(value, other)
        for value, count in values.items()
        for other, other_count in values.items()
    ) / (n - 1)
    return 1 - seen / expected if expected else None


def with_interval(
    measure: Measuring, clusters: Sequence[Table], level: float = 0.95
) -> tuple[float | None, Interval | None]:
    """A measure of all clusters together, each of what belongs together, with its interval.

    Wilson's form between -1 and 1 at the effective sample size, by the jackknife's variance over clusters and
    Student's t: by simulation nearer to its level than percentiles of the bootstrap, which agree too soon with few
    cases. Where leaving out any cluster changes nothing, at most as much may differ as would have been seen with
    97.5 %. The measure is None where it is undefined; there is no interval below ten clusters.
    """
    whole = _sum(clusters)
    value, n = measure(whole), len(clusters)
    if value is None or n < _FEWEST:
        return value, None
    without = [measure(_less(whole, each)) for each in clusters]
    told = np.array([value if each is None else each for each in without])
    variance = (n - 1) / n * float(((told - told.mean()) ** 2).sum())
    if variance <= _NOTHING:
        ends = [_shifted(measure, whole, 1 - ((1 - level) / 2) ** (1 / n), alike) for alike in (False, True)]
        low, high = (value if end is None else end for end in ends)
        return value, Interval(min(low, value), max(high, value), level)
    low, high = wilson_ends((value + 1) / 2, variance / 4, n, level)
    return value, Interval(2 * low - 1, 2 * high - 1, level)


def _sum(tables: Sequence[Table]) -> Table:
    return Table(*map(float, np.array([astuple(each) for each in tables]).reshape(-1, 4).sum(axis=0)))


def _less(whole: Table, part: Table) -> Table:
    return Table(*(a - b for a, b in zip(astuple(whole), astuple(part), strict=True)))


def _shifted(measure: Measuring, table: Table, share: float, alike: bool) -> float | None:
    """The measure if so large a share of the items were alike, or were not."""
    more, rest = share * table.n / 2, 1 - share
    off, on = (0.0, more) if alike else (more, 0.0)
    return measure(
        Table(table.both * rest + on, table.first * rest + off, table.second * rest + off, table.neither * rest + on)
    )
