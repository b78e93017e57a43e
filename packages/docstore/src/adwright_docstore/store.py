"""The interface of a document store, and what every driver promises.

The promises are DynamoDB's, so that a service tested on SQLite meets no surprise in the cloud:

- Items live in partitions. Ranges are read within one partition, in the order of the sort
  key's UTF-8 bytes.
- A call is atomic by itself; several items change together only in `transact`.
- An item past its `expires_at` is gone: no read returns it, no condition sees it. The space
  it takes is freed some time later.
- Cancelling a call leaves it either done or not done, never half done.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import Self

from adwright_docstore.model import ALL, ANY, JSON, Expect, Item, Key, Op, Page, SkRange

__all__ = ["Store"]


class Store(ABC):
    """A document store; an async context manager that closes itself.

    A store belongs to one event loop. Every method may raise StoreUnavailable.
    """

    @abstractmethod
    async def get(self, key: Key, *, consistent: bool = True) -> Item | None:
        """Returns the item, or None where there is none.

        `consistent=False` may miss the latest writes and costs half as much on DynamoDB.
        """

    @abstractmethod
    async def get_many(self, keys: Iterable[Key], *, consistent: bool = True) -> dict[Key, Item]:
        """Returns the items there are, by key; each is read by itself, not as one snapshot."""

    @abstractmethod
    async def put(
        self,
        key: Key,
        data: Mapping[str, JSON],
        *,
        expect: Expect = ANY,
        expires_at: datetime | None = None,
    ) -> Item:
        """Writes the whole item and returns it as stored.

        `expires_at` is timezone-aware and rounded up to whole seconds; None means never, also
        where the item had one before. With ANY over an expired item the version may start at 1
        or go on. Raises ConditionFailed, InvalidItem, ItemTooLarge.
        """

    @abstractmethod
    async def delete(self, key: Key, *, expect: Expect = ANY) -> None:
        """Removes the item; with ANY an absent one is fine. Raises ConditionFailed."""

    @abstractmethod
    async def query(
        self,
        pk: str,
        *,
        sk: SkRange = ALL,
        limit: int = 100,
        page_token: str | None = None,
        descending: bool = False,
        consistent: bool = False,
    ) -> Page:
        """Returns the next page of a partition's items in the order of their sort keys.

        A page stops after `limit` items (1 to 1000) or about 1 MB. It may hold fewer, or none,
        and still carry a token. A token continues only the query it came from, though `limit`
        may differ. Raises InvalidPageToken.
        """

    @abstractmethod
    async def transact(self, ops: Sequence[Op], *, request_token: str | None = None) -> None:
        """Applies all operations or none of them.

        1 to 100 operations, 99 with a token (its record is one of them), each on another key,
        4 MB in all; ValueError or ItemTooLarge otherwise. Raises ConditionFailed for the first
        operation whose expectation does not hold, or TransactionConflict.

        `request_token` (1 to 36 characters) makes a repeat within ten minutes of a success do
        nothing; RequestTokenReused where the operations are not the same.
        """

    @abstractmethod
    async def increment(
        self,
        key: Key,
        deltas: Mapping[str, int],
        *,
        ceilings: Mapping[str, int] | None = None,
        expires_at: datetime | None = None,
    ) -> Mapping[str, int]:
        """Adds to integer fields of an item and returns their new values.

        A missing field counts as 0, a missing item is created, other fields stay. Either all
        deltas are added or, where a positive one would take its field past its ceiling, none:
        CeilingReached for the first such field. An `expires_at` replaces the item's; None
        leaves it. Raises InvalidItem where a field holds something other than an integer.
        """

    @abstractmethod
    async def close(self) -> None:
        """Finishes the calls already made, refuses new ones; may be called again."""

    async def query_all(
        self,
        pk: str,
        *,
        sk: SkRange = ALL,
        page_size: int = 100,
        descending: bool = False,
        consistent: bool = False,
    ) -> AsyncIterator[Item]:
        """Yields every item of a query, fetching page after page."""
        token: str | None = None
        while True:
            page = await self.query(
                pk,
                sk=sk,
                limit=page_size,
                page_token=token,
                descending=descending,
                consistent=consistent,
            )
            for item in page.items:
                yield item
            token = page.next_page_token
            if token is None:
                return

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()
