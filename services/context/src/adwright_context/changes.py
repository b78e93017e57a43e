"""The change log of a brand: what was written, for those who keep copies of it.

Every write of a brand, product or exemplar adds an entry in the same transaction, under a key that
no other writer uses, so writers never wait for each other. Readers poll it: entries come in the
order of their writers' clocks, and an entry may appear behind one that is already there by as much
as the clocks differ and a transaction lasts. So a reader reads the last OVERLAP again each time.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from adwright_docstore import ABSENT, Between, Item, Key, Put, Store

from . import layout
from .kinds import Name

__all__ = ["OVERLAP", "RETENTION", "Change", "Now", "entry", "read_since"]

Now: TypeAlias = Callable[[], datetime]
"""A clock, of aware datetimes."""

OVERLAP: Final = timedelta(seconds=30)
"""The most by which two replicas' clocks and a transaction's duration may add up."""

RETENTION: Final = timedelta(hours=1)
"""Who has not looked for so long, less OVERLAP, reads everything anew."""


@dataclass(frozen=True, slots=True)
class Change:
    """What one transaction wrote; `key` tells entries apart."""

    key: str
    names: tuple[str, ...]


def entry(tenant: str, brand_id: str, names: Iterable[Name], now: datetime) -> Put:
    """The operation to add to a transaction that writes `names`, all of one brand."""
    key = Key(layout.changes_partition(tenant, brand_id), f"{layout.stamp(now)}#{secrets.token_hex(6)}")
    return Put(key, {"names": [str(name) for name in names]}, ABSENT, now + RETENTION)


async def read_since(store: Store, tenant: str, brand_id: str, since: datetime) -> AsyncIterator[Change]:
    """Yields the entries from OVERLAP before `since` on, in the order of their keys."""
    window = Between(layout.stamp(since - OVERLAP), "9")
    async for item in store.query_all(
        layout.changes_partition(tenant, brand_id), sk=window, page_size=1000, consistent=True
    ):
        yield _change(item)


def _change(item: Item) -> Change:
    names = item.data["names"]
    assert isinstance(names, list)
    return Change(item.key.sk, tuple(map(str, names)))
