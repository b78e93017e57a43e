"""Files in, files out, and what is deleted."""

import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import BinaryIO, TypeVar

from adwright.context.v1.resources_pb2 import Brand, Exemplar, Product
from adwright_servicekit.errors import InvalidInput

from ..catalogue import ImportResult
from ._output import json_line
from ._words import printable

__all__ = ["delete", "export", "import_file", "undelete"]

R = TypeVar("R", bound=Brand | Product | Exemplar)


async def import_file(path: str, upload: Callable[[BinaryIO], Awaitable[ImportResult]], *, dry_run: bool) -> int:
    """Exit code 1 when rows failed. Raises InvalidInput for a file that cannot be read."""
    with _opened(path) as file:
        result = await upload(file)
    for row in result.errors:
        where = f" {row.field}:" if row.field else ""
        print(f"{path}:{row.line}:{where} {printable(row.message)}")
    more = result.failed - len(result.errors)
    if more > 0:
        print(f"… and {more} more")
    print(f"{result.imported} {'would be imported' if dry_run else 'imported'}, {result.failed} failed")
    return 1 if result.failed else 0


def _opened(path: str) -> AbstractContextManager[BinaryIO]:
    if path == "-":
        return nullcontext(sys.stdin.buffer)
    try:
        return Path(path).open("rb")
    except OSError as error:
        raise InvalidInput(f"cannot read {path}: {error.strerror}", reason="FILE_UNREADABLE") from None


async def export(resources: AsyncIterator[R], path: str = "") -> int:
    """JSONL, without what the server sets: times, and etags that would be stale when they come back.

    Into the file at `path`, which is there only when it is complete; without one to standard output.
    Raises InvalidInput for a path that cannot be written.
    """
    with _written(path) as out:
        async for resource in resources:
            for field in ("etag", "create_time", "update_time"):
                resource.ClearField(field)
            if isinstance(resource, Exemplar):
                for text in resource.fields:
                    text.ClearField("length")
                    text.ClearField("max_length")
            out.write(json_line(resource, all_fields=False, proto_names=True))
        out.flush()
    return 0


@contextmanager
def _written(path: str) -> Iterator[BinaryIO]:
    if not path:
        yield sys.stdout.buffer
        return
    part = Path(f"{path}.part")
    try:
        file = part.open("wb")
    except OSError as error:
        raise InvalidInput(f"cannot write {path}: {error.strerror}", reason="FILE_UNWRITABLE") from None
    try:
        with file:
            yield file
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


async def delete(name: str, deleted: Awaitable[R]) -> int:
    """Says what is gone, and until when it can be restored."""
    gone = await deleted
    until = f", can be restored until {gone.expire_time.ToDatetime():%Y-%m-%d}" if gone.HasField("expire_time") else ""
    print(f"{name} deleted{until}")
    return 0


async def undelete(name: str, restored: Awaitable[R]) -> int:
    """Says what is back."""
    await restored
    print(f"{name} restored")
    return 0
