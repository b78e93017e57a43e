"""Files for a begun import, as the body of a request: `curl -T products.csv …`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Final

from fastapi import APIRouter, Request, Response

from adwright.context.v1 import context_service_pb2 as pb
from adwright_servicekit.errors import InvalidInput

from .invoke import Invoker
from .messages import to_json
from .openapi import responses
from .responses import metadata_of
from .schemas import Schemas

__all__ = ["UPLOAD", "uploads_router"]

UPLOAD: Final = pb.DESCRIPTOR.services_by_name["ContextService"].methods_by_name["UploadImport"]
_PIECE: Final = 256 * 1024
_DESCRIPTION: Final = """
Sends the next bytes of an import that `POST /v1/imports` began; the body is the file as it is, of any length, and is
never held as a whole. Where the connection breaks, ask for the operation and go on at its `committedBytes`.

Needs a key with the scope `write`.
"""
_PARAMETERS: Final = [
    {"name": "operation", "in": "path", "required": True, "schema": {"type": "string"}},
    {
        "name": "offset",
        "in": "query",
        "description": "Where the body begins in the file: `committedBytes` of the operation. Units: bytes.",
        "schema": {"type": "integer", "minimum": 0, "maximum": 2**63 - 1, "default": 0},
    },
    {
        "name": "finish",
        "in": "query",
        "description": "Whether the file ends with this body; else the import waits for another one.",
        "schema": {"type": "boolean", "default": True},
    },
]


def uploads_router(invoker: Invoker, schemas: Schemas) -> APIRouter:
    """The route of UploadImport."""
    router = APIRouter()

    async def upload(request: Request) -> Response:
        start = pb.UploadStart(
            operation=f"operations/{request.path_params['operation']}",
            offset=_whole(request.query_params.get("offset", "0")),
        )
        finish = _truth(request.query_params.get("finish", "true"))
        answer = await invoker.upload(UPLOAD, _parts(start, request, finish=finish), metadata_of(request))
        return Response(to_json(answer), media_type="application/json", headers={"cache-control": "no-store"})

    router.add_api_route(
        "/v1/operations/{operation}:upload",
        upload,
        methods=["POST"],
        tags=["ContextService"],
        operation_id="ContextService_UploadImport",
        response_class=Response,
        summary="Upload import",
        description=_DESCRIPTION,
        responses=responses({"application/json": {"schema": schemas.of_message(UPLOAD.output_type)}}),
        openapi_extra={
            "parameters": _PARAMETERS,
            "security": [{"key": []}],
            "requestBody": {
                "required": True,
                "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
            },
        },
    )
    return router


async def _parts(start: pb.UploadStart, request: Request, *, finish: bool) -> AsyncIterator[Any]:
    yield pb.UploadImportRequest(start=start)
    async for data in request.stream():
        for at in range(0, len(data), _PIECE):
            yield pb.UploadImportRequest(data=data[at : at + _PIECE])
    if finish:
        yield pb.UploadImportRequest(finish=True)


def _whole(text: str) -> int:
    if not text.isdecimal() or not text.isascii() or int(text) >= 2**63:
        raise InvalidInput.of("offset", "must be a number of bytes, 0 or more", reason="MALFORMED_REQUEST")
    return int(text)


def _truth(text: str) -> bool:
    if text not in ("true", "false"):
        raise InvalidInput.of("finish", "must be true or false", reason="MALFORMED_REQUEST")
    return text == "true"
