"""Items as DynamoDB keeps them: the attributes of the table, and JSON as attribute values.

| attribute | type | what |
|---|---|---|
| `pk`, `sk` | S | the key |
| `data` | M | the document |
| `version` | N | 1 for a new item, one more after every write |
| `expires_at` | N | seconds since 1970, the TTL attribute; absent where the item does not expire |
| `write_id` | S | the random name of the last write, by which a write that was sent twice knows itself |
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final, TypeAlias

from adwright_docstore.model import JSON, Item, Key

__all__ = ["Value", "decode_item", "decode_map", "encode", "encode_key", "is_live", "version_of"]

# One attribute value, {"S": "text"} or so, and the attributes of an item by name.
Value: TypeAlias = dict[str, Any]
Values: TypeAlias = Mapping[str, Value]

_MOST_DIGITS: Final = 38


def encode(value: JSON) -> Value:
    """Returns JSON, already held to the limits, as an attribute value."""
    match value:
        case None:
            return {"NULL": True}
        case bool():
            return {"BOOL": value}
        case str():
            return {"S": value}
        case int() | float():
            return {"N": _number(value)}
        case Mapping():
            return {"M": {name: encode(part) for name, part in value.items()}}
        case _:
            return {"L": [encode(part) for part in value]}


def encode_key(key: Key) -> dict[str, Value]:
    """Returns the key's two attributes."""
    return {"pk": {"S": key.pk}, "sk": {"S": key.sk}}


def decode_map(value: Value) -> dict[str, JSON]:
    """Returns the JSON object that an attribute value of type M holds."""
    return {name: _decode(part) for name, part in value["M"].items()}


def decode_item(values: Values) -> Item:
    """Returns the item that a whole row of the table is."""
    expires_at = values.get("expires_at")
    return Item(
        Key(values["pk"]["S"], values["sk"]["S"]),
        decode_map(values["data"]),
        int(values["version"]["N"]),
        None if expires_at is None else datetime.fromtimestamp(int(expires_at["N"]), UTC),
    )


def is_live(values: Values | None, now: int) -> bool:
    """Whether there is an item, and it has not expired by `now`, in seconds since 1970."""
    return values is not None and bool(values) and ("expires_at" not in values or int(values["expires_at"]["N"]) > now)


def version_of(values: Values | None, now: int) -> int | None:
    """Returns the version of an item as conditions see it, None where it is absent or expired."""
    return int(values["version"]["N"]) if values and is_live(values, now) else None


def _number(value: int | float) -> str:
    # DynamoDB returns a whole number as digits alone, so a whole float is written by its exact
    # value: 1e30 would come back as 10**30, which is another number.
    if isinstance(value, float) and value.is_integer() and abs(value) < 10**_MOST_DIGITS:
        return str(int(value))
    return repr(value)


def _decode(value: Value) -> JSON:
    ((kind, content),) = value.items()
    match kind:
        case "S" | "BOOL":
            return content  # type: ignore[no-any-return]
        case "N":
            return _parse(content)
        case "M":
            return {name: _decode(part) for name, part in content.items()}
        case "L":
            return [_decode(part) for part in content]
        case _:
            return None


def _parse(text: str) -> int | float:
    number = Decimal(text)
    exponent = number.as_tuple().exponent
    # Longer whole numbers than an integer may be were written as floats.
    whole = isinstance(exponent, int) and exponent >= 0 and number.adjusted() < _MOST_DIGITS
    return int(number) if whole else float(text)
