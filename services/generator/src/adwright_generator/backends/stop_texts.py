"""Cuts a stream of text at its stop texts, which are no part of the output."""

from collections.abc import Iterable

__all__ = ["StopTexts"]


class StopTexts:
    """Lets text through up to the stop text that is complete first, however the text is cut into pieces.

    Only what may be the beginning of a stop text is held back. Of several that are complete at the same character the
    longest counts.
    """

    def __init__(self, stops: Iterable[str]) -> None:
        """Empty stop texts are none."""
        self._stops = tuple(stop for stop in stops if stop)
        self._held = ""
        self._stopped = False

    @property
    def stopped(self) -> bool:
        """True when a stop text has come; nothing is let through any more."""
        return self._stopped

    def feed(self, text: str) -> str:
        """What can be let through now that `text` has come."""
        if not self._stops or self._stopped:
            return "" if self._stopped else text
        text = self._held + text
        found = [(start + len(stop), start) for stop in self._stops if (start := text.find(stop)) >= 0]
        if found:
            self._stopped, self._held = True, ""
            return text[: min(found)[1]]
        keep = max(self._beginning(text, stop) for stop in self._stops)
        self._held = text[len(text) - keep :]
        return text[: len(text) - keep]

    def flush(self) -> str:
        """What was held back; to be asked for when the stream ends without a stop text."""
        held, self._held = self._held, ""
        return held

    @staticmethod
    def _beginning(text: str, stop: str) -> int:
        """Length of the longest end of `text` that `stop` begins with."""
        longest = min(len(stop) - 1, len(text))
        return next((size for size in range(longest, 0, -1) if text.endswith(stop[:size])), 0)
