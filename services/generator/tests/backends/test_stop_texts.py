"""Stop texts: what is let through, and when."""

from hypothesis import given
from hypothesis import strategies as st

from adwright_generator.backends.stop_texts import StopTexts


def let_through(pieces: list[str], *stops: str) -> tuple[list[str], bool]:
    texts = StopTexts(stops)
    return [*(texts.feed(piece) for piece in pieces), texts.flush()], texts.stopped


def test_without_stop_texts_everything_passes_at_once() -> None:
    assert let_through(["a", "b"], "") == (["a", "b", ""], False)


def test_a_stop_text_and_what_follows_is_cut_off() -> None:
    assert let_through(["one END two", "three"], "END") == (["one ", "", ""], True)


def test_a_stop_text_in_pieces_is_held_back_until_it_is_whole() -> None:
    assert let_through(["one E", "N", "D two"], "END") == (["one ", "", "", ""], True)


def test_what_was_no_stop_text_after_all_is_let_through() -> None:
    assert let_through(["one E", "N", "ough"], "END") == (["one ", "", "ENough", ""], False)


def test_only_what_may_begin_a_stop_text_is_held_back() -> None:
    assert let_through(["aaab"], "bcd")[0][0] == "aaa"


def test_what_is_held_back_at_the_end_is_part_of_the_output() -> None:
    assert let_through(["one EN"], "END") == (["one ", "EN"], False)


def test_the_stop_text_that_is_complete_first_counts() -> None:
    assert "".join(let_through(["xabc"], "abc", "b")[0]) == "xa"


def test_of_those_complete_at_the_same_character_the_longest_counts() -> None:
    assert "".join(let_through(["xabc"], "bc", "abc")[0]) == "x"


def by_character(text: str, stops: list[str]) -> str:
    for end in range(1, len(text) + 1):
        ending = [stop for stop in stops if text[:end].endswith(stop)]
        if ending:
            return text[: end - max(map(len, ending))]
    return text


SHORT = st.text("ab", min_size=1, max_size=4)


@given(st.lists(st.text("abc", max_size=5), max_size=8), st.lists(SHORT, max_size=4))
def test_how_the_text_is_cut_makes_no_difference(pieces: list[str], stops: list[str]) -> None:
    assert "".join(let_through(pieces, *stops)[0]) == by_character("".join(pieces), stops)
