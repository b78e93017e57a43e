"""`adwright … import`: a file goes in with a bar to watch, and comes out as counts and the lines of bad rows."""

import asyncio
import csv
import io
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from adwright_servicekit.errors import AdwrightError, InvalidInput

from ..client import AsyncClient
from ..imports import ImportProgress, ImportResult, OnProgress, RowError
from ._files import written
from ._output import terminal
from ._words import printable

__all__ = ["ImportOptions", "import_file"]


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """What the command was told, besides the file and the brand."""

    file_format: str
    dry_run: bool
    resume: str
    errors: str
    timeout: float


class _Upload(Protocol):
    async def __call__(
        self,
        source: BinaryIO,
        *,
        file_format: str,
        validate_only: bool,
        resume: str,
        on_progress: OnProgress,
        timeout: float | None,
    ) -> ImportResult: ...


async def import_file(client: AsyncClient, path: str, upload: _Upload, options: ImportOptions) -> int:
    """Exit code 1 when rows failed. Raises InvalidInput for a file that cannot be read or written."""
    began, written_rows = "", 0
    # Opened first, so that a wrong path is said before anything is imported.
    with written(options.errors) if options.errors else nullcontext(None) as refused, _opened(path) as file:
        try:
            with _bar(path) as show:

                def on_progress(progress: ImportProgress) -> None:
                    nonlocal began
                    began = progress.operation
                    show(progress)

                result = await upload(
                    file,
                    file_format=options.file_format,
                    validate_only=options.dry_run,
                    resume=options.resume,
                    on_progress=on_progress,
                    timeout=options.timeout,
                )
        except AdwrightError as error:
            # What is wrong with the file itself stays wrong.
            if began and not isinstance(error, InvalidInput):
                error.message = f"{error.message}; the import can go on: repeat the command with --resume {began}"
            raise
        except asyncio.CancelledError:
            if not began:
                raise
            how = f"the import can go on: repeat the command with --resume {began}"
            raise AdwrightError(f"interrupted; {how}", reason="INTERRUPTED") from None
        if refused is not None:
            written_rows = await _write_errors(refused, client.imports.errors(result.operation))
    _tell(path, result, options)
    if result.failed and options.errors:
        which = "them" if written_rows == result.failed else f"the first {written_rows} of them"
        print(f"what is wrong with {which}: {options.errors}")
    return 1 if result.failed else 0


def _tell(path: str, result: ImportResult, options: ImportOptions) -> None:
    for row in result.errors:
        place = f"{row.line}:{row.column}" if row.column else f"{row.line}"
        field = f" {row.field}:" if row.field else ""
        print(f"{path}:{place}:{field} {printable(row.message)}")
    more = result.failed - len(result.errors)
    if more > 0:
        print(f"… and {more} more" + ("" if options.errors else "; --errors FILE writes them to a file"))
    print(f"{result.imported} {'would be imported' if options.dry_run else 'imported'}, {result.failed} failed")


async def _write_errors(out: BinaryIO, errors: AsyncIterator[RowError]) -> int:
    count = 0
    text = io.TextIOWrapper(out, encoding="utf-8", newline="")
    table = csv.writer(text)
    table.writerow(["line", "column", "field", "message"])
    async for row in errors:
        table.writerow([row.line, row.column or "", row.field, printable(row.message)])
        count += 1
    text.detach()
    return count


@contextmanager
def _bar(path: str) -> Iterator[Callable[[ImportProgress], None]]:
    if terminal() is None or not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    rows = TextColumn("{task.fields[rows]:,} rows")
    with Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        rows,
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    ) as progress:
        task = progress.add_task(printable(Path(path).name), total=None, rows=0)

        def show(seen: ImportProgress) -> None:
            rows = seen.imported + seen.failed
            progress.update(task, completed=seen.committed_bytes, total=seen.total_bytes, rows=rows)

        yield show


def _opened(path: str) -> AbstractContextManager[BinaryIO]:
    if path == "-":
        return nullcontext(sys.stdin.buffer)
    try:
        return Path(path).open("rb")
    except OSError as error:
        raise InvalidInput(f"cannot read {path}: {error.strerror}", reason="FILE_UNREADABLE") from None
