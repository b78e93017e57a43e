"""Between protobuf messages and what the domain works with; all knowledge of `*_pb2` is here."""

from __future__ import annotations

import re
from typing import Final, TypeAlias

from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, FieldDescriptor

from adwright.context.v1 import resources_pb2 as pb
from adwright_resources.filters import Fields, FieldType, ListOf, MapOf, Scalar
from adwright_servicekit.errors import FieldViolation, InvalidInput
from adwright_servicekit.validation import validate

from .kinds import BRAND, EXEMPLAR, PRODUCT, Content, Kind, Name, Resource
from .masks import ANY_KEY, Schema
from .validation import Contract

__all__ = ["Message", "ProtoContract", "RowError", "content_of", "content_of_json", "to_message"]

Message: TypeAlias = pb.Brand | pb.Product | pb.Exemplar

_CLASSES: Final[dict[Kind, type[Message]]] = {
    BRAND: pb.Brand,
    PRODUCT: pb.Product,
    EXEMPLAR: pb.Exemplar,
}
_ENVELOPE: Final = ("name", "etag", "create_time", "update_time", "delete_time", "expire_time")
_QUOTED_FIELD: Final = re.compile(r'field named "([^"]+)"|[Ff]ailed to parse (\S+) field')


class RowError(Exception):
    """JSON that is no resource; `field` is empty where the whole of it cannot be read."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field
        self.message = message


def content_of(message: Message) -> Content:
    """What is to be stored of a message; its name, etag and times are not."""
    content: Content = json_format.MessageToDict(message, preserving_proto_field_name=True)
    for field in _ENVELOPE:
        content.pop(field, None)
    if isinstance(message, pb.Exemplar):
        for text in content.get("fields", ()):
            text.pop("length", None)
            text.pop("max_length", None)
    return content


def to_message(resource: Resource) -> Message:
    """The message that a caller sees."""
    message = _CLASSES[resource.name.kind]()
    json_format.ParseDict(resource.content, message, ignore_unknown_fields=True)
    message.name = str(resource.name)
    message.etag = resource.etag
    if resource.create_time is not None:
        message.create_time.FromDatetime(resource.create_time)
    if resource.update_time is not None:
        message.update_time.FromDatetime(resource.update_time)
    if resource.delete_time is not None:
        message.delete_time.FromDatetime(resource.delete_time)
    if resource.expire_time is not None:
        message.expire_time.FromDatetime(resource.expire_time)
    return message


def content_of_json(kind: Kind, data: object) -> tuple[Name, Content]:
    """The name and content of a resource in protobuf JSON. Raises RowError."""
    if not isinstance(data, dict):
        raise RowError("", f"a row is a JSON object with the fields of a {kind.singular}")
    message = _CLASSES[kind]()
    try:
        json_format.ParseDict(data, message)
    except json_format.ParseError as error:
        raise _row_error(kind, str(error)) from None
    except (ValueError, TypeError, RecursionError) as error:
        raise RowError("", f"is no {kind.singular} in protobuf JSON: {_brief(error)}") from None
    try:
        return Name.parse(kind, message.name), content_of(message)
    except InvalidInput as error:
        raise RowError("name", error.violations[0].description) from None


def _row_error(kind: Kind, text: str) -> RowError:
    found = _QUOTED_FIELD.search(text)
    field = next((group for group in found.groups() if group), "") if found else ""
    if found and found.group(1):
        there = ", ".join(f.name for f in _CLASSES[kind].DESCRIPTOR.fields)
        return RowError(field, f"there is no such field; a {kind.singular} has: {there}")
    return RowError(field, _brief(text))


def _brief(text: object) -> str:
    return str(text).partition("\n")[0].rstrip(".")[:300]


class ProtoContract(Contract):
    """The rules of the protos: their fields, and the rules on them."""

    def __init__(self) -> None:
        self._schemas = {kind: _schema(cls.DESCRIPTOR) for kind, cls in _CLASSES.items()}
        self._fields = {kind: _fields(cls.DESCRIPTOR) for kind, cls in _CLASSES.items()}

    def schema(self, kind: Kind) -> Schema:
        return self._schemas[kind]

    def fields(self, kind: Kind) -> Fields:
        return self._fields[kind]

    def violations(self, name: Name, content: Content) -> list[FieldViolation]:
        try:
            validate(to_message(Resource(name, content)))
        except InvalidInput as error:
            return list(error.violations)
        return []


def _schema(descriptor: Descriptor) -> Schema:
    return {field.name: _schema_of_field(field) for field in descriptor.fields if field.name not in _ENVELOPE}


def _schema_of_field(field: FieldDescriptor) -> Schema:
    message = field.message_type
    if message is None:
        return {}
    if message.GetOptions().map_entry:
        return {ANY_KEY: _schema_of_field(message.fields_by_name["value"])}
    return {} if field.is_repeated else _schema(message)


def _fields(descriptor: Descriptor) -> Fields:
    return {field.name: _field_type(field) for field in descriptor.fields}


def _field_type(field: FieldDescriptor) -> FieldType:
    message = field.message_type
    if message is not None and message.GetOptions().map_entry:
        return MapOf(_field_type(message.fields_by_name["value"]))
    found: FieldType
    if message is None:
        texts, flags = (FieldDescriptor.CPPTYPE_STRING, FieldDescriptor.CPPTYPE_ENUM), FieldDescriptor.CPPTYPE_BOOL
        found = Scalar.TEXT if field.cpp_type in texts else Scalar.BOOLEAN if field.cpp_type == flags else Scalar.NUMBER
    else:
        found = Scalar.TIME if message.full_name == "google.protobuf.Timestamp" else _fields(message)
    return ListOf(found) if field.is_repeated else found
