"""Emptying a brand that is not there: before its name is used anew, and when a deleted one is due.

What a brand has cannot be deleted in one transaction. So each part of it goes together with a check that
the brand is still not there, or still deleted: nothing of a brand that came back is ever lost.
"""

from __future__ import annotations

from collections.abc import Sequence

from adwright_docstore import Check, Delete, Store

from . import layout
from .kinds import PRODUCT

__all__ = ["purge"]

_BATCH = 90


async def purge(store: Store, tenant: str, brand_id: str, guards: Sequence[Check]) -> None:
    """Deletes every product and exemplar of a brand. Raises ConditionFailed where a guard does not hold."""
    partition = layout.partition(tenant, PRODUCT, brand_id)
    while True:
        # Always the first page: the one before is gone.
        page = await store.query(partition, limit=_BATCH, consistent=True)
        if page.items:
            await store.transact([*guards, *(Delete(item.key) for item in page.items)])
        if page.next_page_token is None:
            return
