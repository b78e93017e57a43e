"""The index of a brand's products, filled from the store; vectors come along, and are made where they are missing."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from functools import partial
from itertools import islice
from typing import Final, TypeVar

from adwright_docstore import StoreError
from adwright_encoder import Encoder

from .kinds import Name, Resource
from .retrieval.document import embedding_text, product_document
from .retrieval.index import ProductIndex
from .retrieval.model import Hit
from .vector_store import VectorStore, hash_of

__all__ = ["BrandIndex"]

_log = logging.getLogger(__name__)

T = TypeVar("T")

_PAGE: Final = 500
_AT_ONCE: Final = 16
"""So many texts are encoded at a time, 30 ms: so long a brief may have to wait for the encoder."""
_WAITED_FOR: Final = 256
"""So many missing vectors are made before the first answer (0.4 s); more are made while words alone decide."""


class BrandIndex:
    """A ProductIndex that is built on another thread, and searched on this one."""

    def __init__(self, vectors: VectorStore | None, encoder: Encoder | None, worker: Executor) -> None:
        """Without an encoder words alone decide. `worker` has one thread."""
        self._vectors = vectors
        self._encoder = encoder
        self._worker = worker
        self._index = ProductIndex(encoder)
        self._missing: dict[str, tuple[str, str]] = {}
        self.language = "und"
        """The brand's default, in which products speak where they do not say otherwise."""

    @property
    def state(self) -> str:
        """What decides: the version of the encoder, or `words`; it is part of the revision of an answer."""
        return "words" if self._encoder is None or self._missing else self._encoder.version

    @property
    def missing(self) -> int:
        """How many vectors are still to be made."""
        return len(self._missing)

    def __len__(self) -> int:
        return len(self._index)

    def memory_bytes(self) -> int:
        """What it holds, in bytes, nearly."""
        return self._index.memory_bytes()

    def clear(self) -> None:
        """Forgets everything."""
        self._index = ProductIndex(self._encoder)
        self._missing = {}

    async def fill(self, language: str, resources: AsyncIterator[Resource]) -> None:
        """Reads all products anew and replaces what was there at the end; `language` is the brand's default."""
        index, missing = ProductIndex(self._encoder), dict[str, tuple[str, str]]()
        self.language = language
        async for page in _pages(resources):
            vectors = await self._vectors.read(page) if self._vectors else {}
            for resource in page:
                if self._vectors and resource.name.id not in vectors:
                    missing[resource.name.id] = (hash_of(resource), embedding_text(resource.content))

            await self._off_loop(partial(_add, index, page, vectors, language))
        self._index, self._missing = index, missing
        if len(missing) <= _WAITED_FOR:
            await self.make_vectors()

    async def update(self, resources: Iterable[Resource], gone: Iterable[Name]) -> None:
        """Follows changes; `gone` are no longer there."""
        there = list(resources)
        texts = [embedding_text(resource.content) for resource in there]
        encoder = self._encoder
        made = await self._off_loop(lambda: encoder.encode_many(texts)) if encoder else [None] * len(there)
        for resource, vector in zip(there, made, strict=True):
            self._missing.pop(resource.name.id, None)
            self._index.put(resource.name.id, product_document(resource.content, self.language), vector)
        for name in gone:
            self._missing.pop(name.id, None)
            self._index.remove(name.id)
        if self._vectors:
            triples = [(r.name.id, hash_of(r), v) for r, v in zip(there, made, strict=True) if v is not None]
            await self._keep(triples, [name.id for name in gone])

    async def make_vectors(self) -> None:
        """Makes the vectors that are missing and keeps them in the store."""
        encoder = self._encoder
        while encoder and self._missing:
            batch = dict(islice(self._missing.items(), _AT_ONCE))
            vectors = await self._off_loop(partial(encoder.encode_many, [text for _, text in batch.values()]))
            triples = []
            for (identifier, wanted), vector in zip(batch.items(), vectors, strict=True):
                # It may have been changed meanwhile, and then it has got its vector from the change.
                if self._missing.get(identifier) is wanted:
                    self._index.put_vector(identifier, vector)
                    triples.append((identifier, wanted[0], vector))
            await self._keep(triples, [])
            for identifier, _, _ in triples:
                self._missing.pop(identifier, None)

    async def search(self, brief: str, languages: Sequence[str], limit: int) -> list[Hit]:
        """The products that answer the brief, the best first."""
        encoder = self._encoder
        if encoder is not None and not encoder.idle:
            # Off the loop, for it has to load, or to wait for a batch; what it finds is remembered for the search. An
            # idle one is faster here: another thread would take turns with this one for the interpreter.
            await asyncio.to_thread(encoder.encode, brief)
        return self._index.search(brief, languages=languages, limit=limit)

    async def _keep(self, triples: Sequence[tuple[str, str, bytes]], gone: Sequence[str]) -> None:
        if self._vectors is None:
            return
        try:
            await self._vectors.write(triples)
            await self._vectors.delete(gone)
        except StoreError as error:
            # They are in the index; the next replica makes them again.
            _log.warning("vectors could not be kept: %s", type(error).__name__)

    async def _off_loop(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._worker, work)


def _add(index: ProductIndex, page: Sequence[Resource], vectors: Mapping[str, bytes], language: str) -> None:
    for resource in page:
        index.put(resource.name.id, product_document(resource.content, language), vectors.get(resource.name.id))


async def _pages(resources: AsyncIterator[Resource]) -> AsyncIterator[list[Resource]]:
    page: list[Resource] = []
    async for resource in resources:
        page.append(resource)
        if len(page) == _PAGE:
            yield page
            page = []
    if page:
        yield page
