"""The rules of the protos (protovalidate), with words a person can act on."""

from typing import Any

import protovalidate
from google.protobuf.message import Message

from .errors import FieldViolation, InvalidInput

__all__ = ["validate"]

# What a text should have looked like, by a part of the pattern it did not match; the first that is found counts.
_EXPECTED = (
    ("/products/", "a product such as brands/nordlys/products/aurora-trail-2"),
    ("/exemplars/", "an exemplar such as brands/nordlys/exemplars/rsa-en-1"),
    ("brands/", "a brand such as brands/nordlys"),
    ("formats/", "a format such as formats/google-rsa"),
    ("generations/", "a generation such as generations/4f1c"),
    ("[A-Za-z]{2,3}(-", "a BCP-47 language tag such as en or pt-BR"),
    ("(\\[[0-9]", "a path such as text or headlines[0]"),
    ("[a-z0-9_]{0,31}", "a tag of lower-case letters, digits and underscores such as self_hosted"),
    ("[a-z0-9-]{0,61}", "lower-case letters, digits and hyphens, at most 63"),
)


def validate(request: Message) -> None:
    """Raises InvalidInput with a violation for every field that breaks a rule."""
    found = tuple(
        FieldViolation(_path(violation.proto.field), _words(violation))
        for violation in protovalidate.collect_violations(request)
    )
    if found:
        said = "; ".join(f"{v.field}: {v.description}" if v.field else v.description for v in found[:3])
        more = f"; and {len(found) - 3} more" if len(found) > 3 else ""
        raise InvalidInput(said + more, violations=found)


def _words(violation: Any) -> str:
    rule, message = violation.proto.rule_id, violation.proto.message
    if rule == "string.pattern":
        given = str(violation.field_value or "")
        expected = next((words for part, words in _EXPECTED if part in message), "")
        if not given:
            return f"is required: give {expected}" if expected else "is required"
        if expected:
            return f"'{given[:80]}' is not right: expected {expected}"
    return str(message or rule)


def _path(path: Any) -> str:
    text = ""
    for element in path.elements if path is not None else ():
        text += f".{element.field_name}" if text else element.field_name
        if element.subscript is not None:
            text += f"[{element.subscript.value}]"
    return text
