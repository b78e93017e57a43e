"""The methods with an address in their protos, over HTTP."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from typing import Any

from fastapi import APIRouter, Request, Response
from google.protobuf.descriptor import FieldDescriptor, MethodDescriptor
from google.protobuf.message import Message

from adwright_servicekit.errors import InvalidInput

from ..methods import full_name
from .invoke import Invoker, messages_of
from .messages import from_json, json_body, to_json
from .openapi import operation
from .relay import Relay
from .responses import LiveResponse, metadata_of, unless_left
from .rules import Binding, binding_of, query_fields, set_path
from .schemas import Schemas

__all__ = ["rest_router"]

_MOST_UNREAD = 64 * 1024


def rest_router(invoker: Invoker, schemas: Schemas, *, besides: Iterable[str]) -> APIRouter:
    """A route for each method; `besides` are those that have one elsewhere, as `package.Service/Method`."""
    router = APIRouter()
    left_out = frozenset(besides)
    methods = [
        (method, binding)
        for service in invoker.methods.services
        for method in service.methods
        if not method.client_streaming
        and full_name(method) not in left_out
        and (binding := binding_of(method)) is not None
    ]
    # `/brands/{brand}:undelete` before `/brands/{brand}`, which would match it too.
    for method, binding in sorted(methods, key=lambda each: ":" not in each[1].path.rpartition("/")[2]):
        router.add_api_route(
            binding.path,
            (_streamed if method.server_streaming else _answered)(invoker, method, binding),
            methods=[binding.verb],
            tags=[method.containing_service.name],
            operation_id=f"{method.containing_service.name}_{method.name}",
            response_class=Response,
            **operation(method, binding, schemas),
        )
    return router


def _answered(invoker: Invoker, method: MethodDescriptor, binding: Binding) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        message = await _request(method, binding, request)
        answer = await unless_left(request, invoker.unary(method, message, metadata_of(request)))
        return Response(to_json(answer), media_type="application/json", headers={"cache-control": "no-store"})

    return endpoint


def _streamed(invoker: Invoker, method: MethodDescriptor, binding: Binding) -> Callable[[Request], Awaitable[Response]]:
    line = messages_of(method)[1]

    async def endpoint(request: Request) -> Response:
        message = await _request(method, binding, request)
        relay = Relay(invoker.stream(method, message, metadata_of(request)), most_unread=_MOST_UNREAD, keep=False)

        async def lines() -> AsyncGenerator[bytes]:
            try:
                async for batch in relay.read():
                    yield b"".join(to_json(line.FromString(data)) + b"\n" for _, data in batch)
            finally:
                relay.cancel()

        await unless_left(request, relay.begun())
        return LiveResponse(lines(), media_type="application/x-ndjson")

    return endpoint


async def _request(method: MethodDescriptor, binding: Binding, request: Request) -> Message:
    data: dict[str, Any] = _query(method, binding, request)
    if binding.body == "*":
        data |= await json_body(request)
    elif binding.body:
        data[binding.body] = await json_body(request)
    if binding.field:
        set_path(data, binding.field, binding.resource(request.path_params))
    return from_json(data, messages_of(method)[0]())


def _query(method: MethodDescriptor, binding: Binding, request: Request) -> dict[str, Any]:
    known = {name: field for field in query_fields(method, binding) for name in (field.json_name, field.name)}
    data: dict[str, Any] = {}
    for name in request.query_params:
        field = known.get(name)
        if field is None:
            there = ", ".join(sorted({field.json_name for field in known.values()})) or "none"
            raise InvalidInput.of(
                name, f"is not a parameter of this address; there are: {there}", reason="UNKNOWN_FIELD"
            )
        values = [_value(field, value) for value in request.query_params.getlist(name)]
        if not field.is_repeated and len(values) > 1:
            raise InvalidInput.of(name, "is given more than once", reason="MALFORMED_REQUEST")
        data[field.name] = values if field.is_repeated else values[0]
    return data


def _value(field: FieldDescriptor, text: str) -> Any:
    if field.type == FieldDescriptor.TYPE_BOOL:
        if text not in ("true", "false"):
            raise InvalidInput.of(field.json_name, "must be true or false", reason="MALFORMED_REQUEST")
        return text == "true"
    return text
