"""DynamoDB's limits, checked before a call so that every driver refuses the same things.

Sources: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html and
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from adwright_docstore.errors import InvalidItem, ItemTooLarge
from adwright_docstore.model import (
    Delete,
    Expect,
    Key,
    Op,
    Presence,
    Put,
    Version,
    check_partition,
)

__all__ = [
    "MAX_DEPTH",
    "MAX_ITEM_BYTES",
    "MAX_OPS",
    "MAX_PAGE_ITEMS",
    "MAX_TRANSACTION_BYTES",
    "PAGE_BYTES",
    "REQUEST_TOKEN_SECONDS",
    "check_increment",
    "check_item",
    "check_ops",
    "check_query",
    "epoch_seconds",
    "holds",
    "last_of_each",
]

MAX_ITEM_BYTES: Final = 400 * 1024
MAX_TRANSACTION_BYTES: Final = 4 * 1024 * 1024
MAX_OPS: Final = 100
MAX_PAGE_ITEMS: Final = 1000
PAGE_BYTES: Final = 1024 * 1024
REQUEST_TOKEN_SECONDS: Final = 600
MAX_DEPTH: Final = 31  # DynamoDB nests 32 deep, and `data` is itself an attribute of the item

_MAX_INTEGER: Final = 10**38 - 1
_MIN_FLOAT, _MAX_FLOAT = 1e-130, 9.99e125
_ENVELOPE_BYTES: Final = 64  # the names of our six attributes, version, expiry and the write's name


def check_item(key: Key, data: Mapping[str, object]) -> int:
    """Returns the item's size in bytes as DynamoDB counts it, a number rounded up.

    Raises InvalidItem for what DynamoDB does not keep, ItemTooLarge above 400 KB.
    """
    size = len(key.pk.encode()) + len(key.sk.encode()) + _ENVELOPE_BYTES + _measure(dict(data), 1)
    if size > MAX_ITEM_BYTES:
        raise ItemTooLarge(size, MAX_ITEM_BYTES)
    return size


def _measure(value: object, depth: int) -> int:
    if value is None or isinstance(value, bool):
        return 1
    if isinstance(value, str):
        return _utf8_length(value)
    if isinstance(value, int | float):
        return _measure_number(value)
    if depth > MAX_DEPTH:
        raise InvalidItem(f"data is nested more than {MAX_DEPTH} deep")
    if isinstance(value, list | tuple):
        return 3 + len(value) + sum(_measure(element, depth + 1) for element in value)
    if isinstance(value, dict):
        names = sum(_measure_name(name) for name in value)
        return 3 + len(value) + names + sum(_measure(v, depth + 1) for v in value.values())
    raise InvalidItem(f"data may not hold a {type(value).__name__}")


def _measure_number(value: int | float) -> int:
    if isinstance(value, int):
        if abs(value) > _MAX_INTEGER:
            raise InvalidItem("an integer in data has more than 38 digits")
    elif not math.isfinite(value) or (value and not _MIN_FLOAT <= abs(value) <= _MAX_FLOAT):
        raise InvalidItem(f"data may not hold the number {value!r}")
    # A float with a whole value is kept digit by digit. Sign, point and exponent count as digits
    # here: never less than DynamoDB's own count.
    whole = isinstance(value, float) and value.is_integer() and abs(value) <= _MAX_INTEGER
    return (len(repr(int(value) if whole else value)) + 1) // 2 + 1


def _measure_name(name: object) -> int:
    if not isinstance(name, str) or not name:
        raise InvalidItem(f"names in data are non-empty strings, not {name!r}")
    return _utf8_length(name)


def _utf8_length(text: str) -> int:
    try:
        return len(text.encode())
    except UnicodeEncodeError:
        raise InvalidItem("data holds a string that cannot be encoded as UTF-8") from None


def check_query(pk: str, limit: int) -> None:
    """Raises InvalidKey, or ValueError where a page of `limit` items is not 1 to 1000."""
    check_partition(pk)
    if not 1 <= limit <= MAX_PAGE_ITEMS:
        raise ValueError(f"limit must be 1 to {MAX_PAGE_ITEMS}, not {limit}")


def check_ops(ops: Sequence[Op], request_token: str | None) -> None:
    """Raises ValueError, InvalidItem or ItemTooLarge where no store can run this transaction."""
    most = MAX_OPS if request_token is None else MAX_OPS - 1
    if not 1 <= len(ops) <= most:
        raise ValueError(f"a transaction takes 1 to {most} operations, not {len(ops)}")
    if request_token is not None and not 1 <= len(request_token) <= 36:
        raise ValueError("a request token has 1 to 36 characters")
    if len({op.key for op in ops}) < len(ops):
        raise ValueError("a transaction may name a key only once")
    size = sum(check_item(op.key, op.data) for op in ops if isinstance(op, Put))
    if size > MAX_TRANSACTION_BYTES:
        raise ItemTooLarge(size, MAX_TRANSACTION_BYTES, "the transaction")


def last_of_each(ops: Iterable[Put | Delete]) -> list[Put | Delete]:
    """The operations of a batch, of two on one key the later; raises as `Store.write_many` does."""
    last: dict[Key, Put | Delete] = {}
    for op in ops:
        if not isinstance(op, Put | Delete) or op.expect is not Presence.ANY:
            raise ValueError(f"a batch expects nothing, use put or transact: {op.key} has {op.expect}")
        if isinstance(op, Put):
            check_item(op.key, op.data)
        last[op.key] = op
    return list(last.values())


def check_increment(deltas: Mapping[str, int], ceilings: Mapping[str, int]) -> None:
    """Raises ValueError for no delta, or for a ceiling on a field that has none."""
    if not deltas:
        raise ValueError("an increment needs at least one delta")
    if strangers := ceilings.keys() - deltas.keys():
        raise ValueError(f"ceilings without a delta: {sorted(strangers)}")


def epoch_seconds(moment: datetime | None) -> int | None:
    """Returns whole seconds since 1970, rounded up so that nothing expires early.

    DynamoDB's TTL knows no fractions. Raises ValueError for a datetime without a timezone.
    """
    if moment is None:
        return None
    if moment.tzinfo is None:
        raise ValueError(f"expires_at {moment} has no timezone")
    return math.ceil(moment.timestamp())


def holds(expect: Expect, version: int | None) -> bool:
    """Whether an item at `version`, None for an absent one, is in the expected state."""
    match expect:
        case Presence.ANY:
            return True
        case Presence.ABSENT:
            return version is None
        case Presence.PRESENT:
            return version is not None
        case Version(number):
            return version == number
