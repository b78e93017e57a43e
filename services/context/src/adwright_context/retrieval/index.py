"""The products of one brand, ready to be searched: what the brief names, what it says, and what it means."""

from __future__ import annotations

import hashlib
import sys
from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from adwright_encoder import Encoder

from .bm25 import Bm25, Scores, Weighted
from .model import Document, Hit, Tuning
from .names import Names
from .text import Analyzer, primary
from .vectors import Vectors, parsed

__all__ = ["ProductIndex"]


_CANDIDATES: Final = 200
"""So many of the best by words and as many by meaning are compared by both."""
_TIES: Final = 2 * _CANDIDATES
_STOP_SHARE: Final = 0.1
"""A stop word that so few of the texts have means something here, like `room` among tents."""


@dataclass(slots=True)
class _Entry:
    id: str
    names: Sequence[str]
    languages: Sequence[str]


class ProductIndex:
    """Documents by id. Equal content gives equal hits, whatever was put and removed before.

    Not thread-safe: it belongs to one thread at a time, without locks. Build it in a worker thread, hand it over when
    it is done, and from then on put, remove and search on the thread of the event loop; each takes a few milliseconds.
    """

    def __init__(self, encoder: Encoder | None = None, *, tuning: Tuning | None = None) -> None:
        self._encoder = encoder
        self._tuning = tuning or Tuning()
        self._bm25 = Bm25(k1=self._tuning.k1, b=self._tuning.b)
        self._vectors = Vectors()
        self._names = Names()
        self._analyzer = Analyzer()
        self._numbers: dict[str, int] = {}
        self._entries: list[_Entry | None] = []
        self._free: list[int] = []
        self._ranks = array("Q")
        self._beyond = array("B")
        self._languages: Counter[str] = Counter()

    @classmethod
    def build(
        cls,
        items: Iterable[tuple[str, Document, bytes | None]],
        encoder: Encoder | None = None,
        *,
        tuning: Tuning | None = None,
    ) -> Self:
        """An index of all the items at once."""
        index = cls(encoder, tuning=tuning)
        for id, document, vector in items:
            index.put(id, document, vector)
        return index

    def __len__(self) -> int:
        return len(self._numbers)

    def __contains__(self, id: str) -> bool:
        return id in self._numbers

    def put(self, id: str, document: Document, vector: bytes | None = None) -> None:
        """Adds a document or replaces it. Raises ValueError where the vector is not 512 bytes; then nothing changed."""
        if vector is not None:
            parsed(vector)
        self.remove(id)
        if self._free:
            number = self._free.pop()
        else:
            number = len(self._entries)
            self._entries.append(None)
            self._ranks.append(0)
            self._beyond.append(0)
        languages = tuple(sorted({primary(tag) for tag, _ in document.texts}))
        self._entries[number] = _Entry(id, tuple(document.names), languages)
        self._numbers[id] = number
        self._ranks[number] = _rank(id)
        self._beyond[number] = bool(document.texts) and not self._understands(primary(document.texts[0][0]))
        self._languages.update(languages)
        self._names.add(number, document.names)
        self._bm25.add(number, [t for tag, text in document.texts for t in self._analyzer.terms(text, tag)])
        if vector is not None:
            self._vectors.put(number, vector)

    def put_vector(self, id: str, vector: bytes) -> None:
        """Adds or replaces the vector alone; nothing happens where there is no such document. Raises ValueError."""
        parsed(vector)
        if (number := self._numbers.get(id)) is not None:
            self._vectors.put(number, vector)

    def remove(self, id: str) -> None:
        """Takes a document out; nothing happens where there is none."""
        number = self._numbers.pop(id, None)
        if number is None:
            return
        entry = self._entries[number]
        assert entry is not None
        self._entries[number] = None
        self._languages -= Counter(entry.languages)
        self._names.remove(number, entry.names)
        self._bm25.remove(number)
        self._vectors.remove(number)
        self._free.append(number)

    def memory_bytes(self) -> int:
        """What the index holds, in bytes, nearly; without the encoder, which indexes share."""
        small = sum(map(sys.getsizeof, (self._numbers, self._entries, self._ranks)))
        return small + self._names.memory_bytes() + self._bm25.memory_bytes() + self._vectors.memory_bytes()

    def search(self, brief: str, *, languages: Sequence[str] = (), limit: int = 10) -> list[Hit]:
        """The documents that answer the brief, the best first, equal ones by id; none where nothing does.

        `languages` are the BCP-47 tags that the brief may be in, the likeliest first; the documents' own are always
        tried. What the brief names comes first, with a score of 1.
        """
        if limit < 1 or not self._numbers:
            return []
        named = self._names.said(brief)
        words = self._words(brief, languages)
        lexical = self._lexical(words)
        vector = self._encoder.encode(brief) if self._encoder and len(self._vectors) else None
        near = self._vectors.nearest(vector, _CANDIDATES) if vector else np.empty(0, np.intp)
        wanted = np.unique(np.concatenate((self._best(lexical), self._few(near), np.fromiter(named, np.intp))))
        cosines = self._vectors.cosines(vector, wanted) if vector else np.zeros(len(wanted))
        scores = self._fused(lexical[wanted], cosines, wanted, self._lexical_beyond(brief, languages))
        scores[np.isin(wanted, list(named))] = 1.0
        enough = np.flatnonzero(scores >= (self._tuning.least if vector else self._tuning.least_words))
        if len(enough) > limit:
            enough = enough[scores[enough] >= np.partition(scores[enough], -limit)[-limit]]
        found = [(int(wanted[at]), float(scores[at]), float(cosines[at])) for at in enough]
        found.sort(key=lambda item: (-item[1], self._entry(item[0]).id))
        return [
            Hit(
                id=self._entry(number).id,
                score=score,
                bm25=float(lexical[number]),
                cosine=cosine if vector and number in self._vectors else None,
                words=[word for word, terms in words.items() if self._bm25.has(number, terms)],
                name=named.get(number, ""),
            )
            for number, score, cosine in found[:limit]
        ]

    def likeness(self, brief: str, ids: Iterable[str], *, languages: Sequence[str] = ()) -> dict[str, float]:
        """How well each of the documents answers the brief, 0 to 1; ids that are not there are left out."""
        known = {id: self._numbers[id] for id in ids if id in self._numbers}
        if not known:
            return {}
        numbers = np.fromiter(known.values(), np.intp)
        lexical = self._lexical(self._words(brief, languages))[numbers]
        if self._encoder and len(self._vectors):
            cosines = self._vectors.cosines(self._encoder.encode(brief), numbers)
        else:
            cosines = np.zeros(len(numbers))
        scores = self._fused(lexical, cosines, numbers, self._lexical_beyond(brief, languages))
        return dict(zip(known, scores.tolist(), strict=True))

    def _words(self, brief: str, languages: Sequence[str]) -> dict[str, Weighted]:
        """The brief's words that tell something, and the terms they may mean."""
        words: dict[str, Weighted] = {}
        for word in self._analyzer.words(brief, languages, sorted(self._languages)):
            terms = [(form, 1.0) for form in word.forms if form in self._bm25]
            often = max((self._bm25.frequency(form) for form, _ in terms), default=0)
            if word.stop and not 0 < often <= _STOP_SHARE * len(self):
                continue
            if not terms:
                terms = list(dict(pair for form in word.forms for pair in self._bm25.near(form)).items())
            words[word.said] = terms
        return words

    def _lexical(self, words: Mapping[str, Weighted]) -> Scores:
        """The share of what the words tell that each document has; a word that no document has tells something too."""
        total = sum(max(map(self._bm25.idf, [t for t, _ in terms] or [""])) for terms in words.values())
        scores = self._bm25.scores(filter(None, words.values()))
        return scores / total if total else scores

    def _fused(self, lexical: Scores, cosines: Scores, numbers: NDArray[np.intp], beyond: float) -> Scores:
        """A convex combination of both (Bruch et al., TOIS 2023): a score, unlike one of ranks, says how good."""
        if not (self._encoder and len(self._vectors)):
            return lexical
        weights: Scores = np.where(np.frombuffer(self._beyond, np.bool_)[numbers], beyond, self._tuning.lexical)
        fused: Scores = weights * lexical + (1 - weights) * np.maximum(cosines, 0)
        return fused

    def _lexical_beyond(self, brief: str, languages: Sequence[str]) -> float:
        """The weight of words for products in a language that the encoder does not understand."""
        language = self._analyzer.language(brief, languages, sorted(self._languages))
        tuning = self._tuning
        return tuning.lexical if self._understands(language) else max(tuning.lexical, tuning.lexical_beyond)

    def _understands(self, language: str) -> bool:
        return language in self._tuning.understood or language in ("", "und")

    def _best(self, scores: Scores) -> NDArray[np.intp]:
        """The numbers of the best scores above 0, and of all that are as good as the last of them."""
        some = np.flatnonzero(scores)
        if len(some) > _CANDIDATES:
            some = some[scores[some] >= np.partition(scores[some], -_CANDIDATES)[-_CANDIDATES]]
        return self._few(some, scores)

    def _few(self, numbers: NDArray[np.intp], scores: Scores | None = None) -> NDArray[np.intp]:
        """Not more than some hundred of them, also where thousands are equal; which, does not depend on history."""
        if len(numbers) <= _TIES:
            return numbers
        ranks = np.frombuffer(self._ranks, np.uint64)[numbers]
        order = np.argsort(ranks) if scores is None else np.lexsort((ranks, -scores[numbers]))
        return numbers[order[:_TIES]]

    def _entry(self, number: int) -> _Entry:
        entry = self._entries[number]
        assert entry is not None
        return entry


def _rank(id: str) -> int:
    return int.from_bytes(hashlib.blake2b(id.encode(), digest_size=8).digest())
