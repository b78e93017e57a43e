"""Importing many resources from a file that comes in pieces, with bounded memory."""

from __future__ import annotations

from collections.abc import AsyncIterable, Iterator, Sequence
from dataclasses import replace
from typing import Final, Protocol

from adwright_docstore import ConditionFailed, Key, Op, Put
from adwright_resources.store_errors import translated
from adwright_servicekit.errors import AdwrightError, Conflict, FailedPrecondition, InvalidInput

from .batches import BatchWriter
from .catalog import Catalog
from .filetext import TextGuard
from .import_model import FileFormat, ImportReport, Problem, Progress, Row
from .kinds import Kind, Name
from .records import Place, Record, RecordSplitter
from .rows import reader_for
from .validation import check

__all__ = ["MOST_KEPT", "Importer", "Journal", "JournalLost", "import_file"]

MOST_KEPT: Final = 10_000
"""So many refused rows of an import are kept; the others are counted."""

_BATCH_BYTES: Final = 1024 * 1024
_ATTEMPTS: Final = 4
# What may be the fault of a single row.
_REFUSALS = (InvalidInput, FailedPrecondition)
_BUSY = (ConditionFailed, Conflict)


class Journal(Protocol):
    """Where an import keeps how far it is, in the transactions that write its rows."""

    @property
    def key(self) -> Key:
        """Where that lies."""

    def at(self, progress: Progress, *, finished: bool) -> Put:
        """What a transaction has to write for the import to be there; fails where somebody else moved it."""

    def moved(self) -> None:
        """The transaction was made."""

    def refused(self, problem: Problem) -> Put:
        """What has to be written for a refused row not to be forgotten."""


class JournalLost(Exception):
    """Somebody else has moved, ended or removed the import."""


async def import_file(
    catalog: Catalog,
    tenant: str,
    kind: Kind,
    brand_id: str,
    file_format: FileFormat,
    chunks: AsyncIterable[bytes],
    *,
    validate_only: bool = False,
) -> ImportReport:
    """Creates or replaces what the rows name; a row that changes nothing writes nothing.

    `brand_id` is the brand that the file belongs to, empty for a file of brands. Raises NotFound
    where it is not there, and FileRefused for a header that cannot be read and for what is no text.
    """
    importer = Importer(catalog, tenant, kind, brand_id, file_format, validate_only=validate_only)
    await importer.begin()
    async for chunk in chunks:
        await importer.take(chunk)
    await importer.finish()
    return importer.report


class Importer:
    """Takes the pieces of one file, and writes its rows a batch at a time, in the order of the file.

    With a journal a batch and how far the import is with it are one transaction: whatever ends the
    import, it can go on from there, and every row is written once.
    """

    def __init__(
        self,
        catalog: Catalog,
        tenant: str,
        kind: Kind,
        brand_id: str,
        file_format: FileFormat,
        *,
        validate_only: bool = False,
        journal: Journal | None = None,
        progress: Progress | None = None,
    ) -> None:
        """`progress` is where the file goes on; without one it begins."""
        progress = progress or Progress()
        self.report = ImportReport(progress.imported, progress.failed)
        self._catalog = catalog
        self._tenant = tenant
        self._kind = kind
        self._brand_id = brand_id
        self._reader = reader_for(kind, file_format, progress.state)
        self._splitter = RecordSplitter(quoted=file_format is FileFormat.CSV, start=progress.place)
        self._guard = TextGuard(progress.place.offset)
        self._validate_only = validate_only
        self._journal = journal
        self._writer = BatchWriter(catalog, tenant, kind)
        self._place = self._committed = progress.place
        self._batch: list[tuple[Row | Problem, Place]] = []
        self._names: set[Name] = set()
        self._bytes = 0

    async def begin(self) -> None:
        """Raises NotFound where the brand is not there."""
        if self._kind.in_brand:
            await self._catalog.lookup.require_brand(self._tenant, Name.of_brand(self._brand_id))

    async def take(self, piece: bytes) -> None:
        """The next piece. Raises FileRefused, NotFound (the brand), JournalLost, Conflict, Unavailable."""
        self._guard.look(piece)
        await self._take(self._splitter.feed(piece))

    async def pause(self) -> None:
        """Writes the rows that are complete; one that is cut off has to come again. Raises as `take`."""
        await self._flush()

    async def finish(self) -> None:
        """The file has ended. Raises as `take`."""
        await self._take(self._splitter.close())
        self._reader.end()
        await self._flush(finished=True)

    async def _take(self, records: Iterator[Record]) -> None:
        for record in records:
            for found in self._reader.read(record):
                await self._add(self._checked(found), record)
            self._place = record.after

    def _checked(self, found: Row | Problem) -> Row | Problem:
        problem = found if isinstance(found, Problem) else self._problem(found)
        if problem is None:
            return found
        return replace(problem, column=self._reader.column(problem.field)).clipped()

    def _problem(self, row: Row) -> Problem | None:
        if self._kind.in_brand and row.name.brand_id != self._brand_id:
            return Problem(row.line, "name", f"{row.name} is not in brands/{self._brand_id}, the parent of this import")
        wrong = check(self._catalog.contract, row.name, row.content)
        if not wrong:
            return None
        more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
        return Problem(row.line, wrong[0].field, wrong[0].description + more)

    async def _add(self, found: Row | Problem, record: Record) -> None:
        # A transaction may name a key once; of two rows with one name the later one stays.
        if isinstance(found, Row) and found.name in self._names:
            await self._flush()
        if isinstance(found, Row):
            self._names.add(found.name)
            self._bytes += found.size
        self._batch.append((found, record.after))
        if len(self._batch) >= self._writer.most or self._bytes >= _BATCH_BYTES:
            self._place = record.after
            await self._flush()

    async def _flush(self, *, finished: bool = False) -> None:
        batch, self._batch, self._names, self._bytes = self._batch, [], set(), 0
        if not batch and not finished and self._place == self._committed:
            return
        rows = [found for found, _ in batch if isinstance(found, Row)]
        problems = [found for found, _ in batch if isinstance(found, Problem)]
        # Before the progress that counts them: they are the same however often the rows are read.
        await self._keep(problems)
        try:
            await self._commit(self._place, rows, problems, finished=finished)
        except (*_BUSY, *_REFUSALS):
            await self._commit_one_by_one(batch)
            await self._commit(self._place, finished=finished)

    async def _keep(self, problems: Sequence[Problem]) -> None:
        if self._journal and (kept := problems[: max(0, MOST_KEPT - self.report.failed)]):
            with translated():
                await self._catalog.store.write_many([self._journal.refused(problem) for problem in kept])

    async def _commit_one_by_one(self, batch: Sequence[tuple[Row | Problem, Place]]) -> None:
        for found, after in batch:
            if isinstance(found, Problem):
                # Counted by the next commit, which lies behind it in the file.
                self.report.add(found)
                continue
            refusal = await self._try_alone(found, after)
            if refusal is not None:
                problem = Problem(found.line, "", refusal.message).clipped()
                # Another time the row may be taken: that it was refused holds only along with the progress.
                await self._commit(after, problems=[problem], keep=True)

    async def _try_alone(self, row: Row, after: Place) -> AdwrightError | None:
        for _ in range(_ATTEMPTS):
            try:
                await self._commit(after, [row])
            except _BUSY:
                await self.begin()
                continue
            except _REFUSALS as error:
                return error
            return None
        return Conflict(f"{row.name} is being changed by others: import it again")

    async def _commit(
        self,
        after: Place,
        rows: Sequence[Row] = (),
        problems: Sequence[Problem] = (),
        *,
        finished: bool = False,
        keep: bool = False,
    ) -> None:
        imported, failed = self.report.imported + len(rows), self.report.failed + len(problems)
        progress = Progress(after, self._reader.state, imported, failed)
        extra: list[Op] = []
        if self._journal:
            extra.append(self._journal.at(progress, finished=finished))
            if keep and failed <= MOST_KEPT:
                extra += [self._journal.refused(problem) for problem in problems]
        contents = {} if self._validate_only else {row.name: row.content for row in rows}
        try:
            await self._writer.write(contents, extra)
        except ConditionFailed as error:
            if self._journal and error.key == self._journal.key:
                raise JournalLost from None
            raise
        if self._journal:
            self._journal.moved()
        self.report.imported = imported
        for problem in problems:
            self.report.add(problem)
        self._committed = after
