"""Repetitions at the seam of a continued text are dropped, and nothing else is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adwright_generator.backends.seam import MIN_OVERLAP, Seam

PREFIX = "Pitch it in four minutes. Carry it all day: 1.9 kg for two"


def through(prefix: str, *pieces: str) -> str:
    seam = Seam(prefix)
    return "".join([*(seam.feed(piece) for piece in pieces), seam.end()])


def cut(text: str, size: int) -> list[str]:
    return [text[start : start + size] for start in range(0, len(text), size)]


def overlap(prefix: str, text: str) -> int:
    """The longest tail of the prefix that the text begins with."""
    return max(n for n in range(len(prefix) + 1) if text.startswith(prefix[len(prefix) - n :]))


@pytest.mark.parametrize("size", [1, 3, 7, 1000])
@pytest.mark.parametrize("repeated", [PREFIX, PREFIX[-20:], PREFIX[-MIN_OVERLAP:]], ids=["all", "tail", "short"])
def test_a_repetition_is_dropped(repeated: str, size: int) -> None:
    assert through(PREFIX, *cut(repeated + " and more.", size)) == " and more."


def test_a_shorter_overlap_is_honest_text() -> None:
    assert through("They call", "l it") == "l it"
    assert through(PREFIX, PREFIX[1 - MIN_OVERLAP :] + "!") == PREFIX[1 - MIN_OVERLAP :] + "!"


def test_a_text_that_only_begins_like_the_prefix_is_kept() -> None:
    assert through(PREFIX, "Pitch it in four ", "hours.") == "Pitch it in four hours."


def test_a_repetition_and_nothing_more_leaves_nothing() -> None:
    assert through(PREFIX, PREFIX) == ""


def test_text_is_held_back_only_while_it_may_be_a_repetition() -> None:
    seam = Seam(PREFIX)
    assert [seam.feed("Pitch it"), seam.feed(" up"), seam.feed(" in four")] == ["", "Pitch it up", " in four"]


ALPHABET = st.text(alphabet="ab é", max_size=60)


@given(prefix=ALPHABET, text=ALPHABET, size=st.integers(1, 9))
def test_what_begins_with_no_long_tail_passes_to_the_code_point(prefix: str, text: str, size: int) -> None:
    dropped = overlap(prefix, text)
    expected = text[dropped:] if dropped >= MIN_OVERLAP else text
    assert through(prefix, *cut(text, size)) == expected


@given(prefix=st.text(min_size=MIN_OVERLAP, max_size=60), text=st.text(max_size=30), data=st.data())
def test_a_repeated_tail_is_dropped_wherever_chunks_are_cut(prefix: str, text: str, data: st.DataObject) -> None:
    tail = prefix[-data.draw(st.integers(MIN_OVERLAP, len(prefix))) :]
    repeated = tail + text
    size = data.draw(st.integers(1, 9))
    assert through(prefix, *cut(repeated, size)) == repeated[overlap(prefix, repeated) :]
