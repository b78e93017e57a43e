"""Numbers as languages write them: `1.9`, `1,9`, `2 490`, `1.299,00`, `1'299.00`, `1,29,999`.

A literal can have several readings: `1,299` is 1299 in English and 1.299 in Swedish. Which sign
divides the whole from the decimals, by language, is CLDR's `decimal` symbol; a test holds the table
below against CLDR.
"""

import re
from collections.abc import Iterable
from fractions import Fraction
from functools import lru_cache

__all__ = ["LITERAL", "POINT", "convention_of", "convention_seen", "groups_by_space", "readings"]

POINT = "\u2396"
"""A decimal point beyond doubt (Unicode: decimal separator key symbol): what U+066B and ½ are
turned into.
"""

LITERAL = re.compile(
    rf"\d{{1,3}}(?:[ \u00a0']\d{{3}}(?!\d))+(?:[.,{POINT}]\d+)?(?!\d)|\d+(?:[.,{POINT}]\d+)*",
    re.ASCII,
)
"""One number in normalised text: ASCII digits, fancy spaces already U+00A0, fancy apostrophes
already `'`.
"""

_POINT_LANGUAGES_TEXT = """
am bn bo cy en fil ga gu he hi ja km kn ko ml mr ms mt my ne pa sd si sw ta te th ti ug ur
yo zh zu
"""
_POINT_LANGUAGES = frozenset(_POINT_LANGUAGES_TEXT.split())
"""Languages that write 1.9; all others write 1,9."""
_POINT_TAGS_TEXT = """
de-ch de-li es-419 es-cu es-do es-gt es-hn es-mx es-ni es-pa es-pe es-pr es-sv es-us gsw
it-ch
"""
_POINT_TAGS = frozenset(_POINT_TAGS_TEXT.split())
_COMMA_TAGS = frozenset({"en-at", "en-be", "en-de", "en-dk", "en-fi", "en-nl", "en-se", "en-za"})
_SPACE_LANGUAGES_TEXT = """
be bg cs et fi fr hu hy ka kk lt lv nb nn no pl pt ru sk sq sv uk uz
"""
_SPACE_LANGUAGES = frozenset(_SPACE_LANGUAGES_TEXT.split())
_LONGEST = 40
"""Characters beyond which digits are a serial number or noise, compared as they stand."""
_SEPARATOR = re.compile("[.,]")


def convention_of(language: str) -> str | None:
    """The decimal sign of a BCP-47 `language`, `.` or `,`; None when the language is empty."""
    tag = language.lower()
    if not tag:
        return None
    if tag in _POINT_TAGS or (tag.split("-")[0] in _POINT_LANGUAGES and tag not in _COMMA_TAGS):
        return "."
    return ","


def groups_by_space(language: str) -> bool:
    """True when `2 490` is one number to readers of the language beyond doubt."""
    return language.lower().split("-")[0] in _SPACE_LANGUAGES


def convention_seen(texts: Iterable[str]) -> str | None:
    """The decimal sign that the numbers of `texts` give away: `,` when `1,9` or `1.299,00` stands
    there.

    None when no number tells, or when they contradict each other.
    """
    seen = set()
    for text in texts:
        for match in LITERAL.finditer(text):
            literal = match.group()
            signs = _SEPARATOR.findall(literal)
            if not signs or (len(signs) > 1 and signs[-1] in signs[:-1]):
                continue
            tail = len(literal) - literal.rindex(signs[-1]) - 1
            if len(set(signs)) == 2 or tail != 3:
                seen.add(signs[-1])
    return seen.pop() if len(seen) == 1 else None


@lru_cache(maxsize=4096)
def readings(literal: str, convention: str | None, *, money: bool = False) -> tuple[Fraction, ...]:
    """What a `literal` can mean, given the decimal sign of its language (None: not known).

    Empty when it is no number (`1.2.3`). An amount of `money` never has three decimals, so there
    `2,490` is 2490 whatever the language.
    """
    if len(literal) > _LONGEST:
        return ()
    if any(sign in literal for sign in " \u00a0'"):
        return (_decimal(re.sub("[ \u00a0']", "", literal)),)
    signs = _SEPARATOR.findall(literal)
    if POINT in literal:
        return (_decimal(literal),) if not signs and literal.count(POINT) == 1 else ()
    if not signs:
        return (Fraction(literal),)
    groups = _SEPARATOR.split(literal)
    if len(signs) == 1:
        head, tail = groups
        if len(tail) != 3 or len(head) > 3 or head.startswith("0"):
            return (_decimal(literal),)
        whole, divided = Fraction(head + tail), _decimal(literal)
        if money or (convention is not None and convention != signs[0]):
            return (whole,)
        return (divided,) if convention else (whole, divided)
    if len(set(signs)) == 1:
        return (Fraction("".join(groups)),) if _grouped(groups, signs[0]) else ()
    if signs[-1] in signs[:-1] or not _grouped(groups[:-1], signs[0]):
        return ()
    return (Fraction(f"{''.join(groups[:-1])}.{groups[-1]}"),)


def _decimal(literal: str) -> Fraction:
    return Fraction(literal.replace(",", ".").replace(POINT, "."))


def _grouped(groups: list[str], sign: str) -> bool:
    """Thousands in threes, or in India's way: `12,34,567`."""
    head, *middle, last = groups if len(groups) > 1 else [*groups, "000"]
    if not 1 <= len(head) <= 3 or head.startswith("0") or len(last) != 3:
        return False
    return all(len(group) == 3 for group in middle) or (
        sign == "," and len(head) <= 2 and all(len(group) == 2 for group in middle)
    )
