"""What one replica remembers of one brand, and how it learns what others wrote.

The brand and its exemplars are kept as they are, products as an index and as long as the cache has room. All of it is
led by the brand's change log, in one direction: read what was named there since the last look, from the store.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Iterable, Sequence
from datetime import datetime
from typing import Final

from adwright_docstore import Store

from . import changes, layout
from .kinds import BRAND, EXEMPLAR, PRODUCT, Kind, Name, Resource
from .lookup import read_live
from .metrics import ContextMetrics
from .product_index import BrandIndex
from .ranking import exemplar_texts
from .resource_cache import ResourceCache
from .retrieval.index import ProductIndex
from .retrieval.model import Document

__all__ = ["Shelf"]

_PAGE: Final = 1000
_BATCH: Final = 100


class Shelf:
    """The memory of one brand of one tenant. `refresh` and `read_index` are for one caller at a time."""

    def __init__(
        self,
        store: Store,
        cache: ResourceCache,
        index: BrandIndex,
        tenant: str,
        brand_id: str,
        now: Callable[[], datetime],
        metrics: ContextMetrics,
    ) -> None:
        self._store = store
        self._cache = cache
        self._tenant = tenant
        self._brand_id = brand_id
        self._now = now
        self._metrics = metrics
        self._looked: datetime | None = None
        self._seen: set[str] = set()
        self._looked_after = 0
        self._while_reading: set[Name] | None = None
        self.writes = 0
        """How often something was written to the brand in this process."""
        self.memory_bytes = 0
        """What it holds, nearly; the cache of resources is not its own."""
        self.index = index
        """Of the products; empty until `read_index`."""
        self.index_ready = False
        self.exemplars: dict[Name, Resource] = {}
        self._words = ProductIndex()

    def has_seen(self, since: datetime, writes: int) -> bool:
        """Whether the last look was begun at that time or later, after so many writes in this process."""
        return self._looked is not None and self._looked >= since and self._looked_after >= writes

    def likeness(self, brief: str, exemplars: Sequence[Name]) -> dict[Name, float]:
        """How near the texts of exemplars are to a brief by their words, 0 to 1."""
        near = self._words.likeness(brief, [name.id for name in exemplars])
        return {name: near.get(name.id, 0.0) for name in exemplars}

    async def refresh(self) -> None:
        """Reads what changed since the last look, or everything where that is too long ago."""
        started, writes = self._now(), self.writes
        if self._looked is None or started - self._looked > changes.RETENTION - 2 * changes.OVERLAP:
            self._metrics.looked("reload")
            await self._reload()
        else:
            self._metrics.looked("follow")
            await self._follow(self._looked)
        self._looked, self._looked_after = started, writes

    async def read_index(self, language: str) -> None:
        """Reads all products into the index; `refresh` may run meanwhile. `language` is the brand's default."""
        self._while_reading = set()
        try:
            await self.index.fill(language, self._all(PRODUCT))
            # What was written meanwhile may have been read before it was.
            while self._while_reading:
                names, self._while_reading = self._while_reading, set()
                await self._update_index(names)
            self.index_ready = True
            self._weigh()
        finally:
            self._while_reading = None

    async def _reload(self) -> None:
        self._cache.forget_brand(self._tenant, self._brand_id)
        self._seen = {change.key async for change in self._log(self._now())}
        self.exemplars, self._words = {}, ProductIndex()
        async for exemplar in self._all(EXEMPLAR):
            self._put(exemplar)
        self.index_ready = False
        self.index.clear()
        self._weigh()

    async def _follow(self, since: datetime) -> None:
        seen, names = set[str](), set[Name]()
        async for change in self._log(since):
            seen.add(change.key)
            if change.key not in self._seen:
                names.update(map(_name, change.names))
        self._cache.forget(self._tenant, names)
        exemplars = [name for name in names if name.kind is EXEMPLAR]
        found = await read_live(self._store, self._tenant, exemplars)
        for name in exemplars:
            if name in found:
                self._put(found[name])
            else:
                self.exemplars.pop(name, None)
                self._words.remove(name.id)
        products = {name for name in names if name.kind is PRODUCT}
        if self._while_reading is not None:
            self._while_reading |= products
        elif self.index_ready:
            await self._update_index(products)
        # Only now: a look that breaks off is made again.
        self._seen = seen
        if names:
            self._weigh()

    async def _update_index(self, names: Collection[Name]) -> None:
        for batch in _batches(sorted(names, key=str)):
            found = await read_live(self._store, self._tenant, batch)
            await self.index.update(found.values(), [name for name in batch if name not in found])

    def _put(self, exemplar: Resource) -> None:
        self.exemplars[exemplar.name] = exemplar
        tag = exemplar.content["language"]
        self._words.put(exemplar.name.id, Document((), [(tag, text) for text in exemplar_texts(exemplar.content)]))

    def _weigh(self) -> None:
        self.memory_bytes = (
            self.index.memory_bytes()
            + self._words.memory_bytes()
            + sum(map(ResourceCache.size_of, self.exemplars.values()))
        )

    async def _all(self, kind: Kind) -> AsyncIterator[Resource]:
        partition = layout.partition(self._tenant, kind, self._brand_id)
        pages = self._store.query_all(partition, sk=layout.sk_range(kind), page_size=_PAGE, consistent=True)
        async for item in pages:
            resource = layout.unpack(kind, self._brand_id, item)
            if not resource.deleted:
                yield resource

    async def _log(self, since: datetime) -> AsyncIterator[changes.Change]:
        async for change in changes.read_since(self._store, self._tenant, self._brand_id, since):
            yield change


def _name(text: str) -> Name:
    parts = text.split("/")
    kind = next((k for k in (PRODUCT, EXEMPLAR) if len(parts) == 4 and parts[2] == k.plural), BRAND)
    return Name.parse(kind, text)


def _batches(names: Sequence[Name]) -> Iterable[Sequence[Name]]:
    return (names[at : at + _BATCH] for at in range(0, len(names), _BATCH))
