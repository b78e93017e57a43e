"""google.api.http rules of the protos: where a method has its address, and what of the request stands in it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from google.api import annotations_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor

from adwright_servicekit.errors import InvalidInput

__all__ = ["Binding", "binding_of", "query_fields", "set_path"]

_VARIABLE = re.compile(r"\{([a-z_.]+)=([^}]*)\}")


@dataclass(frozen=True, slots=True)
class Binding:
    """Where a method has its address."""

    verb: str
    path: str
    """As Starlette wants it: `/v1/brands/{brand}/products/{product}:undelete`."""
    field: str
    """The request's field that the path fills, empty for none; `brand.name` is one inside of another."""
    template: str
    """The value of that field: `brands/{brand}/products/{product}`."""
    parameters: tuple[str, ...]
    body: str
    """The field that the body fills, `*` for all, empty for no body."""

    def resource(self, given: Mapping[str, str]) -> str:
        """The value of `field`, from the path's parameters."""
        return self.template.format_map(given)


def binding_of(method: MethodDescriptor) -> Binding | None:
    """The address of a method, None where its proto declares none."""
    rule = method.GetOptions().Extensions[annotations_pb2.http]
    verb = rule.WhichOneof("pattern")
    if verb is None:
        return None
    pattern: str = getattr(rule, verb)
    found = _VARIABLE.search(pattern)
    if found is None:
        return Binding(verb.upper(), pattern, "", "", (), rule.body)
    template, parameters = _named(found[2])
    path = pattern[: found.start()] + template + pattern[found.end() :]
    return Binding(verb.upper(), path, found[1], template, parameters, rule.body)


def _named(pattern: str) -> tuple[str, tuple[str, ...]]:
    """`brands/*` with a name for the star, that of its collection."""
    segments = pattern.split("/")
    names = []
    for index, segment in enumerate(segments):
        if segment in ("*", "**"):
            names.append(segments[index - 1].removesuffix("s"))
            segments[index] = f"{{{names[-1]}}}"
    return "/".join(segments), tuple(names)


def query_fields(method: MethodDescriptor, binding: Binding) -> list[FieldDescriptor]:
    """The fields of the request that stand in the query: what neither path nor body fill."""
    if binding.body == "*":
        return []
    taken = {binding.field.partition(".")[0], binding.body}
    request: Descriptor = method.input_type
    return [field for field in request.fields if field.name not in taken and not _is_object(field)]


def _is_object(field: FieldDescriptor) -> bool:
    kind = field.message_type
    return kind is not None and not kind.full_name.startswith("google.protobuf.")


def set_path(data: dict[str, Any], field: str, value: str) -> None:
    """Sets `brand.name`. Raises InvalidInput when the body says something else, under either of its names."""
    *parents, last = field.split(".")
    for parent in parents:
        data = data.setdefault(parent, {})
        if not isinstance(data, dict):
            raise InvalidInput.of(parent, "must be an object", reason="MALFORMED_REQUEST")
    if data.get(last) not in (None, "", value):
        raise InvalidInput.of(field, f"is '{data[last]}' in the body and '{value}' in the address: leave it out there")
    data[last] = value
