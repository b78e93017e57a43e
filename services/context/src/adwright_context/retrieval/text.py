"""Texts as terms: words reduced to their stems by language, numbers exact, unspaced scripts in pairs."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import regex
import Stemmer
import stopwordsiso

__all__ = ["Analyzer", "Word", "normalized", "primary", "spoken", "units"]

_UNSPACED: Final = (
    r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"  # the scripts that write without spaces
)
_UNIT: Final = regex.compile(
    rf"\p{{N}}+(?:[.,]\p{{N}}+)*|[{_UNSPACED}]\p{{M}}*|[[\p{{L}}\p{{M}}]--[{_UNSPACED}]]+(?:['’]\p{{L}}+)?",
    regex.VERSION1,
)
# Numbers in words stand in lists of stop words, and tell tents for two from tents for three. Not those that are more
# often another word: `to` (Norwegian two), `sei` (Italian six).
_NUMBERS: Final = (
    "two three four five six seven eight nine ten zwei drei vier fünf sechs sieben acht neun zehn "
    "två tre fyra fem sex sju åtta nio tio fire seks syv åtte otte ni ti deux trois quatre cinq sept huit "
    "neuf dix dos tres cuatro cinco seis siete ocho nueve diez due quattro cinque sette otto nove dieci "
    "twee drie vijf zes zeven negen tien"
)
_NUMERALS: Final = frozenset(_NUMBERS.split())
_LONE: Final = regex.compile(rf"[{_UNSPACED}]")
_ACCENTS: Final = regex.compile("[\u0300-\u036f]+")

# Snowball's algorithms by primary language subtag; other languages keep their words as they are.
_ALGORITHMS: Final = {
    "ar": "arabic", "ca": "catalan", "cs": "czech", "da": "danish", "de": "german", "el": "greek", "en": "english",
    "es": "spanish", "et": "estonian", "eu": "basque", "fa": "persian", "fi": "finnish", "fr": "french",
    "ga": "irish", "hi": "hindi", "hu": "hungarian", "hy": "armenian", "id": "indonesian", "it": "italian",
    "lt": "lithuanian", "nb": "norwegian", "ne": "nepali", "nl": "dutch", "nn": "norwegian", "no": "norwegian",
    "pl": "polish", "pt": "portuguese", "ro": "romanian", "ru": "russian", "sr": "serbian", "sv": "swedish",
    "ta": "tamil", "tr": "turkish", "yi": "yiddish",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a brief: as it stands there, and the terms that it may be in an index, the likeliest first."""

    said: str
    forms: tuple[str, ...]
    stop: bool
    """Whether it is one of the words that every text of its language has; the index has the last say."""


def primary(tag: str) -> str:
    """The primary subtag of a BCP-47 tag: `de` of `de-AT`."""
    return tag.partition("-")[0].lower()


def normalized(text: str) -> str:
    """One form for what looks the same: NFKC and casefold, which leaves some texts undone (NFC again)."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def units(text: str) -> Iterator[tuple[int, int]]:
    """Where in a normalized text its words, numbers and single characters of unspaced scripts begin and end."""
    return (match.span() for match in _UNIT.finditer(text))


def spoken(words: Iterable[str], languages: Sequence[str]) -> str:
    """Which of the languages (primary subtags) the words are in by their stop words; the first in doubt, or ``""``."""
    found = set(words)
    return max(languages, key=lambda tag: len(found & _stop_words(tag)), default="")


class Analyzer:
    """Turns texts into terms. Not thread-safe (the stemmers cache): each index has one of its own."""

    def __init__(self) -> None:
        self._stemmers: dict[str, Stemmer.Stemmer | None] = {}

    def terms(self, text: str, language: str) -> list[str]:
        """The terms of a document's text, repeated as often as they stand in it; `language` is a BCP-47 tag."""
        said = normalized(text)
        if said.isascii() or not _LONE.search(said):
            return self._stems(_UNIT.findall(said), primary(language))
        words: list[str] = []
        pairs: list[str] = []
        before = (-1, -1)
        for start, end in units(said):
            if _LONE.match(said, start):
                # A pair is what a word is elsewhere; the single character answers a word of one character.
                if before[1] == start and _LONE.match(said, before[0]):
                    pairs.append(said[before[0] : end])
                pairs.append(said[start:end])
            else:
                words.append(said[start:end])
            before = (start, end)
        return self._stems(words, primary(language)) + pairs

    def words(self, brief: str, languages: Sequence[str], also: Sequence[str] = ()) -> list[Word]:
        """The different words of a brief that may be in one of `languages`, and be met by texts in those or `also`."""
        said = normalized(brief)
        spans = _merged(said)
        texts = [said[start:end] for start, end in spans]
        asked = list(dict.fromkeys(map(primary, languages)))
        tongue = spoken(texts, asked or also)
        tongues = list(dict.fromkeys([tongue, *asked, *also]))
        stops = _stop_words(tongue)
        columns = [self._stems(texts, tag) for tag in tongues]
        found: dict[str, Word] = {}
        for text, *forms in zip(texts, *columns, strict=True):
            found.setdefault(text, Word(text, tuple(dict.fromkeys(forms)), text in stops))
        return list(found.values())

    def language(self, brief: str, languages: Sequence[str], also: Sequence[str] = ()) -> str:
        """Which of `languages`, or of `also` where there are none, the brief is likely in, as a primary subtag."""
        said = normalized(brief)
        asked = list(dict.fromkeys(map(primary, languages)))
        return spoken((said[start:end] for start, end in units(said)), asked or also)

    def _stems(self, words: list[str], tag: str) -> list[str]:
        if tag not in self._stemmers:
            self._stemmers[tag] = Stemmer.Stemmer(_ALGORITHMS[tag]) if tag in _ALGORITHMS else None
        stemmer = self._stemmers[tag]
        # Accents go after stemming: the algorithms know `ä` from `a`, the people who write briefs not always.
        stems = stemmer.stemWords(words) if stemmer else words
        return [stem if stem.isascii() else _plain(stem) for stem in stems]


def _merged(said: str) -> list[tuple[int, int]]:
    """The units of a brief, where neighbours of an unspaced script make pairs instead."""
    spans: list[tuple[int, int]] = []
    paired = False
    before = (-1, -1)
    for start, end in units(said):
        lone = _LONE.match(said, start) is not None
        if lone and before[1] == start and _LONE.match(said, before[0]):
            if not paired:
                spans.pop()
            spans.append((before[0], end))
            paired = True
        else:
            spans.append((start, end))
            paired = False
        before = (start, end)
    return spans


def _plain(word: str) -> str:
    # Only Latin, Greek and Cyrillic accents: in other scripts a mark makes another letter.
    return unicodedata.normalize("NFC", _ACCENTS.sub("", unicodedata.normalize("NFD", word)))


@cache
def _stop_words(tag: str) -> frozenset[str]:
    return frozenset(stopwordsiso.stopwords(tag)) - _NUMERALS if tag and stopwordsiso.has_lang(tag) else frozenset()
