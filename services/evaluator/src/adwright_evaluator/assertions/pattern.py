"""`regex`: does something in the output match an expression of JavaScript.

The engine is the library `regex`, which stops at a time limit: an expression of a suite can take for ever, and Python's
own engine cannot be stopped.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from adwright_evaluator.model import Grading, Scorer, Verdict

from .common import clipped, holds, wrong

__all__ = ["SCORERS", "problem_of"]

_SECONDS: Final = 1.0
_SPACES: Final = "\\t\\n\\v\\f\\r \\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000\\ufeff"
_REPEAT: Final = re.compile(r"\{\d+(?:,\d*)?\}")
_ANY: Final = "[^\\n\\r\\u2028\\u2029]"


def _regex(grading: Grading) -> Verdict:
    pattern = grading.assertion.value
    if not isinstance(pattern, str) or not pattern:
        raise wrong(grading, "`value` must be a regular expression")
    compiled = _compiled(pattern)
    if isinstance(compiled, str):
        raise wrong(grading, f"`value` is no regular expression: {compiled}")
    try:
        found = compiled.search(grading.text, timeout=_SECONDS)
    except TimeoutError:
        raise wrong(grading, f"`value` took more than {_SECONDS:g} s: make it simpler") from None
    return holds(found is not None, f"Nothing in the output matches {clipped(pattern)}.")


def problem_of(pattern: str) -> str:
    """What is wrong with an expression; empty: nothing."""
    compiled = _compiled(pattern)
    return compiled if isinstance(compiled, str) else ""


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> Any:
    """The compiled expression, or what is wrong with it."""
    import regex

    try:
        return regex.compile(_translated(pattern), regex.ASCII | regex.VERSION0)
    except regex.error as error:
        return str(error)


def _translated(pattern: str) -> str:
    """What JavaScript means by `$`, `.`, `\\s`, `[^]`, `(?<name>` and `\\k<name>`, as the library writes it."""
    said: list[str] = []
    at, inside = 0, False
    while at < len(pattern):
        here, two = pattern[at], pattern[at : at + 2]
        if here == "\\":
            said.append(_escaped(two, inside))
            at += 2
            if two == "\\k" and (end := pattern.find(">", at)) > 0 and pattern[at : at + 1] == "<":
                said[-1] = f"(?P={pattern[at + 1 : end]})"
                at = end + 1
            continue
        step = 1
        if inside:
            inside = here != "]"
            said.append("\\[" if here == "[" else here)
        elif two == "[]" or pattern.startswith("[^]", at):
            said.append("(?!)" if two == "[]" else "(?s:.)")
            step = 2 if two == "[]" else 3
        elif here == "[":
            inside = True
            step = 2 if two == "[^" else 1
            said.append(pattern[at : at + step])
        elif pattern.startswith("(?<", at) and pattern[at + 3 : at + 4] not in ("=", "!"):
            said.append("(?P<")
            step = 3
        elif here == "{" and not _REPEAT.match(pattern, at):
            # A brace like any other letter; the library would read {,3} and {e<=1}.
            said.append("\\{")
        else:
            said.append({"$": "\\Z", ".": _ANY}.get(here, here))
        at += step
    return "".join(said)


def _escaped(two: str, inside: bool) -> str:
    if two == "\\s":
        return _SPACES if inside else f"[{_SPACES}]"
    if two == "\\S" and not inside:
        return f"[^{_SPACES}]"
    kept = two[1:] in "dDwWsSbBnrtvfxuk0123456789" or not two[1:].isalpha()
    return two if kept else two[1:]


SCORERS: Final[Mapping[str, Scorer]] = {"regex": _regex}
