"""`similar`: how near the output is in meaning to an expected text, by their vectors."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from adwright_servicekit.errors import AdwrightError

from ..model import JSON, Embedder, Grading, ProviderSpec, Verdict
from .verdicts import wrong

__all__ = ["cosine", "embedder_of", "similar", "similar_dot", "similar_euclidean"]

_THRESHOLD = 0.75
_ROUNDING = 2.0**-40
_Vector = NDArray[np.float64]


def cosine(one: Sequence[float], other: Sequence[float]) -> float:
    """The cosine of the angle between two vectors, -1 to 1; 0 where one has no direction. Raises ValueError."""
    left, right = _pair(one, other)
    size = float(np.linalg.norm(left) * np.linalg.norm(right))
    return float(left @ right) / size if size else 0.0


def embedder_of(grading: Grading, key: str = "provider") -> Embedder:
    """The embedder that the assertion's provider, or `config[key]`, names; else the default. Raises InvalidInput."""
    if key == "provider":
        return grading.tools.embedder(grading.assertion.provider)
    name = grading.assertion.config.get(key)
    if name is None:
        return grading.tools.embedder(None)
    if not isinstance(name, str) or not name:
        raise wrong(grading, f"config.{key}", "is the name of a provider of embeddings")
    return grading.tools.embedder(ProviderSpec(name, name))


async def similar(grading: Grading) -> Verdict:
    """By cosine: the score, 1 for the same meaning. A list passes by its nearest text; threshold .75 unless given."""
    return await _nearest(grading, cosine, "Similarity")


async def similar_dot(grading: Grading) -> Verdict:
    """By dot product, which is unbounded unless the embedder's vectors have length 1 (the packaged one's have)."""
    return await _nearest(grading, _dot, "Dot product")


async def similar_euclidean(grading: Grading) -> Verdict:
    """By distance, which passes up to the threshold; the score is 1 / (1 + distance)."""
    vectors, expected = await _vectors(grading)
    if isinstance(vectors, Verdict):
        return vectors
    distances = [_distance(vectors[0], vector) for vector in vectors[1:]]
    distance, text = min(zip(distances, expected, strict=True))
    threshold = _limit(grading)
    passed = distance <= threshold + _ROUNDING
    reason = f"Distance is {distance:.2f}, {'at most' if passed else 'more than'} {threshold:g}."
    about: dict[str, JSON] = {"nearest": text, "distance": distance}
    return Verdict(passed, 1 / (1 + distance), reason, metadata=about)


async def _nearest(
    grading: Grading, measure: Callable[[Sequence[float], Sequence[float]], float], name: str
) -> Verdict:
    vectors, expected = await _vectors(grading)
    if isinstance(vectors, Verdict):
        return vectors
    scores = [measure(vectors[0], vector) for vector in vectors[1:]]
    best, text = max(zip(scores, expected, strict=True))
    threshold = _limit(grading)
    passed = best >= threshold - _ROUNDING
    reason = f"{name} is {best:.2f}, {'at least' if passed else 'less than'} {threshold:g}."
    return Verdict(passed, best, reason, metadata={"nearest": text})


async def _vectors(grading: Grading) -> tuple[Sequence[Sequence[float]] | Verdict, list[str]]:
    expected = _expected(grading)
    embedder = embedder_of(grading)
    try:
        vectors = await embedder.embed([grading.text, *expected])
    except AdwrightError as error:
        return Verdict.failed(f"the texts got no vectors: {error.message}"), expected
    if len(vectors) != len(expected) + 1 or len({len(vector) for vector in vectors}) != 1:
        return Verdict.failed("the embedder gave vectors that do not fit together"), expected
    return vectors, expected


def _expected(grading: Grading) -> list[str]:
    value = grading.assertion.value
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, Sequence) or not texts or not all(isinstance(text, str) for text in texts):
        raise wrong(grading, "value", "is the expected text, or a list of them")
    return [str(text) for text in texts]


def _limit(grading: Grading) -> float:
    return _THRESHOLD if grading.assertion.threshold is None else grading.assertion.threshold


def _pair(one: Sequence[float], other: Sequence[float]) -> tuple[_Vector, _Vector]:
    left, right = np.asarray(one, np.float64), np.asarray(other, np.float64)
    if left.shape != right.shape:
        raise ValueError("vectors of different length cannot be compared")
    return left, right


def _dot(one: Sequence[float], other: Sequence[float]) -> float:
    left, right = _pair(one, other)
    return float(left @ right)


def _distance(one: Sequence[float], other: Sequence[float]) -> float:
    left, right = _pair(one, other)
    return float(np.linalg.norm(left - right))
