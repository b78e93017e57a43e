"""JSON Schemas of messages, from their descriptors, with the rules of the protos in them (protovalidate)."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any, Final

from google.api import field_behavior_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor

from buf.validate import validate_pb2

__all__ = ["COMMENTS", "Schemas", "behaviours"]

COMMENTS: Final[dict[str, str]] = json.loads(
    (files("adwright_gateway.http") / "comments.json").read_text(encoding="utf-8")
)
"""What the protos say in words, by full name."""

Schema = dict[str, Any]

_SCALARS: Final[dict[int, Schema]] = {
    FieldDescriptor.TYPE_BOOL: {"type": "boolean"},
    FieldDescriptor.TYPE_BYTES: {"type": "string", "contentEncoding": "base64"},
    FieldDescriptor.TYPE_DOUBLE: {"type": "number", "format": "double"},
    FieldDescriptor.TYPE_FLOAT: {"type": "number", "format": "float"},
    FieldDescriptor.TYPE_INT32: {"type": "integer", "format": "int32", "minimum": -(2**31), "maximum": 2**31 - 1},
    FieldDescriptor.TYPE_UINT32: {"type": "integer", "minimum": 0, "maximum": 2**32 - 1},
    FieldDescriptor.TYPE_INT64: {"type": "string", "format": "int64", "pattern": r"^-?\d{1,18}$"},
    FieldDescriptor.TYPE_UINT64: {"type": "string", "format": "uint64", "pattern": r"^\d{1,18}$"},
    FieldDescriptor.TYPE_STRING: {"type": "string"},
}
_WELL_KNOWN: Final[dict[str, Schema]] = {
    "google.protobuf.Timestamp": {"type": "string", "format": "date-time"},
    "google.protobuf.Duration": {"type": "string", "pattern": r"^\d{1,9}(\.\d{1,9})?s$", "examples": ["86400s"]},
    "google.protobuf.FieldMask": {"type": "string", "examples": ["displayName,voice"]},
    "google.protobuf.Struct": {"type": "object"},
    "google.protobuf.Empty": {"type": "object"},
    "google.protobuf.Any": {
        "type": "object",
        "properties": {"@type": {"type": "string"}},
        "additionalProperties": True,
    },
}
_LIMITS: Final = {
    "min_len": "minLength",
    "max_len": "maxLength",
    "gte": "minimum",
    "lte": "maximum",
    "gt": "exclusiveMinimum",
    "lt": "exclusiveMaximum",
    "min_items": "minItems",
    "max_items": "maxItems",
    "unique": "uniqueItems",
    "in": "enum",
}


def behaviours(field: FieldDescriptor) -> frozenset[int]:
    """Its google.api.field_behavior."""
    return frozenset(field.GetOptions().Extensions[field_behavior_pb2.field_behavior])


class Schemas:
    """Schemas by name; those of messages refer to each other."""

    def __init__(self) -> None:
        self.components: dict[str, Schema] = {}
        self._owners: dict[str, str] = {}

    def of_message(self, message: Descriptor) -> Schema:
        """A reference to the message's schema."""
        if message.full_name in _WELL_KNOWN:
            return dict(_WELL_KNOWN[message.full_name])
        name = message.full_name.removeprefix(f"{message.file.package}.")
        if name not in self.components:
            self._owners[name] = message.full_name
            self.components[name] = {}
            self.components[name] = self.of_fields(message, frozenset())
        assert self._owners[name] == message.full_name, f"two messages are called {name}"
        return {"$ref": f"#/components/schemas/{name}"}

    def of_fields(self, message: Descriptor, without: frozenset[str]) -> Schema:
        """The message's schema itself, `without` some of its fields."""
        fields = [field for field in message.fields if field.name not in without]
        schema: Schema = {
            "type": "object",
            "properties": {field.json_name: self.of_field(field) for field in fields},
            "additionalProperties": False,
        }
        if comment := COMMENTS.get(message.full_name):
            schema["description"] = comment
        required = [f.json_name for f in fields if field_behavior_pb2.REQUIRED in behaviours(f)]
        return schema | ({"required": required} if required else {})

    def of_field(self, field: FieldDescriptor) -> Schema:
        """The schema of one field, of all its values where it is repeated."""
        rules = field.GetOptions().Extensions[validate_pb2.field]
        kind = field.message_type
        if kind is not None and kind.GetOptions().map_entry:
            value = kind.fields_by_name["value"]
            schema: Schema = {"type": "object", "additionalProperties": self._value(value, rules.map.values)}
        elif field.is_repeated:
            schema = {"type": "array", "items": self._value(field, rules.repeated.items)}
            schema |= _limits(rules.repeated)
        else:
            schema = self._value(field, rules)
        if "$ref" in schema:
            schema = {"allOf": [schema]}
        if comment := COMMENTS.get(field.full_name):
            schema["description"] = comment
        if field_behavior_pb2.OUTPUT_ONLY in behaviours(field):
            schema["readOnly"] = True
        return schema

    def _value(self, field: FieldDescriptor, rules: validate_pb2.FieldRules) -> Schema:
        if field.message_type is not None:
            return self.of_message(field.message_type)
        if field.enum_type is not None:
            refused = set(rules.enum.not_in)
            return {"type": "string", "enum": [v.name for v in field.enum_type.values if v.number not in refused]}
        schema = dict(_SCALARS[field.type])
        held = rules.WhichOneof("type")
        if held is not None:
            of_type: Any = getattr(rules, held)
            schema |= _limits(of_type)
            if held == "string":
                schema |= _text(of_type, rules.ignore == validate_pb2.IGNORE_IF_ZERO_VALUE)
        return schema


def _limits(rules: Any) -> Schema:
    found: Schema = {}
    for field, value in rules.ListFields():
        if field.name in _LIMITS:
            found[_LIMITS[field.name]] = list(value) if field.is_repeated else value
    return found


def _text(rules: validate_pb2.StringRules, may_be_empty: bool) -> Schema:
    if rules.WhichOneof("well_known") == "uuid":
        return {"anyOf": [{"format": "uuid"}, {"maxLength": 0}]} if may_be_empty else {"format": "uuid"}
    if rules.pattern:
        return {"pattern": f"^$|{rules.pattern}" if may_be_empty else rules.pattern}
    return {}
