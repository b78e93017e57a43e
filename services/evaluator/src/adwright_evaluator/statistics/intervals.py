"""Intervals of shares and means. Cells of one case are not independent: where cases repeat, cases are drawn."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .quantiles import student_quantile

__all__ = ["SEED", "Interval", "bootstrap_mean", "bounded_mean", "cluster_sums", "wilson", "wilson_ends"]

SEED: Final = 20_231
_RESAMPLES: Final = 2000
_NOTHING: Final = 1e-18
_SMALL: Final = 1e-9
_ALIKE: Final = 1e-6
"""Share of the standard error below which a resample has one value only, drawn again and again."""
_FEW: Final = 5
"""Clusters below which resamples are too much alike to say anything: Student's interval stands alone."""
_BATCH_BYTES: Final = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Interval:
    """Both ends, and how often such an interval holds the truth."""

    low: float
    high: float
    level: float = 0.95


def wilson(passed: int, n: int, level: float = 0.95) -> Interval | None:
    """Of a share of independent yes and no (Wilson, 1927); None without any."""
    if not n:
        return None
    z = NormalDist().inv_cdf(0.5 + level / 2)
    share, wide = passed / n, z * z / n
    middle = (share + wide / 2) / (1 + wide)
    half = z / (1 + wide) * math.sqrt(share * (1 - share) / n + wide / (4 * n))
    return Interval(max(0.0, middle - half), min(1.0, middle + half), level)


def bounded_mean(
    values: Sequence[float],
    clusters: Sequence[Hashable] | None = None,
    bounds: tuple[float, float] = (0.0, 1.0),
    level: float = 0.95,
) -> Interval | None:
    """Of the mean of values that cannot leave `bounds`: Wilson's at the effective sample size, with Student's t.

    The effective size is that of as many yes and no with the variance that is seen between clusters, so neither
    repeats nor partial scores count for more than they say. Where all are equal, at most as many may differ as would
    have been seen with 97.5 %. None for fewer than two clusters.
    """
    low, high = bounds
    sums, counts = cluster_sums([(value - low) / (high - low) for value in values], clusters)
    n = len(sums)
    if n < 2:
        return None
    mean = float(sums.sum() / counts.sum())
    variance = n / (n - 1) * float(((sums - mean * counts) ** 2).sum()) / float(counts.sum()) ** 2
    if variance <= _NOTHING:
        unseen = 1 - ((1 - level) / 2) ** (1 / n)
        ends = (mean - unseen * mean, mean + unseen * (1 - mean))
    else:
        ends = wilson_ends(mean, variance, n, level)
    return Interval(low + max(0.0, ends[0]) * (high - low), low + min(1.0, ends[1]) * (high - low), level)


def wilson_ends(mean: float, variance: float, clusters: int, level: float = 0.95) -> tuple[float, float]:
    """Wilson's interval of a number in 0..1 at the size that its variance amounts to, with Student's t."""
    t = student_quantile(0.5 + level / 2, clusters - 1)
    size = max(mean * (1 - mean) / variance, _SMALL)
    middle = (mean + t * t / 2 / size) / (1 + t * t / size)
    half = t / (1 + t * t / size) * math.sqrt(variance + t * t / 4 / size**2)
    return max(0.0, middle - half), min(1.0, middle + half)


def bootstrap_mean(
    values: Sequence[float],
    clusters: Sequence[Hashable] | None = None,
    level: float = 0.95,
    resamples: int = _RESAMPLES,
    seed: int = SEED,
) -> Interval | None:
    """Of a mean without bounds, costs and such; None for fewer than two clusters.

    At each end the wider of Student's interval and of the bootstrap-t over clusters (Efron and Tibshirani, 1993,
    ch. 12): the latter follows a skew, the former holds where tails are heavy on both sides.

    By simulation (`tests/test_statistics.py`) it holds its level for normal, heavy-tailed and exponential values. With
    a tail as long as a lognormal's with σ = 1 it is too narrow, as is every interval that was tried.
    """
    sums, counts = cluster_sums(values, clusters)
    n = len(sums)
    if n < 2:
        return None
    mean = float(sums.sum() / counts.sum())
    error = float(_standard_error(sums[None, :], counts[None, :], np.array([mean]))[0])
    half = student_quantile(0.5 + level / 2, n - 1) * error
    if n < _FEW or error == 0:
        return Interval(mean - half, mean + half, level)
    statistics: list[NDArray[Any]] = []
    residuals = sums - mean * counts
    powers = np.column_stack([counts, residuals, residuals**2, residuals * counts, counts**2])
    for weights in _weights(n, resamples, seed):
        total, shift, squares, products, sizes = (weights @ powers).T
        # How far the mean of the resample is off, and its own standard error.
        off = shift / total
        variances = squares - 2 * off * products + off**2 * sizes
        errors = np.sqrt(np.maximum(variances, 0.0) * n / (n - 1)) / total
        varied = errors > _ALIKE * error
        statistics.append(off[varied] / errors[varied])
    t = np.concatenate(statistics)
    if len(t) < resamples // 2:
        return Interval(mean - half, mean + half, level)
    low, high = np.quantile(t, [(1 - level) / 2, (1 + level) / 2]) * error
    return Interval(mean - max(half, float(high)), mean - min(-half, float(low)), level)


def cluster_sums(
    values: Sequence[float], clusters: Sequence[Hashable] | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sum and count of each cluster, in the order in which they come."""
    data = np.asarray(values, dtype=np.float64)
    if clusters is None:
        return data, np.ones(len(data))
    order: dict[Hashable, int] = {}
    index = np.array([order.setdefault(cluster, len(order)) for cluster in clusters], dtype=np.int64)
    sums = np.bincount(index, weights=data, minlength=len(order)).astype(np.float64)
    return sums, np.bincount(index, minlength=len(order)).astype(np.float64)


def _weights(n: int, resamples: int, seed: int) -> Any:
    """How often each cluster is drawn, in batches that bound the memory."""
    generator = np.random.default_rng(seed)
    batch = max(1, min(resamples, _BATCH_BYTES // (8 * n)))
    for begin in range(0, resamples, batch):
        size = min(batch, resamples - begin)
        drawn = generator.integers(0, n, size=(size, n))
        flat = drawn + np.arange(size)[:, None] * n
        yield np.bincount(flat.ravel(), minlength=size * n).reshape(size, n).astype(np.float64)


def _standard_error(sums: NDArray[Any], counts: NDArray[Any], means: NDArray[Any]) -> NDArray[Any]:
    n = sums.shape[1]
    residuals = sums - means[:, None] * counts
    result: NDArray[Any] = np.sqrt((residuals**2).sum(axis=1) * n / (n - 1)) / counts.sum(axis=1)
    return result
