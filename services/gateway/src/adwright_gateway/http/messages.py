"""Messages as protobuf JSON, and back, with errors that name the field."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, TypeVar

from google.protobuf import json_format
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from starlette.requests import Request

from adwright_servicekit.errors import InvalidInput, ResourceExhausted

__all__ = ["from_json", "json_body", "to_dict", "to_json"]

M = TypeVar("M", bound=Message)

_UNKNOWN = re.compile(r'has no field named "([^"]*)"')
_AT = re.compile(r"(?:Failed to parse|at) \"?([A-Za-z_][\w.\[\]]*)\"?")


def to_json(message: Message) -> bytes:
    """On one line, with the fields that are empty too."""
    return json.dumps(to_dict(message), ensure_ascii=False, separators=(",", ":")).encode()


def to_dict(message: Message) -> dict[str, Any]:
    """As `to_json`, not yet encoded."""
    found: dict[str, Any] = json_format.MessageToDict(message, always_print_fields_with_no_presence=True)
    return found


async def json_body(request: Request) -> dict[str, Any]:
    """The body of a request, which is an object. Raises InvalidInput."""
    raw = await _read(request)
    if not raw.strip():
        return {}
    try:
        body = json.loads(raw)
    except UnicodeDecodeError:
        raise InvalidInput("the body is not UTF-8 text", reason="MALFORMED_REQUEST") from None
    except RecursionError:
        raise InvalidInput("the body is nested too deeply", reason="MALFORMED_REQUEST") from None
    except ValueError as error:
        at = f" (line {error.lineno}, column {error.colno})" if isinstance(error, json.JSONDecodeError) else ""
        raise InvalidInput(f"the body is not JSON{at}: send an object", reason="MALFORMED_REQUEST") from None
    if not isinstance(body, dict):
        raise InvalidInput("the body must be a JSON object", reason="MALFORMED_REQUEST")
    return body


async def _read(request: Request) -> bytes:
    most: int = request.app.state.max_body_bytes
    raw = bytearray()
    async for part in request.stream():
        raw += part
        if len(raw) > most:
            raise ResourceExhausted(
                f"the body has more than {most} bytes, which is the most: send less in one request",
                reason="REQUEST_TOO_LARGE",
            )
    return bytes(raw)


def from_json(data: Mapping[str, Any], into: M) -> M:
    """Reads an object into a message. Raises InvalidInput that names the field, or the nearest name there is."""
    try:
        json_format.ParseDict(dict(data), into, max_recursion_depth=32)
    except (json_format.ParseError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise _said(str(error), into.DESCRIPTOR) from None
    return into


def _said(error: str, of: Any) -> InvalidInput:
    if unknown := _UNKNOWN.search(error):
        name = unknown[1]
        near = get_close_matches(name, sorted(_names(of, set())), 1)
        return InvalidInput.of(
            name, f"is not known{f'; did you mean {near[0]}?' if near else ''}", reason="UNKNOWN_FIELD"
        )
    where = _AT.search(error)
    # What follows the last colon is the reason; before it stand the places, from the outside in.
    why = error.rsplit(": ", 1)[-1].strip().rstrip(".")
    field = where[1] if where else ""
    if field:
        return InvalidInput.of(field.removesuffix(" field"), why, reason="MALFORMED_REQUEST")
    return InvalidInput(why, reason="MALFORMED_REQUEST")


def _names(of: Any, seen: set[str]) -> set[str]:
    """Names of the fields of a message and of those in it."""
    if of.full_name in seen:
        return set()
    seen.add(of.full_name)
    names = {field.json_name for field in of.fields}
    for field in of.fields:
        if field.type == FieldDescriptor.TYPE_MESSAGE and field.message_type.full_name.startswith("adwright."):
            names |= _names(field.message_type, seen)
    return names
