"""BM25: the same as another implementation, and the same whatever came before."""

import random

import bm25s
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adwright_context.retrieval.bm25 import Bm25

DOCUMENTS = st.lists(st.lists(st.sampled_from("abcdef"), max_size=8), max_size=12)


def test_scores_are_those_of_bm25s() -> None:
    random_ = random.Random(3)
    words = [f"w{i}" for i in range(200)]
    corpus = [random_.choices(words, [1 / (i + 1) for i in range(200)], k=random_.randrange(1, 80)) for _ in range(400)]
    ours = Bm25(k1=1.2, b=0.75)
    for number, terms in enumerate(corpus):
        ours.add(number, terms)
    theirs = bm25s.BM25(method="lucene", k1=1.2, b=0.75)
    theirs.index(corpus, show_progress=False)
    for _ in range(50):
        query = random_.sample(words, 5)
        expected = theirs.get_scores([term for term in query if term in ours])
        assert ours.scores([[(term, 1.0)] for term in query]) == pytest.approx(expected, abs=1e-4)


@given(DOCUMENTS, st.randoms(use_true_random=False))
def test_scores_do_not_depend_on_what_was_there_before(documents: list[list[str]], random_: random.Random) -> None:
    fresh, used = Bm25(), Bm25()
    for number, terms in enumerate(documents):
        fresh.add(number, terms)
        used.add(number, random_.choices("abcdefgh", k=5))
    order = list(range(len(documents)))
    random_.shuffle(order)
    for number in order:
        used.remove(number)
    random_.shuffle(order)
    for number in order:
        used.add(number, documents[number])
    query = [[("a", 1.0)], [("b", 1.0), ("c", 0.5)], [("h", 1.0)]]
    assert np.array_equal(fresh.scores(query), used.scores(query))
    assert "h" not in used
    assert len(used) == len(fresh)


def test_of_the_terms_of_one_word_the_best_counts() -> None:
    index = Bm25()
    index.add(0, ["zelt", "tent"])
    index.add(1, ["other"])
    both = index.scores([[("zelt", 1.0), ("tent", 0.5)]])
    assert both[0] == index.scores([[("zelt", 1.0)]])[0]
    assert both[1] == 0


def test_memory_does_not_grow_with_changes() -> None:
    index = Bm25()
    for number in range(50):
        index.add(number, [f"word{number}", "same"])
    before = index.memory_bytes()
    for number in range(2000):
        index.remove(number % 50)
        index.add(number % 50, [f"other{number}", "same"])
    assert index.memory_bytes() < before * 1.3


@pytest.mark.parametrize("misspelt", ["bratpfane", "bratpfnane", "bratpfannne", "brattfanne"])
def test_misspelt_words_are_near_the_right_one(misspelt: str) -> None:
    index = Bm25()
    index.add(0, ["bratpfanne", "kochtopf", "bratwurst"])
    assert [term for term, sure in index.near(misspelt) if 0.7 < sure < 1] == ["bratpfanne"]


@pytest.mark.parametrize("word", ["tnt", "201", "trail3", "xratpfanne"])
def test_short_words_numbers_and_other_first_letters_are_near_nothing(word: str) -> None:
    index = Bm25()
    index.add(0, ["tent", "200", "trail2", "bratpfanne"])
    assert index.near(word) == []


def test_removed_words_are_near_nothing() -> None:
    index = Bm25()
    index.add(0, ["kettle", "kettles"])
    index.add(1, ["kettles"])
    index.remove(0)
    assert [term for term, _ in index.near("kettlse")] == ["kettles"]


def test_taking_out_what_is_not_there_is_an_error() -> None:
    with pytest.raises(KeyError):
        Bm25().remove(3)
