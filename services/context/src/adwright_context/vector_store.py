"""Vectors of products beside the products: made once, read by every replica.

====================================  =========================  ====================
access                                partition key              sort key
====================================  =========================  ====================
write vectors; read those of a page   ``TENANT#vectors#BRAND``   ``ID``, from ... to
====================================  =========================  ====================

An item holds the ``vector`` (base64), the ``encoder`` that made it and the ``hash`` of the content it was made of:
whatever is wrong or missing is made anew, so nobody locks it, and nothing depends on it.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence

from adwright_docstore import Between, Delete, Item, Key, Put, Store

from . import layout
from .kinds import Resource

__all__ = ["VectorStore", "hash_of"]


def hash_of(resource: Resource) -> str:
    """The hash of its content, which its etag ends with."""
    return resource.etag.rpartition("-")[2]


class VectorStore:
    """The vectors of one brand."""

    def __init__(self, store: Store, tenant: str, brand_id: str, encoder: str) -> None:
        """`encoder` is the version of the encoder; vectors of another are not seen."""
        self._store = store
        self._partition = layout.vectors_partition(tenant, brand_id)
        self._encoder = encoder

    async def read(self, resources: Sequence[Resource]) -> Mapping[str, bytes]:
        """The vectors that fit, by id; `resources` are neighbours in the order of their ids."""
        if not resources:
            return {}
        wanted = {resource.name.id: hash_of(resource) for resource in resources}
        between = Between(min(wanted), max(wanted))
        found = {}
        async for item in self._store.query_all(self._partition, sk=between, page_size=1000):
            if item.data.get("encoder") == self._encoder and item.data.get("hash") == wanted.get(item.key.sk):
                found[item.key.sk] = _vector(item)
        return found

    async def write(self, vectors: Iterable[tuple[str, str, bytes]]) -> None:
        """Writes triples of id, hash and vector. Raises StoreUnavailable."""
        await self._store.write_many(
            Put(
                Key(self._partition, identifier),
                {"encoder": self._encoder, "hash": content, "vector": base64.b64encode(vector).decode()},
            )
            for identifier, content, vector in vectors
        )

    async def delete(self, identifiers: Iterable[str]) -> None:
        """Removes those of products that are gone. Raises StoreUnavailable."""
        await self._store.write_many(Delete(Key(self._partition, identifier)) for identifier in identifiers)


def _vector(item: Item) -> bytes:
    return base64.b64decode(str(item.data["vector"]))
