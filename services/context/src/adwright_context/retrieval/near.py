"""Which known words a misspelt one may mean."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from rapidfuzz.distance import OSA

__all__ = ["NearWords"]

_MOST: Final = 4
_SHORTEST: Final = 4
_LETTERS_AN_ERROR: Final = 7
"""One error is forgiven in a word of 4 to 7 letters, two from 8 on."""


@dataclass(slots=True)
class _Bucket:
    words: list[str] = field(default_factory=list)
    letters: array[int] = field(default_factory=lambda: array("Q"))


class NearWords:
    """Words by first letter and length. An error changes at most two of the letters that a word has, which are compared
    for all of a bucket at once; the few that are left are compared letter by letter (optimal string alignment)."""

    def __init__(self) -> None:
        self._buckets: dict[tuple[str, int], _Bucket] = {}

    def add(self, word: str) -> None:
        """Adds a word that is not there; one that is too short, or has digits, is never near and is left out."""
        if _can_be_misspelt(word):
            bucket = self._buckets.setdefault((word[0], len(word)), _Bucket())
            bucket.words.append(word)
            bucket.letters.append(_letters(word))

    def remove(self, word: str) -> None:
        """Takes a word out that is there."""
        if not _can_be_misspelt(word):
            return
        bucket = self._buckets[word[0], len(word)]
        at = bucket.words.index(word)
        bucket.words[at], bucket.letters[at] = bucket.words[-1], bucket.letters[-1]
        bucket.words.pop()
        bucket.letters.pop()
        if not bucket.words:
            del self._buckets[word[0], len(word)]

    def near(self, word: str) -> list[tuple[str, float]]:
        """At most four words with the same first letter and one or two letters wrong, missing, too many or swapped.

        The likeliest first, each with a sureness below 1: the share of letters that are right.
        """
        if not _can_be_misspelt(word):
            return []
        errors = 1 if len(word) <= _LETTERS_AN_ERROR else 2
        letters, found = np.uint64(_letters(word)), []
        for length in range(len(word) - errors, len(word) + errors + 1):
            bucket = self._buckets.get((word[0], length))
            if bucket is None:
                continue
            unlike = np.bitwise_count(np.frombuffer(bucket.letters, np.uint64) ^ letters)
            for at in np.flatnonzero(unlike <= 2 * errors).tolist():
                known = bucket.words[at]
                distance = OSA.distance(word, known, score_cutoff=errors)
                if distance <= errors:
                    found.append((known, 1 - distance / max(len(word), length)))
        return sorted(found, key=lambda pair: (-pair[1], pair[0]))[:_MOST]

    def memory_bytes(self) -> int:
        """What it takes beside the words themselves, in bytes, nearly."""
        return sum(200 + 16 * len(bucket.words) for bucket in self._buckets.values())


def _can_be_misspelt(word: str) -> bool:
    return len(word) >= _SHORTEST and word.isalpha()


def _letters(word: str) -> int:
    """Which letters a word has, as bits; letters of one remainder share a bit."""
    bits = 0
    for letter in word:
        bits |= 1 << ord(letter) % 64
    return bits
