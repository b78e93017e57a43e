"""Patterns of file names, as the package glob of Node reads them: `*`, `?`, `[ab]`, `**/` and `{a,b}`.

Not by regular expressions, which take for ever on `**/**/**/…` and `*a*a*a…`: each part of a pattern is held against
each part of a name at most once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Final

__all__ = ["is_pattern", "matching"]

_WILD: Final = re.compile(r"[*?\[]|\{[^{}]*,[^{}]*\}")
_BRACES: Final = re.compile(r"\{([^{}]*,[^{}]*)\}")
_MOST_BRACES: Final = 100
_LONGEST: Final = 1000
_PIECES: Final = re.compile(r"\*+|\?|\[[!^]?\]?[^\]]*\]|.", re.DOTALL)
_STAR: Final = None


def is_pattern(path: str) -> bool:
    """Whether it may name several files."""
    return len(path) <= _LONGEST and bool(_WILD.search(path))


def matching(pattern: str, names: Iterable[str]) -> list[str]:
    """The names that it means, sorted. Names that begin with a dot are meant only where the pattern has the dot."""
    patterns = [each.split("/") for each in _braces(pattern)]
    return sorted(name for name in names if any(_matches(each, name.split("/")) for each in patterns))


def _braces(pattern: str) -> list[str]:
    done: list[str] = []
    waiting = [pattern]
    while waiting and len(done) + len(waiting) <= _MOST_BRACES:
        each = waiting.pop(0)
        match = _BRACES.search(each)
        if match is None:
            done.append(each)
        else:
            waiting += [each[: match.start()] + part + each[match.end() :] for part in match[1].split(",")]
    return done


def _matches(pattern: list[str], name: list[str]) -> bool:
    """By the places in the name up to which the pattern so far may reach."""
    reached = {0}
    for number, part in enumerate(pattern):
        if part == "**":
            # Folders, or at the end everything below: none of them hidden.
            several = {at for begin in reached for at in range(begin, _visible(name, begin) + 1)}
            reached = several - reached if number == len(pattern) - 1 else several
        else:
            reached = {at + 1 for at in reached if at < len(name) and _part_matches(part, name[at])}
        if not reached:
            return False
    return len(name) in reached


def _visible(name: list[str], begin: int) -> int:
    """Up to where no part is hidden."""
    end = begin
    while end < len(name) and not name[end].startswith("."):
        end += 1
    return end


def _never(letter: str) -> bool:
    return False


def _part_matches(pattern: str, text: str) -> bool:
    pieces = _pieces(pattern)
    if text.startswith(".") and not pattern.startswith("."):
        return False
    at = place = 0
    # Where the last star began, and what it has taken.
    star, taken = -1, 0
    while at < len(text):
        piece = pieces[place] if place < len(pieces) else _never
        if piece is _STAR:
            star, taken = place, at
            place += 1
        elif piece(text[at]):
            place, at = place + 1, at + 1
        elif star >= 0:
            taken += 1
            place, at = star + 1, taken
        else:
            return False
    return all(piece is _STAR for piece in pieces[place:])


@lru_cache(maxsize=1024)
def _pieces(pattern: str) -> tuple[Callable[[str], bool] | None, ...]:
    return tuple(_piece(match[0]) for match in _PIECES.finditer(pattern))


def _piece(text: str) -> Callable[[str], bool] | None:
    if text.startswith("*"):
        return _STAR
    if text == "?":
        return lambda letter: True
    if text.startswith("[") and len(text) > 2:
        inner = text[1:-1].replace("\\", r"\\").replace("[", r"\[")
        try:
            found = re.compile(f"[{'^' + inner[1:] if inner[:1] == '!' else inner}]")
        except re.error:
            return lambda letter: False
        return lambda letter: bool(found.fullmatch(letter))
    return lambda letter: letter == text
