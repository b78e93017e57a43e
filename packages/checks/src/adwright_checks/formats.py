"""Ad formats as data: one YAML file each beside this module, in `formats/`.

To add a format, add a file. The loader says which file and which key is wrong.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import Enum
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, TypeVar

import yaml

from adwright_checks.lengths import Counting

__all__ = ["Format", "FormatError", "FormatField", "Output", "Source", "load_formats"]

_ID = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_FIELD_ID = re.compile(r"[a-z][a-z0-9_]{0,57}")
_Choice = TypeVar("_Choice", bound=Enum)
_PATH = re.compile(r"(?P<field>[a-z][a-z0-9_]*)(?:\[(?P<index>[0-9]{1,3})\])?")


class FormatError(ValueError):
    """A format file is wrong; the message names the file and the key."""


class Output(Enum):
    """What a model is asked to write."""

    TEXT = "text"
    """Free text, the one field of the format."""
    JSON = "json"
    """A JSON object with a member for every field."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where the limits were read, and when."""

    title: str
    address: str
    date: date


@dataclass(frozen=True, slots=True)
class FormatField:
    """One field of a format."""

    id: str
    min_count: int
    """Fewest texts the platform accepts."""
    max_count: int
    """Most texts the platform accepts."""
    default_count: int
    """How many are written when nobody asks for another number."""
    max_length: int
    """Longest text, in units of `counting`; 0: no limit."""
    counting: Counting
    repeated: bool
    """True: a list of texts with paths `id[0]`, `id[1]`…; false: one text with the path `id`."""
    instruction: str = ""
    """For the writer of prompts: what this field should be like."""

    def path(self, index: int) -> str:
        """Path of the text at `index`, counted from 0."""
        return f"{self.id}[{index}]" if self.repeated else self.id


@dataclass(frozen=True, slots=True)
class Format:
    """An ad format of a platform."""

    id: str
    display_name: str
    platform: str
    source: Source
    output: Output
    fields: tuple[FormatField, ...]
    _by_id: Mapping[str, FormatField] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_id", {item.id: item for item in self.fields})

    @property
    def name(self) -> str:
        """Resource name: `formats/google-rsa`."""
        return f"formats/{self.id}"

    def counts(self, counts: Mapping[str, int] | None = None) -> dict[str, int]:
        """How many texts each field gets: those asked for, else the defaults.

        Raises ValueError for a field the format does not have and for a count out of its range.
        """
        counts = counts or {}
        for unknown in counts.keys() - self._by_id.keys():
            raise ValueError(f"{self.name} has no field {unknown!r}: it has {', '.join(self._by_id)}")
        result = {}
        for item in self.fields:
            count = counts.get(item.id, item.default_count)
            if not item.min_count <= count <= item.max_count:
                raise ValueError(f"{self.name} takes {item.min_count} to {item.max_count} {item.id}, not {count}")
            result[item.id] = count
        return result

    def paths(self, counts: Mapping[str, int] | None = None) -> list[str]:
        """Paths of all texts in writing order: `headlines[0]`, …, `descriptions[1]`; raises as
        `counts` does.
        """
        wanted = self.counts(counts)
        return [item.path(index) for item in self.fields for index in range(wanted[item.id])]

    def field_for(self, path: str) -> FormatField | None:
        """The field that `path` belongs to, None when the format has no such path. The index is not
        bounded.
        """
        match = _PATH.fullmatch(path)
        if match is None:
            return None
        item = self._by_id.get(match["field"])
        if item is None or item.repeated != (match["index"] is not None):
            return None
        return item


def load_formats(directory: Traversable | None = None) -> dict[str, Format]:
    """All formats by id, read from the YAML files of `directory`; by default those that ship with
    the package.

    Raises FormatError naming file and key when one of them is wrong.
    """
    directory = directory or files("adwright_checks") / "formats"
    loaded: dict[str, Format] = {}
    for file in sorted(directory.iterdir(), key=lambda item: item.name):
        if not file.name.endswith(".yaml"):
            continue
        loaded_format = _parse(file.name, file.read_text(encoding="utf-8"))
        if loaded_format.id != file.name.removesuffix(".yaml"):
            raise FormatError(f"{file.name}: id: is {loaded_format.id!r}, the file's name says otherwise")
        loaded[loaded_format.id] = loaded_format
    return loaded


def _parse(file: str, text: str) -> Format:
    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise FormatError(f"{file}: not YAML: {error}") from error
    top = _Keys(file, "", data, {"id", "display_name", "platform", "source", "output", "fields"})
    source = _Keys(file, "source", top.take("source", dict), {"title", "address", "date"})
    entries = top.take("fields", list)
    if not entries:
        raise FormatError(f"{file}: fields: is empty")
    fields = tuple(_parse_field(file, f"fields[{index}]", entry) for index, entry in enumerate(entries))
    ids = [item.id for item in fields]
    for index, item in enumerate(ids):
        if item in ids[:index]:
            raise FormatError(f"{file}: fields[{index}].id: {item!r} is there twice")
    output = top.choice("output", Output)
    if output is Output.TEXT and (len(fields) != 1 or fields[0].repeated):
        raise FormatError(f"{file}: output: text needs exactly one field that is not repeated")
    return Format(
        id=top.identifier("id", _ID),
        display_name=top.take("display_name", str),
        platform=top.take("platform", str),
        source=Source(source.take("title", str), source.take("address", str), source.take("date", date)),
        output=output,
        fields=fields,
    )


def _parse_field(file: str, where: str, data: object) -> FormatField:
    required = {
        "id",
        "min_count",
        "max_count",
        "default_count",
        "max_length",
        "counting",
        "repeated",
    }
    keys = _Keys(file, where, data, required, optional={"instruction"})
    parsed = FormatField(
        id=keys.identifier("id", _FIELD_ID),
        min_count=keys.number("min_count", 0),
        max_count=keys.number("max_count", 1),
        default_count=keys.number("default_count", 0),
        max_length=keys.number("max_length", 0),
        counting=keys.choice("counting", Counting),
        repeated=keys.take("repeated", bool),
        instruction=keys.take("instruction", str) if "instruction" in keys else "",
    )
    if not parsed.min_count <= parsed.default_count <= parsed.max_count:
        raise FormatError(f"{file}: {where}.default_count: must lie between min_count and max_count")
    if not parsed.repeated and parsed.max_count != 1:
        raise FormatError(f"{file}: {where}.max_count: must be 1 when the field is not repeated")
    return parsed


class _Keys:
    """A mapping of a file whose mistakes are reported with file and key."""

    def __init__(
        self,
        file: str,
        where: str,
        data: object,
        required: set[str],
        optional: set[str] | None = None,
    ) -> None:
        self._file, self._where = file, where
        if not isinstance(data, dict):
            raise FormatError(f"{file}: {where or 'file'}: must be a mapping")
        for key in sorted(required - data.keys()):
            raise self.error(key, "is missing")
        for key in sorted(map(str, data.keys() - required - (optional or set()))):
            raise self.error(key, "is not known")
        self._data: dict[str, Any] = data

    def __contains__(self, key: str) -> bool:
        return key in self._data

    def error(self, key: str, problem: str) -> FormatError:
        return FormatError(f"{self._file}: {f'{self._where}.' if self._where else ''}{key}: {problem}")

    def take(self, key: str, kind: type) -> Any:
        value = self._data[key]
        # YAML's `yes` is a bool, and a bool is an int to isinstance.
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise self.error(key, f"must be {kind.__name__}, is {value!r}")
        if value == "":
            raise self.error(key, "is empty")
        return value

    def number(self, key: str, minimum: int) -> int:
        value: int = self.take(key, int)
        if value < minimum:
            raise self.error(key, f"must be at least {minimum}, is {value}")
        return value

    def identifier(self, key: str, pattern: re.Pattern[str]) -> str:
        value: str = self.take(key, str)
        if not pattern.fullmatch(value):
            raise self.error(key, f"must match {pattern.pattern}, is {value!r}")
        return value

    def choice(self, key: str, kind: type[_Choice]) -> _Choice:
        value = self._data[key]
        try:
            return kind(value)
        except ValueError:
            raise self.error(
                key, f"must be one of {', '.join(str(item.value) for item in kind)}, is {value!r}"
            ) from None
