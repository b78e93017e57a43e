"""Vectors of meaning."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from adwright_encoder import DIMENSIONS, CachedEncoder, PackagedEncoder, dequantized, quantized


@pytest.fixture(scope="module")
def encoder() -> PackagedEncoder:
    return PackagedEncoder()


def cosine(encoder: PackagedEncoder, one: str, other: str) -> float:
    return float(dequantized(encoder.encode(one)) @ dequantized(encoder.encode(other)))


def test_texts_of_one_meaning_are_alike_across_languages(encoder: PackagedEncoder) -> None:
    assert cosine(encoder, "a light tent", "ein leichtes Zelt") > 0.6
    assert cosine(encoder, "a light tent", "a car insurance") < 0.35


def test_many_texts_have_the_vectors_they_have_alone(encoder: PackagedEncoder) -> None:
    texts = [f"{word} for two" for word in ("a tent", "a stove", "dinner") * 30]
    many = encoder.encode_many(texts)
    assert {len(vector) for vector in many} == {512}
    for text, vector in list(zip(texts, many, strict=True))[:3]:
        alone = np.frombuffer(encoder.encode(text), np.int8).astype(int)
        # The order of float sums differs, so that a component may be rounded to its neighbour.
        assert np.abs(alone - np.frombuffer(vector, np.int8)).max() <= 1


def test_an_empty_text_has_no_direction_and_a_long_one_is_cut(encoder: PackagedEncoder) -> None:
    assert encoder.encode(" ") == bytes(512)
    assert encoder.encode_many([]) == []
    assert encoder.encode("tent " * 400) == encoder.encode("tent " * 40_000)


def test_threads_that_meet_before_it_is_loaded_all_get_the_same() -> None:
    fresh = PackagedEncoder()
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(fresh.encode, ["a light tent"] * 8))
    assert len(set(found)) == 1


def test_quantising_keeps_the_direction() -> None:
    vector = np.random.default_rng(0).standard_normal(512).astype(np.float32)
    near = np.frombuffer(quantized(vector), np.int8).astype(float)
    assert near @ vector / np.linalg.norm(near) / np.linalg.norm(vector) > 0.999
    assert quantized(np.zeros(512, np.float32)) == bytes(512)


def test_a_quantised_vector_comes_back_with_length_one_and_zeros_stay_zeros() -> None:
    vector = np.random.default_rng(0).standard_normal(DIMENSIONS).astype(np.float32)
    back = dequantized(quantized(vector))
    assert np.linalg.norm(back) == pytest.approx(1, abs=1e-5)
    assert np.abs(back - vector / np.linalg.norm(vector)).max() < 0.002
    assert not dequantized(bytes(DIMENSIONS)).any()


class CountingEncoder:
    """A fake: vectors without a meaning, and how many were asked for."""

    version = "counting"

    def __init__(self) -> None:
        self.asked: list[str] = []

    def encode(self, text: str) -> bytes:
        self.asked.append(text)
        return text.encode().ljust(512)[:512]

    def encode_many(self, texts: Sequence[str]) -> list[bytes]:
        return [self.encode(text) for text in texts]


def test_a_brief_that_was_just_asked_is_not_encoded_again() -> None:
    inner = CountingEncoder()
    cached = CachedEncoder(inner, entries=2)
    for text in ("a", "b", "a", "c", "a", "b"):
        assert cached.encode(text) == text.encode().ljust(512)
    assert inner.asked == ["a", "b", "c", "b"]
    assert cached.version == "counting"
    assert cached.encode_many(["x", "y"]) == [b"x".ljust(512), b"y".ljust(512)]
