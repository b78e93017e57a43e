"""Files out, and what is deleted."""

import sys
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TypeVar

from adwright.context.v1.resources_pb2 import Brand, Exemplar, Product
from adwright_servicekit.errors import InvalidInput

__all__ = ["delete", "export", "undelete", "written"]

R = TypeVar("R", bound=Brand | Product | Exemplar)


async def export(lines: AsyncIterator[bytes], path: str = "") -> int:
    """JSONL into the file at `path`, which is there only when it is complete; without one to standard output.

    Raises InvalidInput for a path that cannot be written.
    """
    with written(path) as out:
        async for data in lines:
            out.write(data)
        out.flush()
    return 0


@contextmanager
def written(path: str) -> Iterator[BinaryIO]:
    """A file that is there when the block ends well, and as it was when it does not; without a path standard output.

    Raises InvalidInput for a path that cannot be written.
    """
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
