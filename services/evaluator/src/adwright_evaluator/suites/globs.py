"""Patterns of file names, as the package glob of Node reads them: `*`, `?`, `[ab]`, `**/` and `{a,b}`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

__all__ = ["is_pattern", "matching"]

_WILD: Final = re.compile(r"[*?\[]|\{[^{}]*,[^{}]*\}")
_MOST_BRACES: Final = 100
_PIECES: Final = re.compile(
    r"(?P<folders>(?:^|(?<=/))\*\*/)|(?P<all>(?<=/)\*\*$|^\*\*$)|(?P<star>\*+)|(?P<one>\?)|(?P<set>\[[!^]?\]?[^\]/]*\])"
)


def is_pattern(path: str) -> bool:
    """Whether it may name several files."""
    return bool(_WILD.search(path))


def matching(pattern: str, names: Iterable[str]) -> list[str]:
    """The names that it means, sorted. Names that begin with a dot are meant only where the pattern has the dot."""
    expressions = _expressions(pattern)
    return sorted(name for name in names if any(each.fullmatch(name) for each in expressions))


@lru_cache(maxsize=256)
def _expressions(pattern: str) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(_translated(each)) for each in _braces(pattern))


def _braces(pattern: str) -> list[str]:
    done: list[str] = []
    waiting = [pattern]
    while waiting and len(done) + len(waiting) <= _MOST_BRACES:
        each = waiting.pop(0)
        match = re.search(r"\{([^{}]*,[^{}]*)\}", each)
        if match is None:
            done.append(each)
        else:
            waiting += [each[: match.start()] + part + each[match.end() :] for part in match[1].split(",")]
    return done


def _translated(pattern: str) -> str:
    said: list[str] = []
    at = 0
    for match in _PIECES.finditer(pattern):
        said.append(re.escape(pattern[at : match.start()]))
        visible = r"(?!\.)" if match.start() == 0 or pattern[match.start() - 1] == "/" else ""
        if match["folders"]:
            said.append(r"(?:(?!\.)[^/]++/)*")
        elif match["all"]:
            said.append(r"(?:(?!\.)[^/]++/)*(?!\.)[^/]++")
        elif match["star"]:
            said.append(f"{visible}[^/]*")
        elif match["one"]:
            said.append(f"{visible}[^/]")
        else:
            inner = match["set"][1:-1].replace("\\", r"\\").replace("[", r"\[")
            inner = f"^{inner[1:]}" if inner[:1] == "!" else inner
            said.append(f"(?!/){visible}[{inner}]")
        at = match.end()
    said.append(re.escape(pattern[at:]))
    return "".join(said)
