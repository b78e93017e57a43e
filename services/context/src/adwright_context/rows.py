"""Reading rows: protobuf JSON lines, and CSV with a header line."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from .convert import RowError, content_of_json
from .filetext import FileRefused
from .import_model import FileFormat, Problem, Row, RowReader
from .kinds import BRAND, EXEMPLAR, PRODUCT, Kind
from .records import Record

__all__ = ["CsvReader", "JsonlReader", "reader_for"]

_MAX_HEADER_BYTES: Final = 64 * 1024
_ENVELOPE: Final = ("etag", "create_time", "update_time", "delete_time", "expire_time")
_TEXTS: Final[Mapping[Kind, Sequence[str]]] = {
    BRAND: ("name", "display_name", "voice", "style_guide"),
    PRODUCT: ("name", "display_name", "description", "category", "price"),
    EXEMPLAR: ("name", "format", "language", "product", "brief", "rating"),
}
_LISTS: Final[Mapping[Kind, Sequence[str]]] = {
    BRAND: (
        "audiences",
        "banned_terms",
        "required_disclaimers",
        "competitors",
        "languages",
        "data_policy.allowed_residencies",
    ),
    PRODUCT: ("features", "specs", "allowed_claims"),
    EXEMPLAR: (),
}
_LOCALIZED: Final = re.compile(r"localizations\.[^.]+\.(display_name|description|features)")
_FIELD_PATH: Final = re.compile(r"[a-z][a-z0-9_]*(\[[0-9]{1,3}\])?")
_PRICE: Final = re.compile(r"(-?)(\d{1,18})(?:\.(\d{1,9}))? ?([A-Z]{3})")


def reader_for(kind: Kind, file_format: FileFormat, state: Sequence[str] = ()) -> RowReader:
    """The reader of one file; with the `state` of another reader it goes on where that one was."""
    return JsonlReader(kind) if file_format is FileFormat.JSONL else CsvReader(kind, state)


class JsonlReader:
    """One resource a line, as protobuf JSON with its full `name`; blank lines are passed over."""

    def __init__(self, kind: Kind) -> None:
        self._kind = kind

    @property
    def state(self) -> Sequence[str]:
        return ()

    def column(self, field: str) -> int:
        return 0

    def read(self, record: Record) -> Iterator[Row | Problem]:
        text = _text_of(record)
        if isinstance(text, Problem):
            yield text
        elif text.strip():
            try:
                data = json.loads(text)
            except (ValueError, RecursionError) as error:
                yield Problem(record.line, "", f"is no JSON object on one line: {error}")
                return
            yield _row(self._kind, record, data)

    def end(self) -> None:
        pass


class CsvReader:
    """A header line with field names, then one resource a row (RFC 4180, UTF-8).

    Columns may come in any order and may be left out; an empty cell leaves its field unset.
    Lists are split at `|`, specs are `label=value`, a price is `249.00 EUR`. Products may have
    columns such as `localizations.de.features`; every other column of an exemplar is a text,
    named by its path (`headlines[0]`), in the order of the columns.
    """

    def __init__(self, kind: Kind, columns: Sequence[str] = ()) -> None:
        """`columns`: the header, where it was read before."""
        self._kind = kind
        self._columns = list(columns)

    @property
    def state(self) -> Sequence[str]:
        return self._columns

    def column(self, field: str) -> int:
        # `price.currency_code` stands in the column `price`, `features[1]` in `features`.
        fits = [column for column in self._columns if re.match(rf"{re.escape(column)}(?![\w-])", field)]
        return 1 + self._columns.index(max(fits, key=len)) if self._columns and fits else 0

    def read(self, record: Record) -> Iterator[Row | Problem]:
        text = _text_of(record)
        if isinstance(text, Problem):
            if not self._columns:
                raise _header_error(text.message)
            yield text
            return
        if not text.strip():
            return
        try:
            cells = next(csv.reader([text], strict=True))
        except csv.Error as error:
            if not self._columns:
                raise _header_error(f"the header line is no row of CSV: {error}") from None
            yield Problem(record.line, "", f"is no row of CSV: {error}")
            return
        if not self._columns:
            if len(record.data) > _MAX_HEADER_BYTES:
                raise _header_error("the header line is longer than 64 KiB")
            self._columns = self._header(cells)
        elif len(cells) != len(self._columns):
            yield Problem(
                record.line,
                "",
                f"has {len(cells)} cells and the header has {len(self._columns)}: "
                "put a cell with a comma or a line break in double quotes",
            )
        else:
            yield self._resource(record, dict(zip(self._columns, cells, strict=True)))

    def end(self) -> None:
        if not self._columns:
            raise _header_error("it is empty, without even a header line")

    def _header(self, cells: list[str]) -> list[str]:
        columns = [cell.strip() for cell in cells]
        if len(columns) == 1 and (found := re.search(r"[;\t]", columns[0])):
            what = "semicolons" if found[0] == ";" else "tabs"
            raise _header_error(f"its columns are separated by {what}: save it with commas")
        if "name" not in columns:
            raise _header_error("the header line has no column 'name'")
        for column in columns:
            if columns.count(column) > 1:
                raise _header_error(f"the header names the column {column!r} twice")
            if not self._is_column(column):
                there = ", ".join((*_TEXTS[self._kind], *_LISTS[self._kind], *self._others()))
                raise _header_error(f"there is no column {column!r}; there are: {there}")
        return columns

    def _is_column(self, column: str) -> bool:
        kind = self._kind
        if column in _TEXTS[kind] or column in _LISTS[kind] or column in _ENVELOPE:
            return True
        if kind is PRODUCT:
            return _LOCALIZED.fullmatch(column) is not None
        return kind is EXEMPLAR and _FIELD_PATH.fullmatch(column) is not None

    def _others(self) -> Sequence[str]:
        if self._kind is PRODUCT:
            return ("localizations.LANGUAGE.description",)
        return ("texts by their path, such as headlines[0]",) if self._kind is EXEMPLAR else ()

    def _resource(self, record: Record, cells: Mapping[str, str]) -> Row | Problem:
        data: dict[str, Any] = {}
        for column, cell in cells.items():
            if not cell.strip() or column in _ENVELOPE:
                continue
            try:
                self._put(data, column, cell)
            except RowError as error:
                return Problem(record.line, error.field, error.message)
        return _row(self._kind, record, data)

    def _put(self, data: dict[str, Any], column: str, cell: str) -> None:
        *outer, last = column.split(".")
        target = data
        for step in outer:
            target = target.setdefault(step, {})
        if column == "price":
            target[last] = _price(cell)
        elif column == "specs":
            target[last] = [_spec(part) for part in _split(cell)]
        elif column in _LISTS[self._kind] or (outer and last == "features"):
            target[last] = _split(cell)
        elif column in _TEXTS[self._kind] or outer:
            target[last] = cell.strip() if column in ("name", "rating") else cell
        else:
            data.setdefault("fields", []).append({"path": column, "text": cell})


def _text_of(record: Record) -> str | Problem:
    if record.problem:
        return Problem(record.line, "", record.problem)
    try:
        return record.data.decode()
    except UnicodeDecodeError as error:
        return Problem(record.line, "", f"is not UTF-8 at byte {error.start + 1}: save it as UTF-8")


def _row(kind: Kind, record: Record, data: object) -> Row | Problem:
    try:
        name, content = content_of_json(kind, data)
    except RowError as error:
        return Problem(record.line, error.field, error.message)
    return Row(record.line, name, content, len(record.data))


def _split(cell: str) -> list[str]:
    return [part.strip() for part in cell.split("|") if part.strip()]


def _spec(part: str) -> dict[str, str]:
    label, equals, value = (piece.strip() for piece in part.partition("="))
    if not (label and equals and value):
        raise RowError("specs", f"{part!r} is no label=value, for example weight=1.9 kg")
    return {"label": label, "value": value}


def _price(cell: str) -> dict[str, Any]:
    found = _PRICE.fullmatch(cell.strip())
    if found is None:
        raise RowError("price", f"{cell!r} is no amount with its currency, for example 249.00 EUR")
    sign, units, decimals, currency = found.groups()
    money = {"currency_code": currency, "units": f"{sign}{int(units)}"}
    nanos = int((decimals or "").ljust(9, "0"))
    return {**money, "nanos": -nanos if sign else nanos} if nanos else money


def _header_error(why: str) -> FileRefused:
    return FileRefused(f"the CSV file cannot be read: {why}", reason="CSV_HEADER_INVALID")
