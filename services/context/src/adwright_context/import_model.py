"""The words of imports: rows, what is wrong with them, and how far an import is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, Protocol

from .kinds import Content, Name
from .records import Place, Record

__all__ = ["FileFormat", "ImportReport", "Problem", "Progress", "Row", "RowReader"]

_MAX_PROBLEMS: Final = 100
_BEGINNING: Final = Place()
_MAX_FIELD, _MAX_MESSAGE = 200, 600


class FileFormat(Enum):
    """What the rows of a file look like."""

    JSONL = "jsonl"
    CSV = "csv"


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one row; `field` is empty where the row cannot be read at all.

    `column` is counted from 1, 0 where the row as a whole, or a line of JSON, is meant.
    """

    line: int
    field: str
    message: str
    column: int = 0

    def clipped(self) -> Problem:
        """As it may be kept and sent: of bounded length, without halves of characters."""
        return Problem(self.line, _clean(self.field, _MAX_FIELD), _clean(self.message, _MAX_MESSAGE), self.column)


@dataclass(frozen=True, slots=True)
class Row:
    """A row that could be read, and the line it starts on."""

    line: int
    name: Name
    content: Content
    size: int


class RowReader(Protocol):
    """Reads the rows of one file format; it may keep what the first row says of the others."""

    @property
    def state(self) -> Sequence[str]:
        """What it keeps."""

    def column(self, field: str) -> int:
        """The column that a field stands in, counted from 1; 0 where there is none."""

    def read(self, record: Record) -> Iterator[Row | Problem]:
        """Yields what the record holds, at most one; nothing for a blank line or a header."""

    def end(self) -> None:
        """The file has ended. Raises FileRefused where something is missing that every file has."""


@dataclass(slots=True)
class ImportReport:
    """What became of the rows; problems are kept up to the hundredth."""

    imported: int = 0
    failed: int = 0
    problems: list[Problem] = field(default_factory=list)

    def add(self, problem: Problem) -> None:
        """Counts a refused row."""
        self.failed += 1
        if len(self.problems) < _MAX_PROBLEMS:
            self.problems.append(problem)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an import is: what is before `place` in the file is written or refused.

    `state` is that of the reader.
    """

    place: Place = _BEGINNING
    state: Sequence[str] = ()
    imported: int = 0
    failed: int = 0


def _clean(text: str, limit: int) -> str:
    whole = text.encode("utf-8", "replace").decode()
    return whole if len(whole) <= limit else f"{whole[: limit - 1]}…"
