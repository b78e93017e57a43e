"""Which names a text says: one look-up for each stretch of it that a name could be, however many names there are."""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Final

from .text import normalized, units

__all__ = ["Names"]

_MOST_UNITS: Final = 24
"""Names of more words than this are not looked for."""


class Names:
    """Names with the keys they belong to; several may share one."""

    def __init__(self) -> None:
        self._keys: dict[str, set[int]] = defaultdict(set)
        self._lengths: dict[str, Counter[int]] = defaultdict(Counter)

    def add(self, key: int, names: Iterable[str]) -> None:
        """Lets `key` answer to each of the names; one without a letter or digit is no name."""
        for said, first, length in filter(None, map(_taken_apart, names)):
            if key not in self._keys[said]:
                self._keys[said].add(key)
                self._lengths[first][length] += 1

    def remove(self, key: int, names: Iterable[str]) -> None:
        """Undoes `add`."""
        for said, first, length in filter(None, map(_taken_apart, names)):
            if key not in self._keys.get(said, ()):
                continue
            self._keys[said].discard(key)
            if not self._keys[said]:
                del self._keys[said]
            self._lengths[first][length] -= 1
            if not self._lengths[first][length]:
                del self._lengths[first][length]
            if not self._lengths[first]:
                del self._lengths[first]

    def said(self, text: str) -> dict[int, str]:
        """The keys whose name stands in the text as a whole, with the name; the longest where names overlap."""
        text = " ".join(normalized(text).split())
        spans = list(units(text))
        found: list[tuple[int, int]] = []
        for at, (start, end) in enumerate(spans):
            for length in self._lengths.get(text[start:end], ()):
                if at + length > len(spans):
                    continue
                last = spans[at + length - 1][1]
                # `Nest+` is not `Nest`, though both end with the same word.
                found += [(start, stop) for stop in _ends(text, last) if text[start:stop] in self._keys]
        said: dict[int, str] = {}
        taken: list[tuple[int, int]] = []
        for start, stop in sorted(found, key=lambda span: (span[0] - span[1], span)):
            if all(stop <= begin or start >= end for begin, end in taken):
                taken.append((start, stop))
                said |= dict.fromkeys(self._keys[text[start:stop]], text[start:stop])
        return said

    def memory_bytes(self) -> int:
        """What the names take, in bytes, nearly."""
        held = (self._keys, self._lengths, *self._keys, *self._keys.values(), *self._lengths.values())
        return sum(map(sys.getsizeof, held))


def _taken_apart(name: str) -> tuple[str, str, int] | None:
    text = " ".join(normalized(name).split())
    spans = list(units(text))
    if not spans or len(spans) > _MOST_UNITS:
        return None
    start, end = spans[0]
    return text[start:], text[start:end], len(spans)


def _ends(text: str, end: int) -> Iterable[int]:
    """The end of a word, and those of the signs that follow it without a space."""
    yield end
    while end < len(text) and not text[end].isalnum() and not text[end].isspace():
        end += 1
        yield end
