"""Text made ready for reading numbers: one kind of digit, dash, apostrophe and no-break space."""

import re
import unicodedata
from fractions import Fraction

from adwright_checks.normalise import strip_invisible
from adwright_checks.quantities.numbers import POINT

__all__ = ["LATIN", "prepare"]

LATIN = "A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f"
"""Latin letters, for a character class."""

# Survives NFKC, which would turn no-break spaces into spaces that also divide sentences.
_HELD_SPACE = "\ue000"
_TRANSLATION = str.maketrans(
    dict.fromkeys("\u00a0\u2007\u2008\u2009\u200a\u202f", _HELD_SPACE)
    | dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\uff0d", "-")
    | dict.fromkeys("\u2018\u2019\u02bc\u2032\u066c", "'")
    | dict.fromkeys("\u201c\u201d\u2033", '"')
    | {"\u066b": POINT, "\u066a": "%"}
)
_VULGAR = re.compile(r"(\d{0,9})\s?([\u00bc-\u00be\u2150-\u215e])")
_SUPERSCRIPT = re.compile("[\u00b2\u00b3\u00b9\u2070\u2074-\u2079]+")
_WORD_BEFORE = re.compile(r"[^\W\d_]{0,3}\Z")
_SQUARED = frozenset({"mm", "cm", "dm", "m", "km", "ft", "in"})
_NOT_ASCII_DIGIT = re.compile(r"[^\D0-9]")


def prepare(text: str) -> str:
    """`text` in compatibility form with ASCII digits; its length may differ.

    Superscript digits are footnote marks unless they square or cube a unit; ½ becomes a decimal.
    """
    if text.isascii():
        return text
    text = strip_invisible(text)
    text = _SUPERSCRIPT.sub(_superscript, text)
    text = _VULGAR.sub(_vulgar, text)
    text = unicodedata.normalize("NFKC", text.translate(_TRANSLATION))
    text = text.replace(_HELD_SPACE, "\u00a0").replace("\u2044", "/")
    return _NOT_ASCII_DIGIT.sub(lambda match: str(unicodedata.decimal(match.group())), text)


def _superscript(match: re.Match[str]) -> str:
    mark, start = match.group(), match.start()
    found = _WORD_BEFORE.search(match.string, max(0, start - 3), start)
    word = found.group() if found else ""
    if not word:
        return mark
    squares = word in _SQUARED and mark in ("\u00b2", "\u00b3")
    return unicodedata.normalize("NFKC", mark) if squares else ""


def _vulgar(match: re.Match[str]) -> str:
    whole, sign = match.groups()
    part = Fraction(unicodedata.numeric(sign)).limit_denominator(10)
    value = int(whole or 0) + part
    if 1000 % value.denominator:
        # A third has no decimals: leave it to be compared as it is written.
        return f"{whole} {sign}" if whole else sign
    return f"{float(value):g}".replace(".", POINT)
