"""What YAML writes without quotes, as js-yaml reads it; and JSON's escapes, as YAML reads them."""

from __future__ import annotations

import math
import re
from typing import Final

__all__ = ["plain_value", "without_pairs"]

_WORDS: Final = {"": None, "~": None} | {
    spelled: value
    for word, value in (("null", None), ("true", True), ("false", False))
    for spelled in (word, word.capitalize(), word.upper())
}
_INTEGER: Final = re.compile(r"([-+]?)(0b[01]+|0o[0-7]+|0x[0-9a-fA-F]+|[0-9]+)")
_FLOAT: Final = re.compile(r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?")
_ENDLESS: Final = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_NUMBERS: Final = frozenset("-+.0123456789")
_LARGEST: Final = 10**37
"""Larger whole numbers are kept as JavaScript has them, rounded."""
_PAIR: Final = re.compile(r"(?<!\\)((?:\\\\)*)(\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})")


def plain_value(text: str) -> str | int | float | bool | None:
    """`yes`, `12:30` and dates are texts. Raises ValueError for what is no finite number."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _NUMBERS or len(text) > 400:
        return text
    if match := _INTEGER.fullmatch(text):
        whole = int(match[1] + match[2], 0 if match[2][:2] in ("0b", "0o", "0x") else 10)
        return whole if abs(whole) < _LARGEST else float(whole) if len(text) < 300 else text
    if _ENDLESS.fullmatch(text):
        raise ValueError("a number must be finite")
    number = float(text) if _FLOAT.fullmatch(text) else math.inf
    return number if math.isfinite(number) else text


def without_pairs(text: str) -> str:
    """JSON writes a letter beyond the first plane as a pair of escapes, which is nothing in YAML."""
    return _PAIR.sub(lambda found: found[1] + _letter(found[2]), text)


def _letter(pair: str) -> str:
    high, low = int(pair[2:6], 16), int(pair[8:12], 16)
    return chr(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))
