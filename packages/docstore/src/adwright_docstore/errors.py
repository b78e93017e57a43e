"""What a store can refuse, as one tree.

StoreError
├── InvalidKey            a key that no store accepts: empty, too long, not UTF-8
├── InvalidItem           data that no store keeps: NaN, an empty name, nested too deep
├── ItemTooLarge          an item over 400 KB, or a transaction over 4 MB
├── InvalidPageToken      a page token that was altered, or belongs to another query
├── ConditionFailed       the item is not in the state that the call expected
├── CeilingReached        a counter would pass its ceiling
├── RequestTokenReused    a request token came back with other operations
├── TransactionConflict   another transaction holds an item; the same call may succeed later
└── StoreUnavailable      the store cannot be reached, opened, or is closed
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from adwright_docstore.model import Key

__all__ = [
    "CeilingReached",
    "ConditionFailed",
    "InvalidItem",
    "InvalidKey",
    "InvalidPageToken",
    "ItemTooLarge",
    "RequestTokenReused",
    "StoreError",
    "StoreUnavailable",
    "TransactionConflict",
]


class StoreError(Exception):
    """The root of everything that a store raises on purpose."""


class InvalidKey(StoreError):
    """A key that no store accepts: empty, too long, or not encodable as UTF-8."""


class InvalidItem(StoreError):
    """Data that no store keeps, or a counter on a field that is not an integer."""


class ItemTooLarge(StoreError):
    """An item, or all the items of a transaction, over the limit; both in bytes."""

    def __init__(self, size: int, limit: int, what: str = "the item") -> None:
        super().__init__(f"{what} measures {size} bytes, over the limit of {limit}")
        self.size = size
        self.limit = limit


class InvalidPageToken(StoreError):
    """A page token that was altered, or belongs to another query."""

    def __init__(self) -> None:
        super().__init__("the page token does not belong to this query")


class ConditionFailed(StoreError):
    """The item is not in the expected state; `current_version` is None where it is absent."""

    def __init__(self, key: Key, current_version: int | None) -> None:
        state = "absent" if current_version is None else f"at version {current_version}"
        super().__init__(f"{key} is {state}, which is not what the call expected")
        self.key = key
        self.current_version = current_version


class CeilingReached(StoreError):
    """An increment would take `field` from `current` past `ceiling`; nothing was changed."""

    def __init__(self, field: str, ceiling: int, current: int) -> None:
        super().__init__(f"counter {field!r} stands at {current} and may not pass {ceiling}")
        self.field = field
        self.ceiling = ceiling
        self.current = current


class RequestTokenReused(StoreError):
    """A request token came back with operations other than those it was first used for."""

    def __init__(self, token: str) -> None:
        super().__init__(f"request token {token!r} was already used for other operations")
        self.token = token


class TransactionConflict(StoreError):
    """Another transaction holds one of the items; nothing was changed, a retry may succeed."""


class StoreUnavailable(StoreError):
    """The store cannot be reached or opened, stayed locked for too long, or is closed."""
