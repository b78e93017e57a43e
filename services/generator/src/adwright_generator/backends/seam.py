"""Where a continued text meets its beginning: a model that is asked in words to go on tends to repeat some of it."""

__all__ = ["MIN_OVERLAP", "Seam"]

MIN_OVERLAP = 12
"""Characters. Shorter overlaps happen in honest text: the second `l` of `all`, another ` the `."""


class Seam:
    """Drops what a continuation repeats of `prefix`: the longest tail of it, up to all of it, that it begins with.

    The output is held back only while it may still become such a repetition, so never more than the prefix is long.
    A continuation that begins with no tail of at least MIN_OVERLAP characters passes as it is.
    """

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._held = ""
        # Where in the prefix the output may have begun again, as far as is known.
        self._starts: list[int] | None = list(range(len(prefix) - MIN_OVERLAP + 1))
        self._repeated = 0

    def feed(self, text: str) -> str:
        """What is certainly new of the text so far."""
        if self._starts is None:
            return text
        checked = len(self._held)
        self._held += text
        for place in range(checked, len(self._held)):
            character = self._held[place]
            self._starts = [start for start in self._starts if self._prefix.startswith(character, start + place)]
            if not self._starts:
                break
            # The last start is the shortest tail, the only one that may be complete with this character.
            if self._starts[-1] + place + 1 == len(self._prefix):
                self._repeated = place + 1
        return "" if self._starts else self.end()

    def end(self) -> str:
        """What was held back and is new after all. Everything fed later passes."""
        held, self._held, self._starts = self._held[self._repeated :], "", None
        return held
