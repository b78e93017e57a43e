"""Parts of a suite read by their kind, each with its place."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Any

from rapidfuzz import process

from adwright_evaluator.model import JSON, Place, ProviderSpec
from adwright_servicekit.errors import InvalidInput

from .document import Document

__all__ = ["Reader", "as_mapping", "number", "provider_of", "texts"]


def as_mapping(given: Any, place: Place, otherwise: str) -> Mapping[str, Any]:
    """A mapping. Raises InvalidInput that says `otherwise`."""
    if not isinstance(given, Mapping):
        raise InvalidInput.of(str(place), otherwise)
    return given


def number(given: Any, place: Place, name: str) -> float:
    """A finite number. Raises InvalidInput."""
    if isinstance(given, bool) or not isinstance(given, int | float) or not math.isfinite(given):
        raise InvalidInput.of(str(place), f"`{name}` must be a number")
    return float(given)


def texts(given: Any, place: Place, name: str) -> tuple[str, ...]:
    """A list of texts, or one. Raises InvalidInput."""
    listed = given if isinstance(given, list) else [given]
    if not listed or any(isinstance(each, Mapping | list) or each is None for each in listed):
        raise InvalidInput.of(str(place), f"`{name}` must be a text, or a list of texts")
    return tuple(str(each) for each in listed)


def provider_of(given: Any, place: Place) -> ProviderSpec:
    """A provider: its id, a mapping with an id, or promptfoo's `{text: …, embedding: …}`."""
    if isinstance(given, str):
        return ProviderSpec(given, given, place=place)
    data = as_mapping(given, place, "a provider must be an id, or have one")
    if "id" in data:
        config = data.get("config")
        return ProviderSpec(
            str(data["id"]),
            str(data.get("label") or data["id"]),
            config if isinstance(config, Mapping) else {},
            texts(data["prompts"], place, "prompts") if data.get("prompts") is not None else (),
            str(data.get("transform") or ""),
            number(data.get("delay") or 0, place, "delay") / 1000,
            place,
        )
    for part in ("text", "embedding"):
        if part in data:
            return provider_of(data[part], place)
    if len(data) == 1:
        # promptfoo's short form: the id is the key.
        [(name, options)] = data.items()
        if isinstance(options, Mapping):
            return provider_of({"id": name, **options}, place)
    raise InvalidInput.of(str(place), "a provider must have an `id`")


class Reader:
    """The keys of one mapping."""

    def __init__(self, document: Document, data: Mapping[str, Any], place: Place, warnings: list[str]) -> None:
        self._document = document
        self._data = data
        self._place = place
        self._warnings = warnings

    def place(self, key: str) -> Place:
        """Where a key stands, or else the mapping."""
        found = self._document.place(self._data, key)
        return found if found.line else self._place

    def inner(self, key: str, name: str) -> Place:
        """Where a key of the mapping under a key stands, or else that."""
        found = self._document.place(self._data.get(key), name)
        return found if found.line else self.place(key)

    def known(self, keys: Collection[str]) -> None:
        """Warns of every other key."""
        for key in self._data:
            if key not in keys:
                nearest = process.extractOne(key, list(keys), score_cutoff=75)
                hint = f": did you mean {nearest[0]}?" if nearest else ""
                self._warnings.append(f"{self.place(key)}: {key!r} is not known and was left out of account{hint}")

    def text(self, key: str) -> str:
        """A text, empty where there is none."""
        value = self._data.get(key)
        if value is None:
            return ""
        if isinstance(value, Mapping | list):
            raise InvalidInput.of(str(self.place(key)), f"`{key}` must be a text")
        return str(value)

    def number(self, key: str, otherwise: float | None = None) -> float | None:
        """A number."""
        value = self._data.get(key)
        return otherwise if value is None else number(value, self.place(key), key)

    def mapping(self, key: str) -> Mapping[str, JSON]:
        """A mapping, empty where there is none."""
        value = self._data.get(key)
        return {} if value is None else as_mapping(value, self.place(key), f"`{key}` must be a mapping")

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts, or one."""
        value = self._data.get(key)
        return () if value is None else texts(value, self.place(key), key)
