"""Whole services under the gateway's address: requests and responses pass as bytes, decoded by nobody."""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from typing import Any

import grpc
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor

from adwright_servicekit.rpc_types import Context, Handler

from .peers import calling

__all__ = ["forwarding_handlers"]


def forwarding_handlers(
    service: ServiceDescriptor,
    channel: grpc.aio.Channel,
    name: str,
    *,
    served_as: Mapping[str, str] | None = None,
) -> dict[str, Handler]:
    """A handler for each method of `service`, by method name; `name` is what errors call the service behind.

    `served_as`, when given, limits them to those methods and maps each to the name it has here.
    """
    wanted = {m.name: m.name for m in service.methods} if served_as is None else served_as
    return {wanted[m.name]: _handler(m, channel, name) for m in service.methods if m.name in wanted}


def _handler(method: MethodDescriptor, channel: grpc.aio.Channel, name: str) -> Handler:
    path = f"/{method.containing_service.full_name}/{method.name}"
    kind = f"{'stream' if method.client_streaming else 'unary'}_{'stream' if method.server_streaming else 'unary'}"
    call_behind: Any = getattr(channel, kind)(path)

    async def unary(request: bytes | AsyncIterator[bytes], context: Context) -> bytes:
        with calling(name):
            response: bytes = await call_behind(request)
            return response

    async def stream(request: bytes | AsyncIterator[bytes], context: Context) -> AsyncGenerator[bytes]:
        call = call_behind(request)
        try:
            with calling(name):
                async for response in call:
                    yield response
        finally:
            call.cancel()

    make = getattr(grpc, f"{kind}_rpc_method_handler")
    handler: Handler = make(stream if method.server_streaming else unary)
    return handler
