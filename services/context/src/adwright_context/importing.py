"""Importing many resources from a file that comes in pieces, with bounded memory."""

from __future__ import annotations

from collections.abc import AsyncIterable, Iterator
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Protocol

from adwright_docstore import (
    ABSENT,
    PRESENT,
    Check,
    ConditionFailed,
    Item,
    Op,
    Put,
    Version,
)
from adwright_servicekit.errors import AdwrightError, Conflict, InvalidInput, Unavailable

from . import changes, layout
from .brands import purge
from .catalog import Catalog
from .filetext import TextGuard
from .kinds import Content, Kind, Name
from .records import Record, RecordSplitter
from .store_errors import translated
from .validation import check

__all__ = ["FileFormat", "ImportReport", "Problem", "Row", "RowReader", "import_file"]

_MAX_PROBLEMS = 100
# A transaction takes a hundred operations; a brand needs three, a look at what is deleted and an entry of its own.
_BATCH_ROWS = {True: 90, False: 30}
_BATCH_BYTES = 1024 * 1024
_ATTEMPTS = 4


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


@dataclass(frozen=True, slots=True)
class Row:
    """A row that could be read, and the line it starts on."""

    line: int
    name: Name
    content: Content
    size: int


class RowReader(Protocol):
    """Reads the rows of one file format; it may keep what the first row says of the others."""

    def column(self, field: str) -> int:
        """The column that a field stands in, counted from 1; 0 where there is none."""

    def read(self, record: Record) -> Iterator[Row | Problem]:
        """Yields what the record holds; nothing for a blank line or a header."""


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


async def import_file(
    catalog: Catalog,
    tenant: str,
    kind: Kind,
    brand_id: str,
    reader: RowReader,
    splitter: RecordSplitter,
    chunks: AsyncIterable[bytes],
    *,
    validate_only: bool = False,
) -> ImportReport:
    """Creates or replaces what the rows name; a row that changes nothing writes nothing.

    `brand_id` is the brand that the file belongs to, empty for a file of brands. Raises NotFound
    where it is not there, InvalidInput for a header that cannot be read, and FileRefused for what is no text.
    """
    if kind.in_brand:
        await catalog.lookup.require_brand(tenant, Name.of_brand(brand_id))
    writer = _Writer(catalog, tenant, kind, validate_only)

    async def take(records: Iterator[Record]) -> None:
        for record in records:
            for found in reader.read(record):
                problem = found if isinstance(found, Problem) else _problem(catalog, kind, brand_id, found)
                if problem is not None:
                    writer.report.add(replace(problem, column=reader.column(problem.field)))
                elif isinstance(found, Row):
                    await writer.add(found)

    guard = TextGuard()
    async for chunk in chunks:
        guard.look(chunk)
        await take(splitter.feed(chunk))
    await take(splitter.close())
    await writer.flush()
    writer.report.problems.sort(key=lambda problem: problem.line)
    return writer.report


def _problem(catalog: Catalog, kind: Kind, brand_id: str, row: Row) -> Problem | None:
    if kind.in_brand and row.name.brand_id != brand_id:
        return Problem(row.line, "name", f"{row.name} is not in brands/{brand_id}, the parent of this import")
    found = check(catalog.contract, row.name, row.content)
    if not found:
        return None
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return Problem(row.line, found[0].field, found[0].description + more)


class _Writer:
    """Gathers rows and writes them a batch at a time."""

    def __init__(self, catalog: Catalog, tenant: str, kind: Kind, validate_only: bool) -> None:
        self.report = ImportReport()
        self._catalog = catalog
        self._tenant = tenant
        self._kind = kind
        self._validate_only = validate_only
        self._rows: dict[Name, Row] = {}
        self._bytes = 0

    async def add(self, row: Row) -> None:
        # A transaction may name a key once; of two rows with one name the later one stays.
        if row.name in self._rows:
            await self.flush()
        self._rows[row.name] = row
        self._bytes += row.size
        if len(self._rows) >= _BATCH_ROWS[self._kind.in_brand] or self._bytes >= _BATCH_BYTES:
            await self.flush()

    async def flush(self) -> None:
        rows = list(self._rows.values())
        self._rows, self._bytes = {}, 0
        if not rows:
            return
        if self._validate_only:
            self.report.imported += len(rows)
            return
        try:
            with translated():
                await self._write(rows)
        except (ConditionFailed, Conflict, InvalidInput):
            for row in rows:
                await self._write_alone(row)
        else:
            self.report.imported += len(rows)

    async def _write_alone(self, row: Row) -> None:
        refusal: AdwrightError = Conflict(f"{row.name} is being changed by others: import it again")
        for _ in range(_ATTEMPTS):
            try:
                with translated():
                    await self._write([row])
            except (ConditionFailed, Conflict):
                if self._kind.in_brand:
                    await self._catalog.lookup.require_brand(self._tenant, row.name.brand)
                elif await self._is_deleted(row.name):
                    refusal = Conflict(f"{row.name} is deleted: restore it with UndeleteBrand, and import it again")
                    break
                continue
            except Unavailable:
                raise
            except AdwrightError as error:
                refusal = error
                break
            self.report.imported += 1
            return
        self.report.add(Problem(row.line, "", refusal.message))

    async def _is_deleted(self, brand: Name) -> bool:
        with translated():
            return await self._catalog.store.get(layout.deleted_key(self._tenant, brand.id)) is not None

    async def _write(self, rows: list[Row]) -> None:
        store, now = self._catalog.store, self._catalog.now()
        keys = {row.name: layout.key_of(self._tenant, row.name) for row in rows}
        there = await store.get_many(keys.values())
        ops: list[Op] = []
        for row in rows:
            old = there.get(keys[row.name])
            if old is None:
                ops.append(Put(keys[row.name], layout.pack(row.content, now, now), ABSENT))
            elif (put := _replacement(row, old, self._catalog)) is not None:
                ops.append(put)
        if not ops:
            return
        changed = {op.key for op in ops}
        written = [name for name, key in keys.items() if key in changed]
        if self._kind.in_brand:
            ops.append(Check(layout.key_of(self._tenant, rows[0].name.brand), PRESENT))
            ops.append(changes.entry(self._tenant, rows[0].name.brand_id, written, now))
        else:
            ops += [Check(layout.deleted_key(self._tenant, name.id), ABSENT) for name in written]
            ops += [changes.entry(self._tenant, name.id, [name], now) for name in written]
            for name in written:
                if keys[name] not in there:
                    guards = [Check(keys[name], ABSENT), Check(layout.deleted_key(self._tenant, name.id), ABSENT)]
                    await purge(store, self._tenant, name.id, guards)
        await store.transact(ops)
        for brand_id in {name.brand_id for name in written}:
            self._catalog.writer.notify(self._tenant, brand_id)


def _replacement(row: Row, old: Item, catalog: Catalog) -> Put | None:
    before = layout.unpack(row.name.kind, row.name.brand_id, old)
    if before.content == row.content and not before.deleted:
        return None
    now = catalog.now()
    data = layout.pack(row.content, before.create_time or now, now)
    return Put(old.key, data, Version(old.version))
