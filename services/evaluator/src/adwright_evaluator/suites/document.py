"""YAML as plain data that remembers where each part stands."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

from adwright_evaluator.model import JSON, Place
from adwright_servicekit.errors import InvalidInput

__all__ = ["Document", "load_yaml"]

_MOST_PARTS: Final = 3_000_000
"""What aliases may multiply a file to."""
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


def load_yaml(text: str, file: str) -> Document:
    """Raises InvalidInput with file, line and column: for what is no YAML, and for a key that stands twice."""
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        reading = _Reading(loader, file)
        data = None if node is None else reading.value(node)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(file, mark.line + 1, mark.column + 1) if mark else Place(file)
        problem = " ".join(filter(None, [error.context, error.problem]))
        raise InvalidInput.of(str(place), f"is no YAML: {problem}", reason="SUITE_NOT_YAML") from None
    except yaml.YAMLError as error:
        raise InvalidInput.of(file, f"is no YAML: {error}", reason="SUITE_NOT_YAML") from None
    except RecursionError:
        raise InvalidInput.of(file, "is nested too deeply", reason="SUITE_NOT_YAML") from None
    finally:
        loader.dispose()
    return Document(file, data, reading.places, reading.keys, reading.kept)


class _Reading:
    def __init__(self, loader: Any, file: str) -> None:
        self._loader = loader
        self._file = file
        self._sizes: dict[int, int] = {}
        self._made: dict[int, Any] = {}
        self.places: dict[int, Place] = {}
        self.keys: dict[tuple[int, Hashable], Place] = {}
        # What is alive keeps its identity.
        self.kept: list[Any] = []

    def value(self, node: Any) -> Any:
        if id(node) in self._made:
            return self._made[id(node)]
        made: Any
        if isinstance(node, yaml.MappingNode):
            made, size = self._mapping(node)
        elif isinstance(node, yaml.SequenceNode):
            made = [self.value(each) for each in node.value]
            size = 1 + sum(self._sizes.get(id(each), 1) for each in node.value)
            for index, each in enumerate(node.value):
                self.keys[id(made), index] = self._place(each)
        else:
            made, size = self._scalar(node), 1
        if size > _MOST_PARTS:
            raise InvalidInput.of(str(self._place(node)), "becomes too large by its aliases", reason="SUITE_TOO_LARGE")
        if isinstance(made, dict | list):
            self.places[id(made)] = self._place(node)
            self.kept.append(made)
        self._made[id(node)], self._sizes[id(node)] = made, size
        return made

    def _mapping(self, node: Any) -> tuple[dict[str, Any], int]:
        made: dict[str, Any] = {}
        size = 1
        first: dict[str, Any] = {}
        own = {id(key) for key, _ in node.value}
        self._loader.flatten_mapping(node)
        for key_node, value_node in node.value:
            key = self._scalar(key_node)
            if not isinstance(key, str):
                key = str(key)
            if key in first and id(key_node) in own and id(first[key]) in own:
                line = first[key].start_mark.line + 1
                raise InvalidInput.of(
                    str(self._place(key_node)), f"{key!r} stands in line {line} already", reason="SUITE_KEY_TWICE"
                )
            first[key] = key_node
            made[key] = self.value(value_node)
            size += self._sizes.get(id(value_node), 1)
            self.keys[id(made), key] = self._place(key_node)
        return made, size

    def _scalar(self, node: Any) -> Any:
        if not isinstance(node, yaml.ScalarNode):
            raise InvalidInput.of(str(self._place(node)), "a key must be a text", reason="SUITE_NOT_YAML")
        value = self._loader.construct_object(node, deep=True)
        # Dates and bytes are texts here, as they are in JSON.
        return value if isinstance(value, str | int | float | bool) or value is None else node.value

    def _place(self, node: Any) -> Place:
        return Place(self._file, node.start_mark.line + 1, node.start_mark.column + 1)
