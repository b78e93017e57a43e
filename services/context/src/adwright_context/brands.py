"""Emptying a brand.

A brand and what it has cannot be deleted in one transaction. So first goes what it has, then the
brand itself: a deletion that breaks off leaves a brand that can be deleted again. What slipped in
between has no brand and is seen by nobody; it goes when a brand of that name is created anew,
before its creator hears of it.
"""

from __future__ import annotations

from adwright_docstore import Delete, Store

from . import layout
from .kinds import PRODUCT

__all__ = ["purge"]

_BATCH = 100


async def purge(store: Store, tenant: str, brand_id: str) -> None:
    """Deletes every product and exemplar of a brand."""
    partition = layout.partition(tenant, PRODUCT, brand_id)
    while True:
        # Always the first page: the one before is gone.
        page = await store.query(partition, limit=_BATCH, consistent=True)
        if page.items:
            await store.transact([Delete(item.key) for item in page.items])
        if page.next_page_token is None:
            return
