"""Measures of a ranking, 0 to 1, from the grades of what it found and of all there is."""

from __future__ import annotations

import math
from collections.abc import Sequence

__all__ = ["ndcg", "recall"]


def ndcg(found: Sequence[int], there: Sequence[int], depth: int) -> float:
    """Normalised discounted cumulative gain with gain 2^grade - 1 (Burges et al., ICML 2005)."""
    best = _dcg(sorted(there, reverse=True)[:depth])
    return _dcg(found[:depth]) / best if best else 0.0


def recall(found: Sequence[int], there: Sequence[int], depth: int) -> float:
    """Which share of the products of the highest grade is found, of as many as can be among the first `depth`."""
    best = max(there)
    return sum(grade == best for grade in found[:depth]) / min(depth, sum(grade == best for grade in there))


def _dcg(grades: Sequence[int]) -> float:
    return sum((2.0**grade - 1) / math.log2(place + 2) for place, grade in enumerate(grades))
