"""YAML as plain data that remembers where each part stands.

It is made from the parser's events, one after the other: what is too deep or too large is refused when it is met, and
nothing of it is followed. (Whole trees of nodes crash the process where they are deep, and merge keys make them grow.)
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

from adwright_evaluator.model import JSON, Place
from adwright_servicekit.errors import InvalidInput

from .scalars import plain_value, without_pairs

__all__ = ["Document", "Parts", "load_yaml"]

_DEEPEST: Final = 100
_MOST_PARTS: Final = 500_000
"""Mappings, lists, keys and values that all files of a suite may have together, as they are written."""
_MOST_FOLLOWED: Final = 8_000_000
"""What aliases may add to a file: its letters, and `_PART` for each key and value."""
_PART: Final = 8
_MERGE: Final = "tag:yaml.org,2002:merge"
_STR: Final = "tag:yaml.org,2002:str"
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Document:
    """A file's data; mappings and lists are found again by who they are."""

    file: str
    data: JSON
    _places: Mapping[int, Place] = field(default_factory=dict)
    _keys: Mapping[tuple[int, Hashable], Place] = field(default_factory=dict)
    _kept: list[Any] = field(default_factory=list)

    def place(self, part: Any, key: Hashable | None = None) -> Place:
        """Where a mapping or list of it stands, or the value of one of its keys (or items, by position)."""
        if key is not None and (id(part), key) in self._keys:
            return self._keys[id(part), key]
        return self._places.get(id(part), Place(self.file))


class Parts:
    """What the files of a suite may still have, all together."""

    def __init__(self, most: int = _MOST_PARTS) -> None:
        self._most = self._left = most

    def take(self, place: Place) -> None:
        """One more. Raises InvalidInput."""
        self._left -= 1
        if self._left < 0:
            raise InvalidInput.of(
                str(place),
                f"the suite has more than {self._most} keys and values here: put tests into CSV or JSONL files",
                reason="SUITE_TOO_LARGE",
            )


def load_yaml(text: str, file: str, parts: Parts | None = None) -> Document:
    """Raises InvalidInput with file, line and column: for what is no YAML, and for a key that stands twice."""
    if file.endswith(".json") and "\\u" in text:
        text = without_pairs(text)
    reading = None
    try:
        # A character that YAML does not know is told by the constructor already.
        loader = _Loader(text)
        try:
            reading = _Reading(loader, file, parts or Parts(), _MOST_FOLLOWED + (_PART + 1) * len(text))
            data = reading.read()
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(file, mark.line + 1, mark.column + 1) if mark else Place(file)
        problem = " ".join(filter(None, [error.context, error.problem]))
        raise InvalidInput.of(str(place), f"is no YAML: {problem}", reason="SUITE_NOT_YAML") from None
    except (yaml.YAMLError, ValueError, ArithmeticError) as error:
        # A number of 5,000 digits, and what a tag calls a date or a number and is none.
        place = reading.place if reading else Place(file)
        shown = " ".join(str(error).split())
        raise InvalidInput.of(str(place), f"is no YAML: {shown}", reason="SUITE_NOT_YAML") from None
    return Document(file, data, reading.places, reading.keys, reading.kept)


class _Open:
    """A mapping or list that has begun."""

    __slots__ = ("anchor", "first", "key", "key_place", "made", "size")

    def __init__(self, made: dict[str, Any] | list[Any], anchor: str | None) -> None:
        self.made = made
        self.anchor = anchor
        self.size = _PART
        self.key: str | None = None
        self.key_place = Place()
        self.first: dict[str, int] = {}
        """Keys that stand in the mapping itself, and their lines."""


class _Reading:
    """One document of one file."""

    def __init__(self, loader: Any, file: str, parts: Parts, most: int) -> None:
        self._loader = loader
        self._file = file
        self._parts = parts
        self._open: list[_Open] = []
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._data: Any = None
        self._most = most
        self._followed = 0
        self.place = Place(file)
        self.places: dict[int, Place] = {}
        self.keys: dict[tuple[int, Hashable], Place] = {}
        # What is alive keeps its identity.
        self.kept: list[Any] = []

    def read(self) -> Any:
        """The only document, None where there is none."""
        documents = 0
        while self._loader.check_event():
            event = self._loader.get_event()
            mark = event.start_mark
            self.place = Place(self._file, mark.line + 1, mark.column + 1)
            if isinstance(event, yaml.ScalarEvent):
                self._parts.take(self.place)
                self._scalar(event)
            elif isinstance(event, yaml.CollectionStartEvent):
                self._parts.take(self.place)
                self._begin({} if isinstance(event, yaml.MappingStartEvent) else [], event.anchor)
            elif isinstance(event, yaml.CollectionEndEvent):
                self._end()
            elif isinstance(event, yaml.AliasEvent):
                self._parts.take(self.place)
                self._alias(str(event.anchor))
            elif isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise self._wrong("is no YAML: a second document begins here, and one is needed")
        return self._data

    def _scalar(self, event: Any) -> None:
        value = event.value
        key = bool(self._open) and isinstance(self._open[-1].made, dict) and self._open[-1].key is None
        if event.implicit[0]:
            if key and value == "<<":
                self._open[-1].key, self._open[-1].key_place = _MERGE, self.place
                return
            value = value if key else self._plain(value)
        elif event.tag not in (None, "!", _STR):
            node = yaml.ScalarNode(event.tag, value, event.start_mark, event.end_mark)
            made = self._loader.construct_object(node, deep=True)
            # Dates and bytes are texts here, as they are in JSON.
            value = made if isinstance(made, str | int | float | bool) or made is None else value
        if key:
            self._key(value if isinstance(value, str) else str(value))
        else:
            self._add(value, _PART + len(event.value))
        if event.anchor:
            self._anchors[event.anchor] = value, _PART + len(event.value)

    def _plain(self, text: str) -> str | int | float | bool | None:
        try:
            return plain_value(text)
        except ValueError as error:
            raise self._wrong(str(error), "SUITE_NUMBER") from None

    def _key(self, key: str) -> None:
        inner = self._open[-1]
        if key in inner.first:
            raise InvalidInput.of(
                str(self.place), f"{key!r} stands in line {inner.first[key]} already", reason="SUITE_KEY_TWICE"
            )
        inner.key, inner.key_place = key, self.place
        inner.first[key] = self.place.line

    def _begin(self, made: dict[str, Any] | list[Any], anchor: str | None) -> None:
        if self._open and isinstance(self._open[-1].made, dict) and self._open[-1].key is None:
            raise self._wrong("a key must be a text")
        if len(self._open) == _DEEPEST:
            raise self._wrong(f"is nested too deeply: at most {_DEEPEST} levels are read")
        self.places[id(made)] = self.place
        self.kept.append(made)
        if anchor:
            self._anchors.pop(anchor, None)
        self._open.append(_Open(made, anchor))

    def _end(self) -> None:
        ended = self._open.pop()
        made = ended.made
        if ended.anchor:
            self._anchors[ended.anchor] = made, ended.size
        self._add(made, ended.size, self.places[id(made)])

    def _alias(self, anchor: str) -> None:
        if anchor not in self._anchors:
            raise self._wrong(f"is no YAML: nothing before it has the anchor &{anchor}, or it stands inside of it")
        value, size = self._anchors[anchor]
        if self._open and isinstance(self._open[-1].made, dict) and self._open[-1].key is None:
            if isinstance(value, dict | list):
                raise self._wrong("a key must be a text")
            self._key(str(value))
            return
        self._add(value, size)

    def _add(self, value: Any, size: int, place: Place | None = None) -> None:
        """A whole value, where it belongs."""
        if not self._open:
            self._data = value
            return
        inner = self._open[-1]
        inner.size += size
        if inner.size > self._most:
            raise InvalidInput.of(
                str(place or self.place), "becomes too large by its aliases", reason="SUITE_TOO_LARGE"
            )
        if isinstance(inner.made, list):
            self.keys[id(inner.made), len(inner.made)] = place or self.place
            inner.made.append(value)
        elif inner.key == _MERGE:
            self._merge(inner, value)
            inner.key = None
        elif inner.key is not None:
            inner.made[inner.key] = value
            self.keys[id(inner.made), inner.key] = inner.key_place
            inner.key = None

    def _merge(self, inner: _Open, value: Any) -> None:
        """`<<: *one` or `<<: [*one, *other]`: the first that has a key is asked, and the mapping's own keys win."""
        for each in value if isinstance(value, list) else [value]:
            if not isinstance(each, dict):
                raise self._wrong("`<<` takes mappings, or a list of them")
            self._followed += _PART * (1 + len(each))
            if self._followed > _MOST_FOLLOWED:
                raise self._wrong("becomes too large by its aliases", "SUITE_TOO_LARGE")
            for name, one in each.items():
                if name not in inner.made:
                    inner.made[name] = one
                    self.keys[id(inner.made), name] = self.keys.get((id(each), name), self.place)

    def _wrong(self, problem: str, reason: str = "SUITE_NOT_YAML") -> InvalidInput:
        return InvalidInput.of(str(self.place), problem, reason=reason)
