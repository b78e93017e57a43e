"""How many tokens a text will take, without the model's own tokenizer.

The models that write the ads differ, and their tokenizers are not here. Byte-pair vocabularies
spend about a token on four Latin letters, on two letters of other alphabets, and on every
character of the scripts without spaces. The estimate errs on the high side for English.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from unicodedata import east_asian_width

__all__ = ["TOKENS_PER_TEXT", "estimate", "estimate_all"]

TOKENS_PER_TEXT = 2
"""What a prompt adds to each text: a label, a bullet, a line break."""

_LATIN_END = "\u0250"
# Thai and Lao, Burmese, Khmer: written without spaces, though not wide.
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]")


def estimate(text: str) -> int:
    """Estimated tokens of one text, 0 for an empty one."""
    if text.isascii():
        return -(-len(text) // 4)
    quarters = sum(_quarters(character) for character in text)
    return -(-quarters // 4)


def estimate_all(texts: Iterable[str]) -> int:
    """Estimated tokens of several texts, each on a line of its own; empty ones take none."""
    return sum(estimate(text) + TOKENS_PER_TEXT for text in texts if text)


def _quarters(character: str) -> int:
    if character < _LATIN_END:
        return 1
    unspaced = east_asian_width(character) in "WF" or _UNSPACED.match(character)
    return 4 if unspaced else 2
