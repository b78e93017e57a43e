"""The brands that a replica has in memory: within a limit, each read once however many ask for it."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from adwright_docstore import Store
from adwright_encoder import Encoder
from adwright_servicekit.errors import Unavailable

from .kinds import Name
from .metrics import ContextMetrics
from .product_index import BrandIndex
from .resource_cache import ResourceCache
from .shelf import Shelf
from .single_flight import SingleFlight
from .vector_store import VectorStore

__all__ = ["Limits", "Shelves"]

_MOST_SHELVES: Final = 10_000


@dataclass(frozen=True, slots=True)
class Limits:
    """What the memory of a replica may be and take."""

    staleness: timedelta = timedelta(seconds=2)
    """How old an answer may be at most with regard to other replicas' writes."""
    index_bytes: int = 1024**3
    """Of all brands together; the one asked last always stays."""
    cache_bytes: int = 64 * 1024**2
    build_wait: float = 10.0
    """How long a call waits for an index that is being read. Units: seconds."""


class Shelves:
    """Brands in memory, by tenant and id; the ones asked least lately go first."""

    def __init__(
        self,
        store: Store,
        encoder: Encoder | None,
        metrics: ContextMetrics,
        now: Callable[[], datetime],
        limits: Limits | None = None,
    ) -> None:
        self._store = store
        self._encoder = encoder
        self._metrics = metrics
        self._now = now
        self._limits = limits or Limits()
        self._shelves: OrderedDict[tuple[str, str], Shelf] = OrderedDict()
        self._looking: SingleFlight[Shelf] = SingleFlight()
        self._building: SingleFlight[Shelf] = SingleFlight()
        self._encoding: SingleFlight[Shelf] = SingleFlight()
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="context index")
        self.resources = ResourceCache(store, self._limits.cache_bytes, metrics)

    def changed(self, tenant: str, brand_id: str) -> None:
        """Somebody in this process wrote to the brand: the next answer has it."""
        if shelf := self._shelves.get((tenant, brand_id)):
            shelf.writes += 1

    async def fresh(self, tenant: str, brand_id: str) -> Shelf:
        """The brand as it is, or was within the staleness. Whether there is such a brand, the resources tell."""
        key = (tenant, brand_id)
        shelf = self._shelves.get(key)
        if shelf is None:
            shelf = self._shelves[key] = self._new_shelf(tenant, brand_id)
        self._shelves.move_to_end(key)
        since, writes = self._now() - self._limits.staleness, shelf.writes
        while not shelf.has_seen(since, writes):
            # Who joins a look that was begun too early looks again.
            await self._looking.do(shelf, shelf.refresh)
            self._make_room()
        return shelf

    async def with_index(self, shelf: Shelf, brand: Name, language: str) -> BrandIndex:
        """The index of its products. Raises Unavailable while it takes too long to read."""
        if not shelf.index_ready or shelf.index.language != language:
            reading = self._building.begin(shelf, lambda: self._build(shelf, language))
            try:
                await asyncio.wait_for(asyncio.shield(reading), self._limits.build_wait)
            except TimeoutError:
                raise Unavailable(
                    f"the products of {brand} are being read into memory: name the products, or ask again soon",
                    reason="INDEX_BUILDING",
                    retry_after=5.0,
                ) from None
        self._metrics.lacks(shelf.index.missing)
        if shelf.index.missing:
            self._encoding.begin(shelf, shelf.index.make_vectors)
        return shelf.index

    def drop(self, tenant: str, brand_id: str) -> None:
        """Forgets a brand that is not there."""
        self._shelves.pop((tenant, brand_id), None)

    async def aclose(self) -> None:
        """Ends what is under way."""
        for flights in (self._looking, self._building, self._encoding):
            await flights.close()
        await self.resources.close()
        await asyncio.to_thread(self._worker.shutdown, cancel_futures=True)

    async def _build(self, shelf: Shelf, language: str) -> None:
        begun = time.perf_counter()
        await shelf.read_index(language)
        self._metrics.built(time.perf_counter() - begun)
        self._make_room()

    def _new_shelf(self, tenant: str, brand_id: str) -> Shelf:
        encoder = self._encoder
        vectors = VectorStore(self._store, tenant, brand_id, encoder.version) if encoder else None
        index = BrandIndex(vectors, encoder, self._worker)
        return Shelf(self._store, self.resources, index, tenant, brand_id, self._now, self._metrics)

    def _make_room(self) -> None:
        total = sum(shelf.memory_bytes for shelf in self._shelves.values())
        while len(self._shelves) > 1 and (total > self._limits.index_bytes or len(self._shelves) > _MOST_SHELVES):
            _, gone = self._shelves.popitem(last=False)
            total -= gone.memory_bytes
            self._metrics.evicted()
        self._metrics.holds(total)
