"""Language tags: which are known, and which of a brand's languages answers the one asked for."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from babel import Locale

__all__ = ["best_match", "problem_with", "same_language"]


@cache
def _known() -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    # English names stand for the whole of CLDR's lists of languages, scripts and territories.
    english = Locale("en")
    return (
        frozenset(english.languages),
        frozenset(english.scripts),
        frozenset(english.territories),
    )


def problem_with(tag: str) -> str | None:
    """What is wrong with a BCP-47 tag that has the right shape; None: it is known to CLDR."""
    languages, scripts, territories = _known()
    primary, *rest = tag.split("-")
    if primary.lower() not in languages:
        return f"{tag!r}: there is no language {primary!r}; write a BCP-47 tag such as 'en' or 'de-AT'"
    for part in rest:
        if len(part) == 4 and part.isalpha() and part.title() not in scripts:
            return f"{tag!r}: there is no script {part!r}"
        if len(part) in (2, 3) and part.upper() not in territories:
            return f"{tag!r}: there is no region {part!r}"
    return None


def same_language(one: str, other: str) -> bool:
    """Whether one tag says the same as the other, or less: `en` and `en-GB`, not `en-US`."""
    short, long = sorted((one.lower().split("-"), other.lower().split("-")), key=len)
    return long[: len(short)] == short


def best_match(asked: str, offered: Sequence[str]) -> str | None:
    """The offered tag that answers the one asked for, None where there is none.

    In this order: the same tag; the longest that says less (`de` answers `de-AT`: RFC 4647,
    lookup); the first that says more (`en-GB` answers `en`). A sibling (`en-GB` for `en-US`,
    `zh-Hant` for `zh-Hans`) never answers.
    """
    fits = [tag for tag in offered if same_language(asked, tag)]
    parents = [tag for tag in fits if len(tag) <= len(asked)]
    if parents:
        return max(parents, key=len)
    return fits[0] if fits else None
