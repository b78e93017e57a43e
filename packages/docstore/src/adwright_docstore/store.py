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
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import Self

from adwright_docstore import limits
from adwright_docstore.model import ALL, ANY, JSON, Delete, Expect, Item, Key, Op, Page, Put, SkRange

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
        bind: str = "",
    ) -> Page:
        """Returns the next page of a partition's items in the order of their sort keys.

        A page stops after `limit` items (1 to 1000) or about 1 MB. It may hold fewer, or none,
        and still carry a token. A token continues only the query it came from, though `limit`
        and `consistent` may differ; `bind` is whatever else makes it another query, a filter or
        a caller. Raises InvalidPageToken.
        """

    @abstractmethod
    async def write_many(self, ops: Iterable[Put | Delete]) -> None:
        """Writes and removes any number of items, each by itself and whatever was there before.

        For data that can be made again and that nobody locks: a Put starts at version 1 again.
        Of two operations on one key the later counts. Raises ValueError for an expectation other
        than ANY, InvalidItem, ItemTooLarge, before anything is written; StoreUnavailable where
        some may not be written, and then the same call may be made again.
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
    async def ready(self) -> None:
        """Reads once from the store, for the start of a service, which should fail at once.

        StoreUnavailable says in one sentence what is wrong and the remedy.
        """

    @abstractmethod
    async def _continued(self, pk: str, sk: SkRange, descending: bool, bind: str, last: str) -> str:
        """The token that continues a query after the sort key `last`."""

    @abstractmethod
    async def close(self) -> None:
        """Finishes the calls already made, refuses new ones; may be called again."""

    async def select(
        self,
        pk: str,
        *,
        where: Callable[[Item], bool],
        sk: SkRange = ALL,
        limit: int = 100,
        page_token: str | None = None,
        descending: bool = False,
        consistent: bool = False,
        bind: str = "",
        most_examined: int = 5000,
    ) -> Page:
        """A query that returns only items for which `where` holds; `bind` names the condition.

        Reads on until there are `limit` of them, or until about `most_examined` items were looked
        at: then the page holds fewer, or none, and carries a token. A token goes on after the last
        item that was looked at. Raises InvalidPageToken, and what `where` raises.
        """
        limits.check_query(pk, limit)
        if most_examined < 1:
            raise ValueError(f"most_examined must be at least 1, not {most_examined}")
        found: list[Item] = []
        size, examined, token = limit, 0, page_token
        while True:
            size = min(size, most_examined - examined, limits.MAX_PAGE_ITEMS)
            page = await self.query(
                pk, sk=sk, limit=size, page_token=token, descending=descending, consistent=consistent, bind=bind
            )
            token = page.next_page_token
            for item in page.items:
                if not where(item):
                    continue
                found.append(item)
                if len(found) == limit:
                    if item is not page.items[-1]:
                        token = await self._continued(pk, sk, descending, bind, item.key.sk)
                    return Page(found, token)
            # An empty page was as much work as a full one: its items had expired.
            examined += len(page.items) or size
            if token is None or examined >= most_examined:
                return Page(found, token)
            # Where few items match, larger pages; where many do, none is read in vain.
            size *= 2

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
