"""How well texts answer a brief: shared words, the rarer the better, small misspellings forgiven.

Lexical on purpose and small on purpose: it is the one place that a better retriever replaces.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Mapping
from typing import Generic, TypeVar

from rapidfuzz import fuzz, process

__all__ = ["WordIndex", "closest", "mentioned"]

K = TypeVar("K")

# A word, a number with its decimals, or one character of a script that writes without spaces.
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|\d+(?:[.,]\d+)*|[^\W\d_]+")
_SHORTEST_WORD = 3
_ALIKE = 82.0
"""rapidfuzz's ratio, 0 to 100, from which two words count as one: `tents` and `tent` have 89."""


def words(text: str) -> list[str]:
    """The words of a text that carry meaning, in lower case; short Latin words do not."""
    found = _WORD.findall(text.casefold())
    return [w for w in found if len(w) >= _SHORTEST_WORD or w[0].isdigit() or w[0] >= "\u3040"]


class WordIndex(Generic[K]):
    """Texts by key, ready to be compared with briefs."""

    def __init__(self, texts: Mapping[K, str]) -> None:
        self._keys = list(texts)
        self._holders: dict[str, set[K]] = defaultdict(set)
        for key, text in texts.items():
            for word in words(text):
                self._holders[word].add(key)

    def scores(self, brief: str) -> dict[K, float]:
        """For each key, 0 to 1: which share of what the brief says its text says too."""
        total = 0.0
        scores: dict[K, float] = dict.fromkeys(self._keys, 0.0)
        for word in dict.fromkeys(words(brief)):
            best = self._best_likeness(word)
            # Inverse document frequency; a word that nobody has still counts in the total.
            weight = math.log(1 + (len(self._keys) + 1) / (len(best) + 1))
            total += weight
            for key, likeness in best.items():
                scores[key] += weight * likeness
        return {key: score / total for key, score in scores.items()} if total else scores

    def _best_likeness(self, word: str) -> dict[K, float]:
        # Digits are never nearly right: `2` is not `3`.
        if word in self._holders or len(word) < _SHORTEST_WORD or word[0].isdigit():
            alike = [(word, 100.0)] if word in self._holders else []
        else:
            alike = [
                (found, ratio)
                for found, ratio, _ in process.extract(
                    word, self._holders.keys(), scorer=fuzz.ratio, score_cutoff=_ALIKE, limit=None
                )
            ]
        best: dict[K, float] = {}
        for found, ratio in alike:
            for key in self._holders[found]:
                best[key] = max(best.get(key, 0.0), ratio / 100)
        return best


def closest(wanted: str, there: list[str]) -> str | None:
    """The one of `there` that was probably meant, None where nothing is near."""
    found = process.extractOne(wanted, there, scorer=fuzz.WRatio, score_cutoff=70.0)
    return None if found is None else found[0]


def mentioned(names: Mapping[K, str], text: str) -> set[K]:
    """The keys whose name stands in the text; a longer name hides the shorter one inside it."""
    said, found = text.casefold(), set()
    for key, name in sorted(names.items(), key=lambda pair: -len(pair[1])):
        wanted = name.casefold()
        # Most names are not there, and compiling a pattern for each of thousands takes long.
        if wanted not in said:
            continue
        # No word boundary: in `Linceは` there is none, though the name ends there.
        whole = rf"(?<![a-z0-9\u00e0-\u024f]){re.escape(wanted)}(?![a-z0-9\u00e0-\u024f])"
        said, times = re.subn(whole, "\n", said)
        if times:
            found.add(key)
    return found
