"""The words of retrieval: what a product says, what answers a brief, and with what weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from adwright_encoder import UNDERSTOOD

__all__ = ["Document", "Hit", "Tuning"]

_REASON_WORDS: Final = 6


@dataclass(frozen=True, slots=True)
class Document:
    """What a product says: `names` that a brief may call it by, and all its texts (names too) with their languages."""

    names: Sequence[str]
    texts: Sequence[tuple[str, str]]
    """Pairs of a BCP-47 tag and a text; the first is in the language that the vector was made of."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A product that answers a brief, and by what."""

    id: str
    score: float
    """0 to 1; what is named has 1."""
    bm25: float
    """Which share of what the brief's words tell the product's words tell, 0 to 1."""
    cosine: float | None
    """Likeness of meaning, -1 to 1; None where the product has no vector, or there is no encoder."""
    words: Sequence[str]
    """The brief's words that the product has, as they stand in the brief."""
    name: str = ""
    """The name by which the brief calls it."""

    @property
    def reason(self) -> str:
        """Why, in a few words."""
        if self.name:
            return "named in the brief"
        words = f"words: {', '.join(self.words[:_REASON_WORDS])}" if self.words else ""
        meaning = f"meaning {self.cosine:.2f}" if self.cosine is not None and self.cosine > 0 else ""
        return "; ".join(filter(None, (words, meaning)))


@dataclass(frozen=True, slots=True)
class Tuning:
    """What the fusion is weighted with; found on one half of the labelled briefs of tests/bench, held on the other."""

    lexical: float = 0.5
    """The weight of words; that of meaning is what is missing to 1."""
    lexical_beyond: float = 0.9
    """The weight of words where neither the brief nor the product is in a language that the encoder understands. It
    takes such texts for alike by their spelling: two that have nothing in common in Swedish had a cosine of 0.8."""
    understood: frozenset[str] = UNDERSTOOD
    """The languages that the encoder was trained on, as primary subtags; `und` counts as one of them."""
    least: float = 0.15
    """Below this score a product does not answer the brief."""
    least_words: float = 0.1
    """The same where words alone decide: one that fits of three in a short text."""
    k1: float = 1.2
    b: float = 0.75
