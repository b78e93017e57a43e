"""The length of a text as a platform counts it.

Both countings go by code points of the text in Unicode normal form C, because that is what
platforms document and what their APIs reject by. Neither goes by grapheme clusters (what a reader
sees as one character): a family emoji of seven code points is one grapheme, but no platform we know
of counts it as one, and counting too high is the safe side: such a text is shortened once too
often, never rejected.
"""

import unicodedata
from enum import Enum

from wcwidth import wcwidth

__all__ = ["WIDE_LANGUAGES", "Counting", "text_length"]

WIDE_LANGUAGES = frozenset({"ja", "ko", "yue", "zh"})
"""Languages that are written mostly in East Asian wide characters."""


class Counting(Enum):
    """How a platform counts the length of a text."""

    CODE_POINTS = "code_points"
    """One for every Unicode code point."""
    EAST_ASIAN_WIDE_AS_TWO = "east_asian_wide_as_two"
    """Two for an East Asian wide or full-width character, one for every other (Unicode UAX #11)."""


def text_length(text: str, counting: Counting) -> int:
    """Length of `text` in units of `counting`."""
    text = unicodedata.normalize("NFC", text)
    if counting is Counting.CODE_POINTS or text.isascii():
        return len(text)
    # wcwidth gives 0 for combining marks and -1 for controls; platforms still count those as one.
    return sum(2 if wcwidth(character) == 2 else 1 for character in text)
