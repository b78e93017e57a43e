"""The OpenAPI document: what the protos say, for every method with an address."""

from __future__ import annotations

from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor

from ..methods import full_name
from ..scopes import scope_of
from .problems import MEDIA_TYPE
from .rules import Binding, query_fields
from .schemas import COMMENTS, Schemas

__all__ = ["PROBLEM", "describe", "operation", "responses"]

PROBLEM: Final[dict[str, Any]] = {
    "type": "object",
    "description": "What went wrong (RFC 9457). `reason` is for programs, `detail` for people.",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What is wrong and what to do, in one sentence."},
        "code": {"type": "string", "description": "The gRPC code.", "examples": ["INVALID_ARGUMENT"]},
        "reason": {"type": "string", "description": "Stable, in upper case.", "examples": ["BRAND_NOT_FOUND"]},
        "metadata": {"type": "object", "additionalProperties": {"type": "string"}},
        "violations": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"field": {"type": "string"}, "description": {"type": "string"}},
            },
        },
        "quotas": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"subject": {"type": "string"}, "description": {"type": "string"}},
            },
        },
        "retryAfter": {"type": "number", "description": "Seconds."},
    },
    "required": ["type", "title", "status", "detail", "reason"],
}


def operation(method: MethodDescriptor, binding: Binding, schemas: Schemas) -> dict[str, Any]:
    """What a route is told of itself, as arguments of FastAPI's `add_api_route`."""
    said = COMMENTS.get(full_name(method).replace("/", "."), "")
    description = f"{said}\n\nNeeds a key with the scope `{scope_of(full_name(method))}`."
    extra: dict[str, Any] = {
        "parameters": [
            *(_path_parameter(name) for name in binding.parameters),
            *(_query_parameter(field, schemas) for field in query_fields(method, binding)),
        ],
        "security": [{"key": []}],
    }
    if binding.body:
        extra["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": _body(method.input_type, binding, schemas)}},
        }
    media = "application/x-ndjson" if method.server_streaming else "application/json"
    return {
        "summary": _summary(method.name),
        "description": description,
        "responses": responses({media: {"schema": schemas.of_message(method.output_type)}}),
        "openapi_extra": extra,
    }


def responses(content: dict[str, Any]) -> dict[int | str, dict[str, Any]]:
    """Of an operation that answers with this `content` or a problem."""
    problem = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {
        200: {"description": "Done.", "content": content},
        "4XX": {"description": "The request must change, or the caller.", "content": problem},
        "5XX": {"description": "Try again later.", "content": problem},
    }


def describe(app: FastAPI, schemas: Schemas) -> None:
    """Has the app give a document with these schemas, and makes it once."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            made = get_openapi(
                title=app.title,
                version=app.version,
                openapi_version=app.openapi_version,
                summary=app.summary,
                description=app.description,
                routes=app.routes,
                tags=app.openapi_tags,
            )
            components = made.setdefault("components", {})
            components.setdefault("schemas", {}).update(schemas.components, Problem=PROBLEM)
            components["securitySchemes"] = {
                "key": {"type": "http", "scheme": "bearer", "description": "An API key, `adw_…`."}
            }
            app.openapi_schema = made
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]


def _body(request: Descriptor, binding: Binding, schemas: Schemas) -> dict[str, Any]:
    if binding.body == "*":
        return schemas.of_fields(request, frozenset({binding.field.partition(".")[0]}))
    resource = request.fields_by_name[binding.body].message_type
    assert resource is not None
    return schemas.of_message(resource)


def _path_parameter(name: str) -> dict[str, Any]:
    pattern = "^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$"
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string", "pattern": pattern}}


def _query_parameter(field: FieldDescriptor, schemas: Schemas) -> dict[str, Any]:
    schema = schemas.of_field(field)
    described = {"description": schema.pop("description")} if "description" in schema else {}
    return {"name": field.json_name, "in": "query", "schema": schema} | described


def _summary(name: str) -> str:
    """`ListBrands` as words."""
    words = "".join(f" {c.lower()}" if c.isupper() else c for c in name).strip()
    return words[:1].upper() + words[1:]
