"""The pieces of a JSON text: how one goes on that has been begun. See `json_rest` for what they are put together to."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

__all__ = ["INTEGER", "NUMBER", "Literal", "Part", "String"]

_CHARACTER = r'(?:[^"\\\x00-\x1F\x7F-\x9F]|\\["\\])'

# The escapes of JSON (RFC 8259, section 7), character by character. Half a surrogate pair is no character, so a string
# with one could not be sent on as UTF-8.
_HEX = "[0-9a-fA-F]"
_ESCAPES: tuple[tuple[str, ...], ...] = (
    (r"\\", r'["\\/bfnrt]'),
    (r"\\", "u", "[0-9abcefABCEF]", _HEX, _HEX, _HEX),
    (r"\\", "u", "[dD]", "[0-7]", _HEX, _HEX),
    (r"\\", "u", "[dD]", "[89abAB]", _HEX, _HEX, r"\\", "u", "[dD]", "[c-fC-F]", _HEX, _HEX),
)
_ESCAPE = re.compile("|".join(map("".join, _ESCAPES)))
_CHARACTERS = re.compile(rf'(?:[^"\\\x00-\x1F]|{_ESCAPE.pattern})*')

_WHOLE = "(?:0|[1-9][0-9]*)"
_EXPONENT = r"(?:[eE][+-]?[0-9]+)?"
_FRACTION = r"(?:\.[0-9]+)?"
_INTEGER_RESTS = (
    ("-", _WHOLE),
    ("-?0", ""),
    ("-?[1-9][0-9]*", "[0-9]*"),
)
_NUMBER_RESTS = (
    *((begun, rest + _FRACTION + _EXPONENT) for begun, rest in _INTEGER_RESTS),
    (rf"-?{_WHOLE}\.", f"[0-9]+{_EXPONENT}"),
    (rf"-?{_WHOLE}\.[0-9]+", f"[0-9]*{_EXPONENT}"),
    (rf"-?{_WHOLE}{_FRACTION}[eE]", "[+-]?[0-9]+"),
    (rf"-?{_WHOLE}{_FRACTION}[eE][+-]", "[0-9]+"),
    (rf"-?{_WHOLE}{_FRACTION}[eE][+-]?[0-9]+", "[0-9]*"),
)
_NUMBER_CHARACTERS = re.compile(r"[-+.0-9eE]*")


class Part(Protocol):
    """A piece of the document with white space around it, never within."""

    @property
    def pattern(self) -> str:
        """Of the whole part."""
        ...

    def take(self, text: str, at: int) -> int | str | None:
        """Where the part that starts at `at` ends; or the pattern of its rest, where the text ends before it does or
        may do; or None where the text has something else."""
        ...


@dataclass(frozen=True, slots=True)
class Literal:
    """One of several texts. Those that some writers spell with escapes are only gone on with so, never begun so."""

    texts: tuple[str, ...]
    escaped: tuple[str, ...] = ()

    @property
    def pattern(self) -> str:
        return _one_of(self.texts)

    def take(self, text: str, at: int) -> int | str | None:
        begun = text[at:]
        texts = self.texts + self.escaped if "\\" in begun else self.texts
        if rests := [item[len(begun) :] for item in texts if item.startswith(begun)]:
            return _one_of(rests)
        # The longest, because numbers can begin with one another.
        whole = [len(item) for item in self.texts + self.escaped if begun.startswith(item)]
        return at + max(whole) if whole else None


@dataclass(frozen=True, slots=True)
class String:
    """A string of `shortest` to `longest` code points; an escape, or a pair of them for one code point, is one."""

    shortest: int = 0
    longest: int | None = None

    @property
    def pattern(self) -> str:
        return f'"{self._characters(0)}"'

    def take(self, text: str, at: int) -> int | str | None:
        if text[at] != '"':
            return None
        run = _CHARACTERS.match(text, at + 1)
        assert run is not None
        length = len(_ESCAPE.sub("x", run[0]))
        end = run.end()
        if self.longest is not None and length > self.longest:
            return None
        if end == len(text):
            return f'{self._characters(length)}"'
        if text[end] == '"':
            return end + 1 if length >= self.shortest else None
        escape = _escape_rest(text[end:])
        if escape is None or length == self.longest:
            return None
        return f'{escape}{self._characters(length + 1)}"'

    def _characters(self, length: int) -> str:
        least = max(self.shortest - length, 0)
        if self.longest is None:
            return f"{_CHARACTER}{{{least},}}" if least else f"{_CHARACTER}*"
        return f"{_CHARACTER}{{{least},{self.longest - length}}}" if self.longest > length else ""


@dataclass(frozen=True, slots=True)
class Number:
    """A number of any size."""

    pattern: str
    rests: tuple[tuple[str, str], ...]

    def take(self, text: str, at: int) -> int | str | None:
        run = _NUMBER_CHARACTERS.match(text, at)
        assert run is not None
        if run.end() < len(text):
            return run.end() if re.fullmatch(self.pattern, run[0]) else None
        return next((rest for begun, rest in self.rests if re.fullmatch(begun, run[0])), None)


INTEGER = Number(f"-?{_WHOLE}", _INTEGER_RESTS)
NUMBER = Number(f"-?{_WHOLE}{_FRACTION}{_EXPONENT}", _NUMBER_RESTS)


def _escape_rest(begun: str) -> str | None:
    """The pattern of what makes an escape of `begun`, a backslash and what comes behind it."""
    rests = [
        "".join(escape[len(begun) :])
        for escape in _ESCAPES
        if len(begun) < len(escape) and re.fullmatch("".join(escape[: len(begun)]), begun)
    ]
    return _group(rests) if rests else None


def _one_of(texts: Sequence[str]) -> str:
    # By hand: `re.escape` also escapes what older Rust regexes let nobody escape.
    return _group([re.sub(r"[\\.+*?()|\[\]{}^$]", r"\\\g<0>", text) for text in dict.fromkeys(texts)])


def _group(patterns: Sequence[str]) -> str:
    some = [pattern for pattern in patterns if pattern]
    if len(some) == len(patterns) == 1:
        return some[0]
    # Not an empty alternative, which some engines refuse.
    return f"(?:{'|'.join(some)}){'' if len(some) == len(patterns) else '?'}" if some else ""
