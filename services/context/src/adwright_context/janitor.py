"""Removing for good the brands that were deleted and are due, with all they have.

Any replica may do it, and several at once: each step goes through only while the brand is still the deleted one that
was found. A brand is marked first, and then cannot be restored any more; whoever finds the mark goes on.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime

from adwright_docstore import Between, Check, ConditionFailed, Delete, Item, Store, StoreError, Version

from . import layout
from .brands import purge
from .changes import Now

__all__ = ["expunge_due", "run_janitor"]

_log = logging.getLogger(__name__)

_A_ROUND = 100


async def run_janitor(store: Store, now: Now, interval: float) -> None:
    """Removes what is due every `interval` seconds, until cancelled."""
    while True:
        await asyncio.sleep(interval)
        try:
            removed = await expunge_due(store, now())
        except StoreError as error:
            _log.warning("deleted brands could not be removed: %s", type(error).__name__)
        else:
            if removed:
                _log.info("removed %d brands that were deleted and are due", removed)


async def expunge_due(store: Store, now: datetime) -> int:
    """Removes up to a hundred brands that are due, the longest due first; returns how many."""
    # `~` sorts after the `#` that follows the time in a key.
    due = Between("0", f"{layout.stamp(now)}~")
    page = await store.query(layout.EXPUNGE_PARTITION, sk=due, limit=_A_ROUND, consistent=True)
    removed = 0
    for entry in page.items:
        try:
            removed += await _expunge(store, entry)
        except ConditionFailed:
            # It was restored, or another replica is at it.
            continue
    return removed


async def _expunge(store: Store, entry: Item) -> bool:
    tenant, brand_id = str(entry.data["tenant"]), str(entry.data["brand"])
    key = layout.deleted_key(tenant, brand_id)
    brand = await store.get(key)
    if brand is None or brand.data.get("expire_time") != entry.data["expire_time"]:
        # It was restored, and deleted again if it is there.
        await store.delete(entry.key)
        return False
    if not layout.is_being_expunged(brand):
        brand = await store.put(key, {**brand.data, layout.EXPUNGING: True}, expect=Version(brand.version))
    still = Check(key, Version(brand.version))
    await purge(store, tenant, brand_id, [still])
    await _forget(store, layout.vectors_partition(tenant, brand_id))
    await store.transact([Delete(key, still.expect), Delete(entry.key)])
    return True


async def _forget(store: Store, partition: str) -> None:
    while (page := await store.query(partition, limit=1000, consistent=True)).items:
        await store.write_many(Delete(item.key) for item in page.items)
