"""The values that go in and out of a store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Final, TypeAlias

from adwright_docstore.errors import InvalidKey

__all__ = [
    "ABSENT",
    "ALL",
    "ANY",
    "JSON",
    "MAX_PK_BYTES",
    "MAX_SK_BYTES",
    "PRESENT",
    "RESERVED_PK",
    "All",
    "Between",
    "Check",
    "Delete",
    "Expect",
    "Item",
    "Key",
    "Op",
    "Page",
    "Prefix",
    "Presence",
    "Put",
    "SkRange",
    "Version",
    "check_key_part",
    "check_partition",
]

# Lists and dicts where it is read; mappings and sequences so that a dict[str, str] may be written.
JSON: TypeAlias = "bool | int | float | str | Sequence[JSON] | Mapping[str, JSON] | None"

# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
MAX_PK_BYTES: Final = 2048
MAX_SK_BYTES: Final = 1024
RESERVED_PK: Final = "docstore#"


@dataclass(frozen=True, slots=True)
class Key:
    """Where an item lives: its partition, and its place in the partition's order.

    Both parts are 1 to 2048 (`pk`) or 1024 (`sk`) bytes of UTF-8 and are compared byte by byte.
    Partitions that begin with `docstore#` belong to the stores. Raises InvalidKey otherwise.
    """

    pk: str
    sk: str

    def __post_init__(self) -> None:
        check_partition(self.pk)
        check_key_part("sk", self.sk, MAX_SK_BYTES)


@dataclass(frozen=True, slots=True)
class Item:
    """One document as it was stored.

    `version` is 1 for a new item and one more after every write. `expires_at` is in whole
    seconds, UTC. A float with a whole value may come back as an int, and a tuple as a list.
    """

    key: Key
    data: Mapping[str, JSON]
    version: int
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Some items of a query, in order; more may follow as long as there is a token.

    A page may hold no item and still carry a token: loop on the token, never on the items.
    """

    items: Sequence[Item]
    next_page_token: str | None


class Presence(Enum):
    """The states an item can be expected in without naming its version."""

    ANY = "any"
    ABSENT = "absent"
    PRESENT = "present"


ANY: Final = Presence.ANY
ABSENT: Final = Presence.ABSENT
PRESENT: Final = Presence.PRESENT


@dataclass(frozen=True, slots=True)
class Version:
    """Expects the item to exist at exactly this version."""

    number: int


Expect: TypeAlias = Presence | Version


@dataclass(frozen=True, slots=True)
class All:
    """Every sort key of the partition."""


@dataclass(frozen=True, slots=True)
class Prefix:
    """The sort keys that begin with `value`, which is not empty (`ALL` says that)."""

    value: str

    def __post_init__(self) -> None:
        check_key_part("sk prefix", self.value, MAX_SK_BYTES)


@dataclass(frozen=True, slots=True)
class Between:
    """The sort keys from `low` to `high`, both included; ValueError where low is above high."""

    low: str
    high: str

    def __post_init__(self) -> None:
        low = check_key_part("sk low", self.low, MAX_SK_BYTES)
        high = check_key_part("sk high", self.high, MAX_SK_BYTES)
        if low > high:
            raise ValueError(f"range from {self.low!r} to {self.high!r} is upside down")


ALL: Final = All()
SkRange: TypeAlias = All | Prefix | Between


@dataclass(frozen=True, slots=True)
class Put:
    """Writes an item as part of a transaction."""

    key: Key
    data: Mapping[str, JSON]
    expect: Expect = ANY
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Delete:
    """Removes an item as part of a transaction; an item that is absent is fine with ANY."""

    key: Key
    expect: Expect = ANY


@dataclass(frozen=True, slots=True)
class Check:
    """Holds a transaction to the state of an item that it does not write."""

    key: Key
    expect: Expect


Op: TypeAlias = Put | Delete | Check


def check_partition(pk: str) -> None:
    """Raises InvalidKey where `pk` names no partition that a caller may use."""
    check_key_part("pk", pk, MAX_PK_BYTES)
    if pk.startswith(RESERVED_PK):
        raise InvalidKey(f"pk must not begin with {RESERVED_PK!r}: stores keep their own records there")


def check_key_part(name: str, value: str, limit: int) -> bytes:
    """Returns `value` in UTF-8, the form keys are compared in; InvalidKey if it cannot be one."""
    try:
        encoded = value.encode()
    except UnicodeEncodeError:
        raise InvalidKey(f"{name} {value!r} cannot be encoded as UTF-8") from None
    if not 1 <= len(encoded) <= limit:
        raise InvalidKey(f"{name} must have 1 to {limit} bytes, this one has {len(encoded)}")
    return encoded
