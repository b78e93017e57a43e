"""From a model's bytes to the texts of an ad's fields, while they are being decoded.

Both decoders take bytes cut anywhere, also inside a code point or an escape sequence, and give (path, new text) pairs.
Leading and trailing white space of a field is never handed out, so what was handed out is the field's final text.
"""

import codecs
from collections.abc import Sequence
from typing import Any, Protocol

import jiter

from adwright_checks import Format, Output

__all__ = ["Decoder", "JsonDecoder", "MalformedOutput", "TextDecoder", "decoder_for"]

FieldDelta = tuple[str, str]


class MalformedOutput(Exception):
    """The model's output is not what was asked for."""


class Decoder(Protocol):
    """Turns the bytes of one try into texts."""

    def feed(self, data: bytes) -> list[FieldDelta]:
        """What is new with these bytes. Raises MalformedOutput."""
        ...

    def finish(self) -> None:
        """Checks that the output is whole. Raises MalformedOutput."""
        ...


class TextDecoder:
    """Free text: all of it is the one field."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._utf8 = codecs.getincrementaldecoder("utf-8")("strict")
        self._held = ""
        self._begun = False

    def feed(self, data: bytes) -> list[FieldDelta]:
        try:
            text = self._held + self._utf8.decode(data)
        except UnicodeDecodeError:
            raise MalformedOutput("the model's output is not UTF-8") from None
        if not self._begun:
            text = text.lstrip()
        solid = text.rstrip()
        self._held = text[len(solid) :]
        if not solid:
            return []
        self._begun = True
        return [(self._path, solid)]

    def finish(self) -> None:
        if self._utf8.getstate()[0]:
            raise MalformedOutput("the model's output ends inside a character")


class JsonDecoder:
    """One JSON object; its members are fields, or lists of them.

    The text so far is parsed again at every feed: ads are short, and jiter reads a whole one in under a microsecond.
    """

    def __init__(self, ad_format: Format, paths: Sequence[str]) -> None:
        """`paths` are what the texts are called, in the order in which the model writes them."""
        self._names: dict[str, list[str]] = {}
        for path in paths:
            field = ad_format.field_for(path)
            if field is None:
                raise ValueError(f"{ad_format.name} has no {path}")
            self._names.setdefault(field.id, []).append(path)
        self._raw = bytearray()
        self._sent: dict[str, str] = {}

    def feed(self, data: bytes) -> list[FieldDelta]:
        self._raw.extend(data)
        # Models that are not held to JSON like to say something first, or to fence it.
        start = self._raw.find(b"{")
        if start < 0:
            return []
        del self._raw[:start]
        try:
            parsed = jiter.from_json(bytes(self._raw), partial_mode="trailing-strings", catch_duplicate_keys=True)
        except ValueError as error:
            raise MalformedOutput(f"the model's output is not JSON: {error}") from None
        deltas = []
        for field, names in self._names.items():
            for path, text in zip(names, _texts(parsed.get(field)), strict=False):
                text = text.strip()
                sent = self._sent.get(path, "")
                if len(text) > len(sent):
                    deltas.append((path, text[len(sent) :]))
                    self._sent[path] = text
        return deltas

    def finish(self) -> None:
        end = self._raw.rfind(b"}")
        try:
            jiter.from_json(bytes(self._raw[: end + 1]))
        except ValueError as error:
            raise MalformedOutput(f"the model's output is not JSON: {error}") from None


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def decoder_for(ad_format: Format, paths: Sequence[str]) -> Decoder:
    """The decoder of a format's output for these texts."""
    return TextDecoder(paths[0]) if ad_format.output is Output.TEXT else JsonDecoder(ad_format, paths)
