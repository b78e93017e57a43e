"""Holding a stream back just enough that a forbidden phrase never crosses the wire, also split over tokens."""

from collections.abc import Iterable, Mapping
from functools import lru_cache

import regex

from adwright_checks.normalise import fold, phrase_pattern

__all__ = ["StreamGuard"]


Rules = Mapping[str, Iterable[str]]
"""Phrases that must not pass, by the name of the rule that forbids them."""


@lru_cache(maxsize=64)
def _pattern(rules: tuple[tuple[str, frozenset[str]], ...]) -> "regex.Pattern[str] | None":
    groups = [
        f"(?P<{rule}>{'|'.join(phrase_pattern(phrase) for phrase in sorted(phrases, key=len, reverse=True))})"
        for rule, phrases in rules
        if phrases
    ]
    return regex.compile("|".join(groups)) if groups else None


class StreamGuard:
    """Lets the text of one field through up to where a forbidden phrase begins, or may be beginning.

    Compares as the `banned_terms` check does: whole words, without regard to case, width and invisible characters.
    """

    def __init__(self, rules: Rules) -> None:
        named = ((rule, frozenset(p for p in phrases if fold(p))) for rule, phrases in rules.items())
        self._pattern = _pattern(tuple(named))
        self._before = ""
        """The last character let through: what stands before a word decides whether it is one."""
        self._held = ""
        self.matched = ""
        """The rule that matched, once one has: from there on nothing is let through."""

    def feed(self, text: str) -> str:
        """What may be sent now."""
        return self._release(text, final=False)

    def finish(self) -> str:
        """What was held back and turned out to be harmless, at the end of the field."""
        return self._release("", final=True)

    def _release(self, text: str, *, final: bool) -> str:
        if self.matched:
            return ""
        if self._pattern is None:
            return text
        self._held += text
        folded = fold(self._before + self._held)
        found = self._pattern.search(folded, partial=not final)
        if found is None:
            return self._let_through(len(self._held))
        # A match that reaches the end may still turn into a longer, harmless word.
        if found.partial or (not final and found.end() == len(folded)):
            return self._let_through(self._raw_length(found.start()))
        released = self._let_through(self._raw_length(found.start()))
        self.matched = str(found.lastgroup)
        return released.rstrip()

    def _raw_length(self, folded_length: int) -> int:
        """How much of the held text folds to at most so many characters."""
        length = len(self._held)
        while length and len(fold(self._before + self._held[:length])) > folded_length:
            length -= 1
        return length

    def _let_through(self, length: int) -> str:
        released, self._held = self._held[:length], self._held[length:]
        if released:
            self._before = released[-1]
        return released
