"""What the guard promises: a banned phrase never leaves it, everything else does."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adwright_generator.guard import StreamGuard


def _through(guard: StreamGuard, chunks: list[str]) -> str:
    return "".join([guard.feed(chunk) for chunk in chunks] + [guard.finish()])


@pytest.mark.parametrize(
    ("chunks", "sent"),
    [
        (["The che", "ap tent"], "The "),
        (["THE CHE", "AP", " TENT"], "THE "),
        (["at the c", "\u200bhe\u00adap price"], "at the "),
        (["best in the w", "orld ever"], ""),
        (["so cheap"], "so "),
        (["Billig", "st"], "Billigst"),
        (["The che", "apest tent"], "The cheapest tent"),
        (["best in the w", "oods"], "best in the woods"),
        (["a che"], "a che"),
    ],
)
def test_text_is_let_through_up_to_a_banned_phrase(chunks: list[str], sent: str) -> None:
    guard = StreamGuard({"banned_terms": ["cheap", "best in the world"], "competitors": ["Billig"]})
    assert _through(guard, chunks) == sent
    assert bool(guard.matched) == (sent != "".join(chunks))


def test_without_phrases_nothing_waits() -> None:
    guard = StreamGuard({"banned_terms": []})
    assert guard.feed("che") == "che"


def test_nothing_waits_that_cannot_become_a_banned_phrase() -> None:
    guard = StreamGuard({"banned_terms": ["cheap"]})
    assert guard.feed("light and ") == "light and "
    assert guard.feed("dry") == "dry"


_WORDS = st.lists(
    st.sampled_from(["cheap", "cheaper", "tent", "best", "in", "the", "world", "Straße", "ß"]), max_size=8
)


@given(_WORDS, st.lists(st.integers(0, 200), max_size=20))
def test_what_is_let_through_never_holds_a_banned_phrase(words: list[str], cuts: list[int]) -> None:
    text = " ".join(words)
    edges = sorted({0, len(text), *(cut % (len(text) + 1) for cut in cuts)})
    guard = StreamGuard({"banned_terms": ["cheap", "best in the world", "strasse"]})
    sent = _through(guard, [text[a:b] for a, b in itertools.pairwise(edges)])
    assert text.startswith(sent)
    padded = f" {sent.lower().replace('ß', 'ss')} "
    assert not any(f" {phrase} " in padded for phrase in ("cheap", "best in the world", "strasse"))
    assert guard.matched or sent == text


def test_the_rule_that_matched_is_named() -> None:
    guard = StreamGuard({"banned_terms": ["cheap"], "prompt_leak": ["Kettle One"]})
    assert _through(guard, ["Meet Kettle", " One, cheap"]) == "Meet "
    assert guard.matched == "prompt_leak"
