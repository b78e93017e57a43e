"""Resources that were read lately, bounded in bytes; the change log says which to forget."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from cachetools import LRUCache

from adwright_docstore import Store

from .kinds import Name, Resource
from .lookup import read_live
from .metrics import ContextMetrics
from .single_flight import SingleFlight

__all__ = ["ResourceCache"]

_OBJECTS_PER_BYTE: Final = 3
"""What a resource takes in memory as Python objects, by byte of its JSON; measured on the example data."""


class ResourceCache:
    """Of all tenants and brands. What is in it is as old as the last look at the change log of its brand."""

    def __init__(self, store: Store, max_bytes: int, metrics: ContextMetrics) -> None:
        self._store = store
        self._metrics = metrics
        self._kept: LRUCache[tuple[str, Name], Resource] = LRUCache(max_bytes, getsizeof=self.size_of)
        # How often something of a brand was forgotten: what was read before must not be kept after.
        self._epochs: Counter[tuple[str, str]] = Counter()
        self._reading: SingleFlight[tuple[str, int, tuple[Name, ...]]] = SingleFlight()

    async def get(self, tenant: str, names: Sequence[Name]) -> dict[Name, Resource]:
        """Those that are there and not deleted, all of one brand; the same question is asked of the store once."""
        found = {name: kept for name in names if (kept := self._kept.get((tenant, name))) is not None}
        missing = tuple(dict.fromkeys(name for name in names if name not in found))
        self._metrics.looked_up(hits=len(names) - len(missing), misses=len(missing))
        if missing:
            # Not of one that was begun before the last change: it may have read what was there before.
            question = (tenant, self._epochs[tenant, missing[0].brand_id], missing)
            found.update(await self._reading.do(question, lambda: self._read(tenant, missing)))
        return found

    def forget(self, tenant: str, names: Iterable[Name]) -> None:
        """Drops what has changed."""
        for name in names:
            self._epochs[tenant, name.brand_id] += 1
            self._kept.pop((tenant, name), None)

    def forget_brand(self, tenant: str, brand_id: str) -> None:
        """Drops everything of a brand."""
        gone = [key for key in self._kept if key[0] == tenant and key[1].brand_id == brand_id]
        self._epochs[tenant, brand_id] += 1
        for key in gone:
            self._kept.pop(key, None)

    async def close(self) -> None:
        """Ends what is being read."""
        await self._reading.close()

    @staticmethod
    def size_of(resource: Resource) -> int:
        """What a resource takes, in bytes, nearly."""
        return _OBJECTS_PER_BYTE * len(json.dumps(resource.content))

    async def _read(self, tenant: str, names: Sequence[Name]) -> Mapping[Name, Resource]:
        brand = (tenant, names[0].brand_id)
        epoch = self._epochs[brand]
        found = await read_live(self._store, tenant, names)
        if self._epochs[brand] == epoch:
            for name, resource in found.items():
                if self.size_of(resource) <= self._kept.maxsize:
                    self._kept[tenant, name] = resource
        return found
