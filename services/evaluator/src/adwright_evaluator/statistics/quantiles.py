"""Quantiles of the normal and of Student's t distribution; the standard library has only the first.

Student's t by G. W. Hill, Algorithm 396: Student's t-Quantiles, Communications of the ACM 13 (1970), 619-620, which
is right to six digits. scipy has it as well, but takes 110 MB of disk and 80 MB of memory for this one number.
"""

from __future__ import annotations

from functools import lru_cache
from math import cos, exp, pi, sin, sqrt
from statistics import NormalDist

__all__ = ["normal_quantile", "student_quantile"]


def normal_quantile(probability: float) -> float:
    """The standard normal value below which `probability` lies, 0 < probability < 1."""
    return NormalDist().inv_cdf(probability)


@lru_cache(maxsize=1024)
def student_quantile(probability: float, degrees: float) -> float:
    """The value of Student's t with `degrees` of freedom (at least 1) below which `probability` lies."""
    if probability < 0.5:
        return -student_quantile(1 - probability, degrees)
    tails = 2 * (1 - probability)
    if tails >= 1:
        return 0.0
    if degrees == 2:
        return sqrt(2 / (tails * (2 - tails)) - 2)
    if degrees == 1:
        return cos(tails * pi / 2) / sin(tails * pi / 2)
    return _hill(tails, degrees)


def _hill(tails: float, n: float) -> float:
    """Hill's asymptotic expansion; the names are his."""
    a = 1 / (n - 0.5)
    b = 48 / (a * a)
    c = ((20700 * a / b - 98) * a - 16) * a + 96.36
    d = ((94.5 / (b + c) - 3) / b + 1) * sqrt(a * pi / 2) * n
    y = (d * tails) ** (2 / n)
    if y > 0.05 + a:
        x = normal_quantile(tails / 2)
        y = x * x
        if n < 5:
            c += 0.3 * (n - 4.5) * (x + 0.6)
        c = (((0.05 * d * x - 5) * x - 7) * x - 2) * x + b + c
        y = (((((0.4 * y + 6.3) * y + 36) * y + 94.5) / c - y - 3) / b + 1) * x
        y = a * y * y
        y = exp(y) - 1 if y > 0.002 else 0.5 * y * y + y
    else:
        y = ((1 / (((n + 6) / (n * y) - 0.089 * d - 0.822) * (n + 2) * 3) + 0.5 / (n + 4)) * y - 1) * (n + 1) / (
            n + 2
        ) + 1 / y
    return sqrt(n * y)
