"""Cutting a byte stream into records: lines, or CSV records with line breaks in quoted cells."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

__all__ = ["MAX_RECORD_BYTES", "Record", "RecordSplitter"]

MAX_RECORD_BYTES: Final = 1024 * 1024

_BOM: Final = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Record:
    """One record without its line break, and the line it starts on, counted from 1.

    With a `problem` it cannot be read, and `data` is empty.
    """

    line: int
    data: bytes
    problem: str = ""


class RecordSplitter:
    """Takes pieces of a file as they come; keeps no more than one record of at most 1 MiB.

    Works on bytes: in UTF-8 a line break and a quote are never part of another character, so a
    piece may end anywhere. `quoted` lets a line break between double quotes be part of a record
    (RFC 4180), where a doubled quote leaves the state as it is, just as two quotes do.
    """

    def __init__(self, *, quoted: bool = False) -> None:
        self._quoted = quoted
        self._parts = bytearray()
        self._scanned = 0
        self._open = False
        self._skipping = False
        self._line = 1
        self._start = 1
        self._first = True

    def feed(self, piece: bytes) -> Iterator[Record]:
        """Yields the records that are complete with this piece."""
        position = 0
        while (end := piece.find(b"\n", position)) >= 0:
            self._append(piece[position:end])
            position = end + 1
            yield from self._end_of_line()
        self._append(piece[position:])
        yield from self._refuse_if_long()

    def close(self) -> Iterator[Record]:
        """Yields what the file ends with where that is no line break."""
        if self._skipping or not self._parts:
            return
        self._see_quotes()
        if self._open:
            yield Record(self._start, b"", "the quote that is opened in this row is never closed")
        else:
            yield Record(self._start, self._take())

    def _append(self, data: bytes) -> None:
        if not self._skipping:
            self._parts += data

    def _end_of_line(self) -> Iterator[Record]:
        yield from self._refuse_if_long()
        self._line += 1
        if self._skipping:
            self._restart()
            return
        self._see_quotes()
        if self._open:
            self._parts += b"\n"
            return
        yield Record(self._start, self._take())
        self._restart()

    def _see_quotes(self) -> None:
        if self._quoted and self._parts.count(b'"', self._scanned) % 2:
            self._open = not self._open
        self._scanned = len(self._parts)

    def _take(self) -> bytes:
        data = bytes(self._parts)
        if self._first:
            data = data.removeprefix(_BOM)
        return data.removesuffix(b"\r")

    def _refuse_if_long(self) -> Iterator[Record]:
        if len(self._parts) > MAX_RECORD_BYTES and not self._skipping:
            why = "; a quote may be open that was to be closed before" if self._quoted else ""
            yield Record(self._start, b"", f"the row is longer than 1 MiB{why}: shorten it")
            self._skipping = True
            self._parts.clear()

    def _restart(self) -> None:
        self._parts.clear()
        self._scanned = 0
        self._open = self._skipping = self._first = False
        self._start = self._line
