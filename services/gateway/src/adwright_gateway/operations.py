"""google.longrunning.Operations over the services behind: the name of an operation says whose it is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import grpc
from google.longrunning import operations_pb2

from adwright_servicekit.errors import InvalidInput
from adwright_servicekit.rpc_types import Context, Handler

from .peers import calling

__all__ = ["operations_handlers"]

_SERVICE: Final = operations_pb2.DESCRIPTOR.services_by_name["Operations"]
_BETWEEN: Final = ":"


def operations_handlers(channels: Mapping[str, grpc.aio.Channel]) -> dict[str, Handler]:
    """A handler for each method; `channels` are by service: `operations/context-ID` is one of `context`."""
    handlers: dict[str, Handler] = {
        method.name: grpc.unary_unary_rpc_method_handler(
            _routed(method.name, channels), request_deserializer=_request_of(method.name).FromString
        )
        for method in _SERVICE.methods
    }
    listing = operations_pb2.ListOperationsRequest
    handlers["ListOperations"] = grpc.unary_unary_rpc_method_handler(
        _listed(channels), request_deserializer=listing.FromString
    )
    return handlers


def _request_of(method: str) -> Any:
    return getattr(operations_pb2, f"{method}Request")


def _behind(channel: grpc.aio.Channel, method: str) -> Callable[[bytes], Awaitable[bytes]]:
    call: Any = channel.unary_unary(f"/{_SERVICE.full_name}/{method}")
    return call  # type: ignore[no-any-return]


def _routed(method: str, channels: Mapping[str, grpc.aio.Channel]) -> Callable[[Any, Context], Awaitable[bytes]]:
    calls = {name: _behind(channel, method) for name, channel in channels.items()}

    async def answer(request: Any, context: Context) -> bytes:
        for name, call in calls.items():
            if request.name.startswith(f"operations/{name}-"):
                with calling(name):
                    return await call(request.SerializeToString())
        known = " or ".join(f"operations/{name}-ID" for name in calls)
        raise InvalidInput.of("name", f"{request.name!r} is no operation's name: write {known}", reason="INVALID_NAME")

    return answer


def _listed(channels: Mapping[str, grpc.aio.Channel]) -> Callable[[Any, Context], Awaitable[bytes]]:
    """One service's operations after the other's: a page token begins with the name of whose turn it is."""
    names = list(channels)
    calls = {name: _behind(channel, "ListOperations") for name, channel in channels.items()}

    async def answer(request: operations_pb2.ListOperationsRequest, context: Context) -> bytes:
        name, _, token = request.page_token.partition(_BETWEEN) if request.page_token else (names[0], "", "")
        if name not in calls:
            raise InvalidInput.of("page_token", "is not one that ListOperations gave", reason="PAGE_TOKEN_INVALID")
        request.page_token = token
        with calling(name):
            data = await calls[name](request.SerializeToString())
        page = operations_pb2.ListOperationsResponse.FromString(data)
        if page.next_page_token:
            page.next_page_token = f"{name}{_BETWEEN}{page.next_page_token}"
        elif name != names[-1]:
            page.next_page_token = f"{names[names.index(name) + 1]}{_BETWEEN}"
        encoded: bytes = page.SerializeToString()
        return encoded

    return answer
