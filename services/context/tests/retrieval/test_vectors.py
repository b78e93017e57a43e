"""The nearest vectors."""

import numpy as np
import pytest

from adwright_context.retrieval.vectors import DIMENSIONS, Vectors
from adwright_encoder import quantized


def some(count: int, seed: int = 0) -> list[bytes]:
    return [quantized(v) for v in np.random.default_rng(seed).standard_normal((count, DIMENSIONS)).astype(np.float32)]


def test_the_nearest_ten_are_among_the_candidates_of_the_first_step() -> None:
    """Among vectors that lie as sentences do: some near each other, most not."""
    random_ = np.random.default_rng(1)
    centres = random_.standard_normal((200, DIMENSIONS))
    points = centres[random_.integers(0, 200, 20_000)] + 1.2 * random_.standard_normal((20_000, DIMENSIONS))
    vectors = Vectors()
    for number, point in enumerate(points.astype(np.float32)):
        vectors.put(number, quantized(point))
    found = []
    for at in range(40):
        asked = quantized((points[at] + random_.standard_normal(DIMENSIONS)).astype(np.float32))
        exact = np.argsort(-vectors.cosines(asked, range(20_000)))[:10]
        found.append(len(set(exact) & set(vectors.nearest(asked, 200))) / 10)
    assert np.mean(found) > 0.95


def test_cosines_are_those_of_the_numbers_also_across_blocks() -> None:
    first, second, asked = some(3)
    vectors = Vectors()
    vectors.put(3, first)
    vectors.put(9000, second)
    a, b, q = (np.frombuffer(v, np.int8).astype(float) for v in (first, second, asked))
    expected = [float(b @ q / np.sqrt((b @ b) * (q @ q))), float(a @ q / np.sqrt((a @ a) * (q @ q))), 0.0, 0.0]
    assert vectors.cosines(asked, [9000, 3, 4, 100_000]) == pytest.approx(expected, abs=1e-12)
    assert vectors.cosines(first, [3])[0] == pytest.approx(1)


def test_what_was_removed_or_replaced_is_not_found() -> None:
    first, second = some(2)
    vectors = Vectors()
    vectors.put(0, first)
    vectors.put(1, second)
    vectors.remove(0)
    vectors.remove(0)
    assert (len(vectors), 0 in vectors, vectors.nearest(first, 5).tolist()) == (1, False, [1])
    vectors.put(1, first)
    assert (len(vectors), vectors.cosines(first, [1])[0]) == (1, pytest.approx(1))


def test_all_that_are_as_near_as_the_last_are_candidates() -> None:
    [vector] = some(1)
    vectors = Vectors()
    for number in range(30):
        vectors.put(number, vector)
    assert len(vectors.nearest(vector, 10)) == 30


def test_an_empty_text_is_like_nothing() -> None:
    vectors = Vectors()
    vectors.put(0, bytes(DIMENSIONS))
    assert vectors.cosines(some(1)[0], [0]).tolist() == [0.0]


def test_a_vector_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="has 3 bytes, not 512"):
        Vectors().put(0, b"abc")
