"""Two runs on the same cases: is one better?"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from statistics import NormalDist
from typing import Final

import numpy as np

from .intervals import SEED, cluster_sums

__all__ = ["MANY", "cases_needed", "cases_needed_of_passes", "detectable_difference", "holm", "mcnemar", "sign_flip"]

_FLIPS: Final = 9999
_EXACT: Final = 13
_BATCH: Final = 4_000_000
_NONE: Final = 1e-9
MANY: Final = 1_000_000_000
"""Cases; more are as good as never."""


def mcnemar(only_first: int, only_second: int) -> float:
    """Exact two-sided p value of McNemar's test, of cases that only one of two passed."""
    n, k = only_first + only_second, min(only_first, only_second)
    if not n:
        return 1.0
    if n > 1000:
        z = (abs(only_first - only_second) - 1) / math.sqrt(n)
        return min(1.0, 2 * (1 - NormalDist().cdf(z)))
    return min(1.0, float(2 * sum(math.comb(n, i) for i in range(k + 1)) / 2**n))


def sign_flip(differences: Sequence[float], clusters: Sequence[Hashable] | None = None, seed: int = SEED) -> float:
    """Two-sided p value of a mean difference, by flipping signs of whole clusters: all ways, or 9,999 of them."""
    sums, _ = cluster_sums(differences, clusters)
    sums = sums[sums != 0]
    n = len(sums)
    if not n:
        return 1.0
    # Sums of the same numbers in another order are the same.
    seen = abs(float(sums.sum())) - _NONE * float(np.abs(sums).sum())
    if n <= _EXACT:
        signs = 1 - 2 * ((np.arange(2**n)[:, None] >> np.arange(n)) & 1)
        return float((np.abs(signs @ sums) >= seen).mean())
    generator = np.random.default_rng(seed)
    hits, left = 0, _FLIPS
    while left:
        size = min(left, max(1, _BATCH // n))
        bits = generator.integers(0, 256, size=(size, (n + 7) // 8), dtype=np.uint8)
        flipped = np.unpackbits(bits, axis=1, count=n).astype(np.float64)
        hits += int((np.abs(sums.sum() - 2 * (flipped @ sums)) >= seen).sum())
        left -= size
    return (hits + 1) / (_FLIPS + 1)


def holm(p_values: Sequence[float]) -> list[float]:
    """The same, corrected for how many there are (Holm, 1979)."""
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    adjusted, running = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(order):
        running = max(running, min(1.0, p_values[index] * (len(p_values) - rank)))
        adjusted[index] = running
    return adjusted


def detectable_difference(deviation: float, n: int, power: float = 0.8, alpha: float = 0.05) -> float:
    """Smallest mean difference that `n` pairs of this standard deviation show so often.

    Where no pair differs, as many may as would have been seen with 97.5 %: `n` equal pairs prove little.
    """
    if not n:
        return math.inf
    unseen = 1 - 0.025 ** (1 / n)
    return _factor(power, alpha) * max(deviation, math.sqrt(unseen)) / math.sqrt(n)


def cases_needed(difference: float, deviation: float, power: float = 0.8, alpha: float = 0.05) -> int:
    """Pairs that would show a mean difference so often; 0 where there is none to show, `MANY` at most.

    Guenther (1981): the normal's number and half its squared quantile, for the deviation is estimated, too.
    """
    if abs(difference) < _NONE or not deviation:
        return 0
    more = NormalDist().inv_cdf(1 - alpha / 2) ** 2 / 2
    return math.ceil(min(MANY, (_factor(power, alpha) * deviation / difference) ** 2 + more))


def cases_needed_of_passes(difference: float, discordant: float, power: float = 0.8, alpha: float = 0.05) -> int:
    """The same for shares that pass and McNemar's exact test; `discordant` is the share that only one passes.

    Connor (1987), with the correction for continuity that the exact test amounts to.
    """
    change = abs(difference)
    if change < _NONE or not discordant:
        return 0
    normal = NormalDist()
    wide = normal.inv_cdf(1 - alpha / 2) * math.sqrt(discordant)
    wide += normal.inv_cdf(power) * math.sqrt(max(0.0, discordant - change**2))
    return math.ceil(min(MANY, ((wide + math.sqrt(wide**2 + 4 * change)) / (2 * change)) ** 2))


def _factor(power: float, alpha: float) -> float:
    normal = NormalDist()
    return normal.inv_cdf(1 - alpha / 2) + normal.inv_cdf(power)
