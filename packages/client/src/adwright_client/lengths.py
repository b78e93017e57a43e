"""The length of a text as an ad platform counts it, for meters that move while it is being written.

The verdict is not made here: `AdField.length` of the finished ad is what counts.
"""

import unicodedata

from adwright.type.v1.format_pb2 import FormatField

__all__ = ["text_length"]


def text_length(text: str, counting: FormatField.Counting.ValueType) -> int:
    """Length of `text` in units of `counting` (FormatField.Counting; unset counts code points).

    Texts are counted in normal form C, like the finished ad; wide characters are those of Unicode UAX #11.
    """
    text = unicodedata.normalize("NFC", text)
    if counting != FormatField.COUNTING_EAST_ASIAN_WIDE_AS_TWO or text.isascii():
        return len(text)
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)
