"""One upload to an import: takes the next bytes, and is the journal in which its progress is kept."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import replace

from adwright_docstore import ConditionFailed, Key, Put
from adwright_resources.store_errors import translated
from adwright_servicekit.errors import AdwrightError, Conflict

from .catalog import Catalog
from .filetext import FileRefused
from .import_model import Problem, Progress
from .import_record import ImportOperation, Outcome, ended, key_of, put, put_problem, read
from .importing import Importer, JournalLost

__all__ = ["Upload"]


class Upload:
    """The next bytes of an import; also its journal."""

    def __init__(self, catalog: Catalog, tenant: str, operation: ImportOperation) -> None:
        self.operation = operation
        """As it is written."""
        self._catalog = catalog
        self._tenant = tenant
        self._next = operation
        self._importer = Importer(
            catalog,
            tenant,
            operation.kind,
            operation.brand_id,
            operation.file_format,
            validate_only=operation.validate_only,
            journal=self,
            progress=operation.progress,
        )

    async def begin(self) -> None:
        """Raises NotFound where the brand is not there."""
        await self._importer.begin()

    async def take(self, piece: bytes) -> None:
        """Raises FileRefused, with which the import has ended; Conflict where another upload was faster.

        Also FailedPrecondition or NotFound where the import was ended or removed, and Unavailable.
        """
        await self._guarded(self._importer.take(piece))

    async def pause(self) -> None:
        """More may come by another upload. Raises as `take`."""
        await self._guarded(self._importer.pause())

    async def finish(self) -> None:
        """The file has ended, and the import with it. Raises as `take`."""
        await self._guarded(self._importer.finish())

    @property
    def key(self) -> Key:
        """Where the import lies."""
        return key_of(self._tenant, self.operation.id)

    def at(self, progress: Progress, *, finished: bool) -> Put:
        """The operation that moves it there."""
        outcome = Outcome.FINISHED if finished else Outcome.OPEN
        self._next = replace(self.operation, progress=progress, outcome=outcome, update_time=self._catalog.now())
        return put(self._tenant, self._next)

    def moved(self) -> None:
        """It is there."""
        self.operation = replace(self._next, version=self.operation.version + 1)

    def refused(self, problem: Problem) -> Put:
        """The operation that keeps a refused row."""
        return put_problem(self._tenant, self.operation, problem)

    async def _guarded(self, work: Awaitable[None]) -> None:
        try:
            await work
        except FileRefused as refusal:
            await self._end(refusal)
            raise
        except JournalLost:
            raise await self._lost() from None

    async def _end(self, refusal: FileRefused) -> None:
        now = self._catalog.now()
        refused = replace(self.operation, outcome=Outcome.REFUSED, refusal=refusal, update_time=now)
        try:
            with translated():
                await self._catalog.store.transact([put(self._tenant, refused)])
        except ConditionFailed:
            raise await self._lost() from None

    async def _lost(self) -> AdwrightError:
        there = await read(self._catalog.store, self._tenant, self.operation.id)
        if there.done:
            return ended(there)
        return Conflict(
            f"another upload to {there.name} was faster: read the operation, and go on from its committed_bytes",
            reason="IMPORT_MOVED",
            metadata={"committed_bytes": str(there.progress.place.offset)},
        )
