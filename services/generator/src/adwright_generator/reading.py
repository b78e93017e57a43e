"""The output of one call to a model: from bytes to texts that may be sent."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from adwright_checks import Format

from .decode import decoder_for
from .events import Delta, Withheld
from .guard import Rules, StreamGuard

__all__ = ["Reading", "Texts"]


@dataclass(slots=True)
class Texts:
    """The texts of a variant so far, by path."""

    texts: dict[str, str]
    withheld: dict[str, str] = field(default_factory=dict)
    """Rules that ended a text, by its path."""
    cut: bool = False
    """A token limit ended the output."""

    def restart(self, texts: dict[str, str]) -> None:
        """Back to what there was before the call that is now made again."""
        self.texts = dict(texts)
        self.withheld = {path: rule for path, rule in self.withheld.items() if path in texts}


class Reading:
    """Decodes, guards, and keeps what passed."""

    def __init__(self, ad_format: Format, paths: Sequence[str], variant: int, rules: Rules, out: Texts) -> None:
        """`paths` are the texts that the call answers with; they go into `out`."""
        self._decoder = decoder_for(ad_format, paths)
        self._guards = {path: StreamGuard(rules) for path in paths}
        self._variant = variant
        self._out = out

    def feed(self, data: bytes) -> list[Delta | Withheld]:
        """What may be sent with these bytes. Raises MalformedOutput."""
        events: list[Delta | Withheld] = []
        for path, text in self._decoder.feed(data):
            events += self._guarded(path, self._guards[path].feed(text))
        return events

    def end(self) -> None:
        """Checks that the output is whole. Raises MalformedOutput."""
        self._decoder.finish()

    def rest(self) -> list[Delta | Withheld]:
        """What was held back and turned out to be harmless."""
        return [event for path, guard in self._guards.items() for event in self._guarded(path, guard.finish())]

    def _guarded(self, path: str, text: str) -> list[Delta | Withheld]:
        out, matched = self._out, self._guards[path].matched
        events: list[Delta | Withheld] = []
        if text:
            out.texts[path] = out.texts.get(path, "") + text
            events.append(Delta(self._variant, path, text))
        if matched and path not in out.withheld:
            out.withheld[path] = matched
            events.append(Withheld(self._variant, path, matched))
        return events
