"""The length of a text as a platform counts it."""

import pytest

from adwright_checks import Counting, text_length


@pytest.mark.parametrize(
    ("text", "code_points", "wide_as_two"),
    [
        ("", 0, 0),
        ("tent", 4, 4),
        ("tält", 4, 4),
        ("ta\u0308lt", 4, 4),
        ("軽いテント", 5, 10),
        ("ﾃﾝﾄ", 3, 3),
        ("텐트", 2, 4),
        ("ＡＢ", 2, 4),
        ("€", 1, 1),
        ("⛺", 1, 2),
        ("a\u200bb", 3, 3),
    ],
)
def test_lengths_follow_the_counting(text: str, code_points: int, wide_as_two: int) -> None:
    assert text_length(text, Counting.CODE_POINTS) == code_points
    assert text_length(text, Counting.EAST_ASIAN_WIDE_AS_TWO) == wide_as_two


def test_an_emoji_of_several_code_points_counts_each_of_them() -> None:
    assert text_length("👨‍👩‍👧", Counting.CODE_POINTS) == 5
