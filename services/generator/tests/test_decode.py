"""What the decoders promise: however the bytes are cut, the deltas add up to the texts."""

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adwright_checks import load_formats
from adwright_generator.decode import Decoder, JsonDecoder, MalformedOutput, TextDecoder

FORMATS = load_formats()
RSA = FORMATS["google-rsa"]
_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


def _cut(data: bytes, cuts: list[int]) -> list[bytes]:
    edges = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[a:b] for a, b in itertools.pairwise(edges)] or [b""]


def _read(decoder: Decoder, chunks: list[bytes]) -> dict[str, str]:
    texts: dict[str, str] = {}
    for chunk in chunks:
        for path, text in decoder.feed(chunk):
            assert text, "a delta is never empty"
            texts[path] = texts.get(path, "") + text
    decoder.finish()
    return texts


@given(_TEXT, st.lists(st.integers(0, 10_000), max_size=20))
def test_free_text_adds_up_however_it_is_cut(text: str, cuts: list[int]) -> None:
    texts = _read(TextDecoder("text"), _cut(text.encode(), cuts))
    assert texts.get("text", "") == text.strip()


@given(st.lists(_TEXT, min_size=3, max_size=3), _TEXT, st.lists(st.integers(0, 10_000), max_size=40), st.booleans())
def test_json_fields_add_up_however_it_is_cut(
    headlines: list[str], description: str, cuts: list[int], ascii_only: bool
) -> None:
    output = json.dumps({"headlines": headlines, "descriptions": [description]}, ensure_ascii=ascii_only)
    decoder = JsonDecoder(RSA, ["headlines[0]", "headlines[2]", "headlines[4]", "descriptions[1]"])
    texts = _read(decoder, _cut(output.encode(), cuts))
    wanted = dict(zip(("headlines[0]", "headlines[2]", "headlines[4]"), headlines, strict=True))
    wanted["descriptions[1]"] = description
    assert texts == {path: text.strip() for path, text in wanted.items() if text.strip()}


def test_text_is_handed_out_before_its_field_is_whole() -> None:
    decoder = JsonDecoder(RSA, ["headlines[0]"])
    assert decoder.feed(b'{"headlines":["Light as') == [("headlines[0]", "Light as")]
    assert decoder.feed(b" morning") == [("headlines[0]", " morning")]


def test_half_a_character_waits_for_its_other_half() -> None:
    decoder = JsonDecoder(RSA, ["headlines[0]"])
    snow = "❄".encode()
    assert decoder.feed(b'{"headlines":["' + snow[:1]) == []
    assert decoder.feed(snow[1:]) == [("headlines[0]", "❄")]


def test_a_preamble_and_a_fence_around_json_are_not_text() -> None:
    decoder = JsonDecoder(FORMATS["meta-feed"], ["headline"])
    assert _read(decoder, [b"Sure! Here it is:\n```json\n", b'{"headline":"Hi"}', b"\n```"]) == {"headline": "Hi"}


@pytest.mark.parametrize("output", [b"", b"no json here", b'{"headlines":["cut', b'{"headlines": nonsense}'])
def test_output_that_is_not_json_is_said_to_be_malformed(output: bytes) -> None:
    decoder = JsonDecoder(RSA, ["headlines[0]"])
    with pytest.raises(MalformedOutput):
        _read(decoder, [output])


@pytest.mark.parametrize("output", [b"\xff\xfe", "é".encode()[:1]])
def test_text_that_is_not_utf8_is_said_to_be_malformed(output: bytes) -> None:
    with pytest.raises(MalformedOutput):
        _read(TextDecoder("text"), [output])
