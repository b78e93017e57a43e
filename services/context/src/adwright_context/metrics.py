"""What the context service counts."""

from __future__ import annotations

from opentelemetry.metrics import Meter

__all__ = ["ContextMetrics"]


class ContextMetrics:
    """The instruments, made once; nothing in them names a tenant, a brand or a text."""

    def __init__(self, meter: Meter) -> None:
        self._lookups = meter.create_counter(
            "adwright.context.cache.lookups", "1", "Resources that AssembleContext asked the cache for, by `result`."
        )
        self._looks = meter.create_counter(
            "adwright.context.log.looks", "1", "Looks at the change log of a brand, and complete readings, by `kind`."
        )
        self._builds = meter.create_histogram(
            "adwright.context.index.build.duration", "s", "How long it took to read the index of a brand."
        )
        self._evictions = meter.create_counter(
            "adwright.context.shelf.evictions", "1", "Brands that were forgotten to keep within the memory limit."
        )
        self._bytes = meter.create_gauge(
            "adwright.context.shelf.memory", "By", "What the brands in memory take, without the cache of resources."
        )

        self._lacking = meter.create_gauge(
            "adwright.context.vectors.missing", "{product}", "Products of the brand asked last that have no vector yet."
        )

    def lacks(self, vectors: int) -> None:
        """Notes how many vectors are still to be made."""
        self._lacking.set(vectors)

    def looked_up(self, *, hits: int, misses: int) -> None:
        """Counts what the cache was asked for."""
        if hits:
            self._lookups.add(hits, {"result": "hit"})
        if misses:
            self._lookups.add(misses, {"result": "miss"})

    def looked(self, kind: str) -> None:
        """Counts a look at a brand's change log: `follow`, or `reload` of everything."""
        self._looks.add(1, {"kind": kind})

    def built(self, seconds: float) -> None:
        """Notes how long an index took."""
        self._builds.record(seconds)

    def evicted(self) -> None:
        """Counts a brand that had to go."""
        self._evictions.add(1)

    def holds(self, memory_bytes: int) -> None:
        """Notes what the brands in memory take."""
        self._bytes.set(memory_bytes)
