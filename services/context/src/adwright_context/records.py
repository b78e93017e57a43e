"""Cutting a byte stream into records: lines, or CSV records with line breaks in quoted cells."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

__all__ = ["MAX_RECORD_BYTES", "Place", "Record", "RecordSplitter"]

MAX_RECORD_BYTES: Final = 1024 * 1024

_BOM: Final = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a record starts: bytes before it in the file, its line, counted from 1, and the CRC-32 of those bytes."""

    offset: int = 0
    line: int = 1
    crc32: int = 0


@dataclass(frozen=True, slots=True)
class Record:
    """One record without its line break, the line it starts on, and where the next one starts.

    With a `problem` it cannot be read, and `data` is empty.
    """

    line: int
    data: bytes
    after: Place
    problem: str = ""


class RecordSplitter:
    """Takes pieces of a file as they come; keeps no more than one record of at most 1 MiB.

    Works on bytes: in UTF-8 a line break and a quote are never part of another character, so a
    piece may end anywhere. `quoted` lets a line break between double quotes be part of a record
    (RFC 4180), where a doubled quote leaves the state as it is, just as two quotes do. `start`,
    the `after` of a record, goes on in the middle of a file: a splitter remembers nothing else
    between two records.
    """

    def __init__(self, *, quoted: bool = False, start: Place | None = None) -> None:
        start = start or Place()
        self._quoted = quoted
        self._parts = bytearray()
        self._scanned = 0
        self._open = False
        self._skipping = False
        self._offset = start.offset
        self._crc32 = start.crc32
        self._line = start.line
        self._start = start.line
        self._first = start.offset == 0

    def feed(self, piece: bytes) -> Iterator[Record]:
        """Yields the records that are complete with this piece."""
        position = 0
        while (end := piece.find(b"\n", position)) >= 0:
            self._append(piece[position:end])
            self._pass(b"\n")
            position = end + 1
            yield from self._end_of_line()
        self._append(piece[position:])

    def close(self) -> Iterator[Record]:
        """Yields what the file ends with where that is no line break."""
        if self._skipping:
            yield self._too_long()
        elif self._parts:
            self._see_quotes()
            if self._open:
                yield self._record(problem="the quote that is opened in this row is never closed")
            else:
                yield self._record()

    def _append(self, data: bytes) -> None:
        self._pass(data)
        if not self._skipping:
            self._parts += data
            if len(self._parts) > MAX_RECORD_BYTES:
                self._skipping = True
                self._parts.clear()

    def _pass(self, data: bytes) -> None:
        self._offset += len(data)
        self._crc32 = zlib.crc32(data, self._crc32)

    def _end_of_line(self) -> Iterator[Record]:
        self._line += 1
        if self._skipping:
            yield self._too_long()
            self._restart()
            return
        self._see_quotes()
        if self._open:
            self._parts += b"\n"
            return
        yield self._record()
        self._restart()

    def _see_quotes(self) -> None:
        if self._quoted and self._parts.count(b'"', self._scanned) % 2:
            self._open = not self._open
        self._scanned = len(self._parts)

    def _record(self, problem: str = "") -> Record:
        after = Place(self._offset, self._line, self._crc32)
        if problem:
            return Record(self._start, b"", after, problem)
        data = bytes(self._parts)
        if self._first:
            data = data.removeprefix(_BOM)
        return Record(self._start, data.removesuffix(b"\r"), after)

    def _too_long(self) -> Record:
        why = "; a quote may be open that was to be closed before" if self._quoted else ""
        return self._record(f"the row is longer than 1 MiB{why}: shorten it")

    def _restart(self) -> None:
        self._parts.clear()
        self._scanned = 0
        self._open = self._skipping = self._first = False
        self._start = self._line
