"""Imports of files: operations at the gateway, sent piece by piece, that go on when a connection breaks."""

import io
import re
import shutil
import tempfile
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from google.longrunning import operations_pb2
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_delay, wait_random_exponential

from adwright.context.v1 import context_service_pb2 as messages
from adwright.context.v1.context_service_pb2 import Collection, ImportConfig
from adwright_servicekit.errors import AdwrightError, Conflict, InvalidInput, OutOfRange, Unavailable
from adwright_servicekit.status import from_status

from ._caller import Caller

if TYPE_CHECKING:
    from adwright.context.v1.context_service_pb2_grpc import ContextServiceAsyncStub

__all__ = ["ImportProgress", "ImportResult", "ImportSource", "Imports", "OnProgress", "RowError"]

ImportSource = str | Path | bytes | BinaryIO
"""A path, the bytes themselves, or an open binary file."""

_CHUNK = 256 * 1024
# So much goes into one call. What it commits is known at its end, and is what a broken one would cost at most.
_SEGMENT = 1024 * 1024
_IN_MEMORY = 8 * 1024 * 1024
# How long a segment is tried again before the import is given up. Units: seconds.
_PATIENCE = 45.0
_LONGEST_WAIT = 8.0
_NAME = re.compile(r"operations/context-[a-z0-9-]{1,63}")
_FORMATS = {"jsonl": ImportConfig.FILE_FORMAT_JSONL, "csv": ImportConfig.FILE_FORMAT_CSV}


@dataclass(frozen=True, slots=True)
class RowError:
    """What is wrong with one row of an imported file."""

    line: int
    """The line the row starts on, counted from 1."""
    field: str
    """Empty when the row itself cannot be read."""
    message: str
    column: int = 0
    """Counted from 1; 0 where no single column is at fault."""


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What became of the rows of an imported file."""

    imported: int
    failed: int
    errors: tuple[RowError, ...]
    """The first 100 of those that failed; `Imports.errors` has more."""
    operation: str = ""
    """`operations/context-…`, kept for a week."""


@dataclass(frozen=True, slots=True)
class ImportProgress:
    """How far an import is: the bytes before `committed_bytes` are written or refused, whatever happens now."""

    operation: str
    committed_bytes: int
    total_bytes: int
    imported: int
    failed: int


OnProgress = Callable[[ImportProgress], None]


class Imports:
    """The caller's imports. Names are `operations/context-…`."""

    def __init__(self, caller: Caller, context: "ContextServiceAsyncStub", operations: Any) -> None:
        self._caller = caller
        self._context = context
        self._operations = operations

    async def errors(self, operation: str) -> AsyncIterator[RowError]:
        """The rows that were refused, by line, up to 10,000. Raises NotFound."""
        request = messages.ListImportErrorsRequest(operation=operation, page_size=1000)
        async for row in self._caller.listed(self._context.ListImportErrors, request, "errors"):
            yield _row_error(row)

    async def cancel(self, operation: str) -> None:
        """Ends an import; rows that were written stay. Raises NotFound."""
        request = operations_pb2.CancelOperationRequest(name=operation)
        await self._caller.unary(self._operations.CancelOperation, request, None)

    async def run(
        self,
        collection: Collection.ValueType,
        parent: str,
        source: ImportSource,
        *,
        file_format: str = "",
        validate_only: bool = False,
        resume: str = "",
        on_progress: OnProgress | None = None,
        timeout: float | None = None,
    ) -> ImportResult:
        """Sends a file to its end; goes on by itself where a connection breaks or a server restarts.

        `resume` names an import to go on with, of the same file. `timeout` (seconds) bounds each call, of
        which there is one for every MiB. An error that ends it has the import's name as `operation` in its
        metadata: with it the import can be resumed. Raises what the calls do, and InvalidInput for another file.
        """
        if resume and not _NAME.fullmatch(resume):
            problem = f"'{resume}' is no import's name: write operations/context-ID, as it was given"
            raise InvalidInput.of("resume", problem, reason="INVALID_NAME")
        file_format_value = None if resume else _file_format(source, file_format)
        with _seekable(source) as file:
            total = file.seek(0, io.SEEK_END)
            if file_format_value is None:
                operation = await self._get(resume)
                _require_same(operation, collection, parent, file, total)
            else:
                config = ImportConfig(parent=parent, file_format=file_format_value, validate_only=validate_only)
                request = messages.StartImportRequest(collection=collection, config=config)
                operation = await self._caller.unary(self._context.StartImport, request, timeout)
            try:
                await self._send(operation, file, total, on_progress or (lambda _: None), timeout)
            except AdwrightError as error:
                error.metadata.setdefault("operation", operation.name)
                raise
            return _result(operation)

    async def _get(self, name: str) -> Any:
        request = operations_pb2.GetOperationRequest(name=name)
        return await self._caller.unary(self._operations.GetOperation, request, None)

    async def _send(
        self, operation: Any, file: BinaryIO, total: int, on_progress: OnProgress, timeout: float | None
    ) -> None:
        size = _SEGMENT
        on_progress(_progress(operation, total))
        while not operation.done:
            before = _metadata(operation).committed_bytes
            await self._send_segment(operation, file, total, size, timeout)
            after = _progress(operation, total)
            on_progress(after)
            if after.committed_bytes == before:
                # A single row is longer than that.
                size *= 2

    async def _send_segment(self, operation: Any, file: BinaryIO, total: int, size: int, timeout: float | None) -> None:
        async def look_again(_: RetryCallState) -> None:
            operation.CopyFrom(await self._get(operation.name))

        async for attempt in AsyncRetrying(
            stop=stop_after_delay(_PATIENCE),
            wait=wait_random_exponential(0.25, max=_LONGEST_WAIT),
            retry=retry_if_exception(_may_go_on),
            reraise=True,
        ):
            with attempt:
                if attempt.retry_state.attempt_number > 1:
                    await look_again(attempt.retry_state)
                if operation.done:
                    return
                requests = _requests(operation, file, total, size)
                operation.CopyFrom(await self._caller.upload(self._context.UploadImport, requests, timeout))


def _requests(operation: Any, file: BinaryIO, total: int, size: int) -> Iterator[messages.UploadImportRequest]:
    offset = _metadata(operation).committed_bytes
    yield messages.UploadImportRequest(start=messages.UploadStart(operation=operation.name, offset=offset))
    file.seek(offset)
    end = min(total, offset + size)
    while offset < end and (data := file.read(min(_CHUNK, end - offset))):
        yield messages.UploadImportRequest(data=data)
        offset += len(data)
    if offset >= total:
        yield messages.UploadImportRequest(finish=True)


def _may_go_on(error: BaseException) -> bool:
    moved = isinstance(error, Conflict | OutOfRange) and error.reason in ("IMPORT_MOVED", "IMPORT_OFFSET")
    return moved or isinstance(error, Unavailable) or (isinstance(error, Conflict) and error.reason == "WRITE_CONFLICT")


def _require_same(operation: Any, collection: Collection.ValueType, parent: str, file: BinaryIO, total: int) -> None:
    stands = _metadata(operation)
    if (stands.collection, stands.config.parent) != (collection, parent):
        kind = Collection.Name(stands.collection).removeprefix("COLLECTION_").lower()
        of = f" of {stands.config.parent}" if stands.config.parent else ""
        raise InvalidInput.of("resume", f"{operation.name} imports {kind}{of}", reason="IMPORT_OTHER_TARGET")
    if operation.done:
        return
    crc32, left = 0, stands.committed_bytes
    file.seek(0)
    while left and (data := file.read(min(_CHUNK, left))):
        crc32, left = zlib.crc32(data, crc32), left - len(data)
    if left or crc32 != stands.committed_crc32:
        raise InvalidInput.of(
            "resume",
            f"this is not the file that {operation.name} began with: its first {stands.committed_bytes} bytes differ",
            reason="IMPORT_OTHER_FILE",
        )


def _metadata(operation: Any) -> messages.ImportMetadata:
    found = messages.ImportMetadata()
    operation.metadata.Unpack(found)
    return found


def _progress(operation: Any, total: int) -> ImportProgress:
    found = _metadata(operation)
    return ImportProgress(operation.name, found.committed_bytes, total, found.imported_count, found.failed_count)


def _result(operation: Any) -> ImportResult:
    if operation.HasField("error"):
        raise from_status(operation.error)
    found = messages.ImportSummary()
    operation.response.Unpack(found)
    errors = tuple(map(_row_error, found.errors))
    return ImportResult(found.imported_count, found.failed_count, errors, operation.name)


def _row_error(row: messages.ImportError) -> RowError:
    return RowError(row.line, row.field, row.message, row.column)


@contextmanager
def _seekable(source: ImportSource) -> Iterator[BinaryIO]:
    if isinstance(source, str | Path):
        with Path(source).open("rb") as opened:
            yield opened
    elif isinstance(source, bytes):
        yield io.BytesIO(source)
    elif source.seekable():
        yield source
    else:
        # A pipe cannot be read again, and a broken call must be.
        with tempfile.SpooledTemporaryFile(_IN_MEMORY) as copy:
            shutil.copyfileobj(source, copy)
            yield cast(BinaryIO, copy)


def _file_format(source: ImportSource, name: str) -> ImportConfig.FileFormat.ValueType:
    if not name:
        path = source if isinstance(source, str | Path) else getattr(source, "name", "")
        name = Path(path).suffix.removeprefix(".") if isinstance(path, str | Path) else ""
    try:
        return _FORMATS[name.lower()]
    except KeyError:
        said = f"'{name}' is neither" if name else "the file's name does not say"
        raise InvalidInput.of("file_format", f"{said}: expected csv or jsonl") from None
