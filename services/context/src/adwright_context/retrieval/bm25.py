"""BM25 over documents that come and go; the statistics are those of the documents that are there now, always.

Lucene's variant, as in Kamphuis et al. (ECIR 2020, "Which BM25 do you mean?", accurate lengths):

    idf = ln(1 + (N - df + 0.5) / (df + 0.5))
    weight = idf * tf / (tf + k1 * (1 - b + b * length / average length))

Equal content has equal scores whatever came before: counts and lengths are whole numbers, and each document's sum is
taken in the order of the query. Not a library's: bm25s has to be built anew for each change, rank-bm25 is no longer
kept, and tantivy counts deleted documents in its statistics until segments merge.
"""

from __future__ import annotations

import math
import sys
from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .near import NearWords

__all__ = ["Bm25", "Scores", "Weighted"]

Scores: TypeAlias = NDArray[np.float64]
Weighted: TypeAlias = Sequence[tuple[str, float]]
"""Terms that stand for one word, and how surely they do (0 to 1)."""

_TF_BITS: Final = 8
_TF_MOST: Final = (1 << _TF_BITS) - 1
"""A posting is `document << 8 | tf` in 32 bits: 16 million documents; a term counts at most 255 times in one."""


class Bm25:
    """An index of documents, each under a small whole number that the caller gives, and may give again after `remove`.

    Not thread-safe. Memory: 4 bytes for each different term of each document, twice, and some 300 for each term.
    """

    def __init__(self, *, k1: float = 1.2, b: float = 0.75) -> None:
        self._k1, self._b = k1, b
        self._numbers: dict[str, int] = {}
        self._words: list[str] = []
        self._postings: list[array[int]] = []
        self._free: list[int] = []
        self._terms_of: list[array[int] | None] = []
        self._lengths = array("I")
        self._count = self._total = 0
        self._norms: Scores | None = None
        self._near = NearWords()

    def __len__(self) -> int:
        return self._count

    def __contains__(self, term: str) -> bool:
        return term in self._numbers

    def add(self, document: int, terms: Iterable[str]) -> None:
        """Adds a document of these terms; its number must be free."""
        counts = Counter(terms)
        while document >= len(self._terms_of):
            self._terms_of.append(None)
            self._lengths.append(0)
        numbers = array("I")
        for term, tf in counts.items():
            number = self._numbers.get(term)
            if number is None:
                number = self._new(term)
            numbers.append(number)
            self._postings[number].append(document << _TF_BITS | min(tf, _TF_MOST))
        self._terms_of[document] = numbers
        self._lengths[document] = counts.total()
        self._total += counts.total()
        self._count += 1
        self._norms = None

    def remove(self, document: int) -> None:
        """Takes a document out again, whole; KeyError where there is none."""
        numbers = self._terms_of[document] if document < len(self._terms_of) else None
        if numbers is None:
            raise KeyError(document)
        for number in numbers:
            postings = self._postings[number]
            at = int(np.flatnonzero(np.frombuffer(postings, np.uint32) >> _TF_BITS == document)[0])
            last = postings.pop()
            if at < len(postings):
                postings[at] = last
            if not postings:
                self._forget(number)
        self._total -= self._lengths[document]
        self._count -= 1
        self._terms_of[document] = None
        self._lengths[document] = 0
        self._norms = None

    def idf(self, term: str) -> float:
        """How much the term tells; one that no document has tells as much as one that a single document has."""
        return self._idf(max(self.frequency(term), 1))

    def frequency(self, term: str) -> int:
        """How many documents have the term."""
        number = self._numbers.get(term)
        return 0 if number is None else len(self._postings[number])

    def scores(self, words: Iterable[Weighted]) -> Scores:
        """Each document's score, by its number: the sum over the words, of each the best of its terms."""
        sums = np.zeros(len(self._terms_of))
        if self._count:
            for terms in words:
                known = [(self._numbers[term], sure) for term, sure in terms if term in self._numbers]
                if len(known) == 1:
                    documents, parts = self._parts(*known[0])
                    sums[documents] += parts
                elif known:
                    best = np.zeros_like(sums)
                    for number, sure in known:
                        documents, parts = self._parts(number, sure)
                        best[documents] = np.maximum(best[documents], parts)
                    sums += best
        return sums

    def has(self, document: int, terms: Weighted) -> bool:
        """Whether the document has one of the terms."""
        numbers = self._terms_of[document] or ()
        return any(self._numbers[term] in numbers for term, _ in terms if term in self._numbers)

    def near(self, term: str) -> list[tuple[str, float]]:
        """Known terms that a misspelt one may mean, the likeliest first, with how surely each does."""
        return self._near.near(term)

    def memory_bytes(self) -> int:
        """What the index holds, in bytes, nearly."""
        arrays = (*self._postings, *(numbers for numbers in self._terms_of if numbers is not None), self._lengths)
        tables = (self._numbers, self._words, self._postings, self._terms_of)
        words = sum(map(sys.getsizeof, self._numbers))
        return sum(map(sys.getsizeof, arrays)) + sum(map(sys.getsizeof, tables)) + words + self._near.memory_bytes()

    def _idf(self, frequency: int) -> float:
        return math.log(1 + (self._count - frequency + 0.5) / (frequency + 0.5))

    def _parts(self, number: int, sure: float) -> tuple[NDArray[np.intp], Scores]:
        if self._norms is None:
            lengths = np.frombuffer(self._lengths, np.uint32).astype(np.float64)
            self._norms = self._k1 * (1 - self._b + self._b * lengths / (self._total / self._count))
        postings: NDArray[np.uint32] = np.frombuffer(self._postings[number], np.uint32)
        documents = (postings >> _TF_BITS).astype(np.intp)
        tfs = (postings & _TF_MOST).astype(np.float64)
        return documents, sure * self._idf(len(postings)) * tfs / (tfs + self._norms[documents])

    def _new(self, term: str) -> int:
        if self._free:
            number = self._free.pop()
            self._words[number] = term
        else:
            number = len(self._words)
            self._words.append(term)
            self._postings.append(array("I"))
        self._numbers[term] = number
        self._near.add(term)
        return number

    def _forget(self, number: int) -> None:
        term = self._words[number]
        del self._numbers[term]
        self._near.remove(term)
        self._words[number] = ""
        self._postings[number] = array("I")
        self._free.append(number)
