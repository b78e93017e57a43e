"""What every google.longrunning.Operations servicer does alike."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

from google.longrunning import operations_pb2

from adwright_servicekit.errors import InvalidInput

__all__ = ["check_list_request", "waited"]

T = TypeVar("T")

_LOOK_AGAIN: Final = 0.25
_MAX_WAIT: Final = 60.0
_MAX_PAGE: Final = 1000


def check_list_request(request: operations_pb2.ListOperationsRequest) -> None:
    """Raises InvalidInput."""
    if request.name not in ("", "operations"):
        raise InvalidInput.of("name", f"{request.name!r} has no operations: write operations", reason="INVALID_NAME")
    if request.filter:
        raise InvalidInput.of("filter", "operations cannot be filtered: leave it empty", reason="FILTER_INVALID")
    if not 0 <= request.page_size <= _MAX_PAGE:
        raise InvalidInput.of("page_size", f"{request.page_size} is not within 0 and {_MAX_PAGE}")


async def waited(
    request: operations_pb2.WaitOperationRequest,
    remaining: float | None,
    look: Callable[[], Awaitable[T]],
    done: Callable[[T], bool],
) -> T:
    """What `look` finds once it is `done`, or after the request's timeout, at most a minute.

    `remaining` are the seconds that the caller waits, None: for ever. A moment before they are over what there is then
    is given, so that it still reaches the caller.
    """
    clock: Any = asyncio.get_running_loop().time
    asked = request.timeout.ToTimedelta().total_seconds() if request.HasField("timeout") else _MAX_WAIT
    end = clock() + min(asked, _MAX_WAIT, _MAX_WAIT if remaining is None else remaining - 2 * _LOOK_AGAIN)
    while True:
        found = await look()
        if done(found) or clock() + _LOOK_AGAIN > end:
            return found
        await asyncio.sleep(_LOOK_AGAIN)
