"""Cases in rows of CSV files, by promptfoo's conventions: columns that begin with `__` say what is expected."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from adwright_evaluator.model import JSON, Assertion, Case, Place
from adwright_servicekit.errors import InvalidInput

from .asserting import Assertions
from .variables import Variables

__all__ = ["case_of_row"]

_EXPECTED: Final = "__expected"
_CONFIG: Final = re.compile(r"__config:__expected([1-9]\d{0,5})?:threshold")
_METADATA: Final = "__metadata:"
_OWN: Final = ("__prefix", "__suffix", "__description", "__metric", "__threshold")
_NUMBER: Final = re.compile(r"[+-]?(?:\d{1,30}(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,2})?", re.ASCII)
_COMMA: Final = re.compile(r"(?<!\\),")


def case_of_row(row: Mapping[str, str], place: Place, assertions: Assertions, variables: Variables) -> Case:
    """Raises InvalidInput with the line."""
    columns = _columns(tuple(row))
    if columns.wrong:
        raise InvalidInput.of(str(place), columns.wrong)
    metric = row.get("__metric", "")
    found: list[Assertion] = []
    for name in columns.expected:
        text = row[name].strip()
        if text:
            read = assertions.short(text, place)
            found.append(replace(read, metric=metric) if metric else read)
    # promptfoo counts the cells that are not empty.
    for name, at in columns.thresholds:
        if row[name].strip() and at < len(found):
            found[at] = replace(found[at], threshold=_number(row[name], name, place))
    values: dict[str, JSON] = {name: row[name] for name in columns.variables}
    for name in columns.variables:
        if row[name].startswith("file://"):
            values[name] = variables.value(row[name], place)
    return Case(
        index=0,
        description=row.get("__description", ""),
        vars=values,
        assertions=tuple(found),
        threshold=_number(row["__threshold"], "__threshold", place) if row.get("__threshold", "").strip() else None,
        metadata={
            short.removesuffix("[]"): _listed(row[name]) if short.endswith("[]") else row[name]
            for name, short in columns.metadata
            if row[name].strip()
        },
        options={name[2:]: row[name] for name in ("__prefix", "__suffix") if row.get(name)},
        place=place,
    )


@dataclass(frozen=True, slots=True)
class _Columns:
    """What the columns of a table are for; pairs have the column first."""

    variables: tuple[str, ...]
    expected: tuple[str, ...]
    thresholds: tuple[tuple[str, int], ...]
    metadata: tuple[tuple[str, str], ...]
    wrong: str = ""


@lru_cache(maxsize=64)
def _columns(names: tuple[str, ...]) -> _Columns:
    wrong = ""
    variables, expected, thresholds, metadata = [], [], [], []
    for name in names:
        if name.startswith(_EXPECTED):
            expected.append(name)
        elif name.startswith("__config:"):
            match = _CONFIG.fullmatch(name)
            if match is None:
                wrong = f"there is no column {name!r}: it is `__config:__expected1:threshold`, or another number"
            else:
                thresholds.append((name, int(match[1] or 1) - 1))
        elif name.startswith(_METADATA):
            metadata.append((name, name.removeprefix(_METADATA)))
        elif name == "__providerOutput":
            wrong = "`__providerOutput` is not supported: use the provider echo, and the output as the prompt"
        elif name not in _OWN and name != "__metadata":
            variables.append(name)
    return _Columns(tuple(variables), tuple(expected), tuple(thresholds), tuple(metadata), wrong)


def _number(text: str, name: str, place: Place) -> float:
    if not _NUMBER.fullmatch(text.strip()):
        raise InvalidInput.of(str(place), f"`{name}` must be a number, not {text.strip()[:40]!r}")
    return float(text)


def _listed(text: str) -> list[JSON]:
    return [part.strip().replace("\\,", ",") for part in _COMMA.split(text)]
