"""Brands, products and exemplars without async."""

from collections.abc import Iterator
from typing import Generic, TypeVar

from adwright.context.v1.resources_pb2 import Brand, Exemplar, Product

from ._loop import LoopThread
from .catalogue import Children
from .client import AsyncClient
from .imports import ImportResult, ImportSource, OnProgress, RowError

__all__ = ["SyncBrands", "SyncChildren", "SyncImports"]

M = TypeVar("M", bound=Product | Exemplar)


class SyncBrands:
    """The tenant's brands; see `Brands`."""

    def __init__(self, loop: LoopThread, client: AsyncClient) -> None:
        self._loop = loop
        self._brands = client.brands

    def get(self, brand: str) -> Brand:
        """Raises NotFound."""
        return self._loop.run(lambda: self._brands.get(brand))

    def list(self, *, filter: str = "", deleted: bool = False) -> Iterator[Brand]:
        """All brands by name, or those for which `filter` holds; with `deleted` also deleted ones."""
        return self._loop.iterate(self._brands.list(filter=filter, deleted=deleted))

    def export(self, *, filter: str = "", timeout: float | None = None) -> Iterator[bytes]:
        """All brands, or those for which `filter` holds, as whole lines of JSONL."""
        return self._loop.iterate(self._brands.export(filter=filter, timeout=timeout))

    def import_file(
        self,
        source: ImportSource,
        *,
        file_format: str = "",
        validate_only: bool = False,
        resume: str = "",
        on_progress: OnProgress | None = None,
        timeout: float | None = None,
    ) -> ImportResult:
        """Creates or replaces a brand a row; `on_progress` is called in the client's thread."""
        return self._loop.run(
            lambda: self._brands.import_file(
                source,
                file_format=file_format,
                validate_only=validate_only,
                resume=resume,
                on_progress=on_progress,
                timeout=timeout,
            )
        )

    def delete(self, brand: str, *, force: bool = False, etag: str = "") -> Brand:
        """Can be undone. Raises NotFound, FailedPrecondition, Conflict."""
        return self._loop.run(lambda: self._brands.delete(brand, force=force, etag=etag))

    def undelete(self, brand: str, *, etag: str = "") -> Brand:
        """Restores a deleted brand with all it had. Raises NotFound, FailedPrecondition, Conflict."""
        return self._loop.run(lambda: self._brands.undelete(brand, etag=etag))


class SyncChildren(Generic[M]):
    """What belongs to a brand; see `Children`."""

    def __init__(self, loop: LoopThread, children: Children[M]) -> None:
        self._loop = loop
        self._children = children

    def get(self, name: str, brand: str = "") -> M:
        """Raises NotFound."""
        return self._loop.run(lambda: self._children.get(name, brand))

    def list(self, brand: str, *, filter: str = "", deleted: bool = False) -> Iterator[M]:
        """All of the brand's by name, or those for which `filter` holds; with `deleted` also deleted ones."""
        return self._loop.iterate(self._children.list(brand, filter=filter, deleted=deleted))

    def export(self, brand: str, *, filter: str = "", timeout: float | None = None) -> Iterator[bytes]:
        """All of the brand's, or those for which `filter` holds, as whole lines of JSONL."""
        return self._loop.iterate(self._children.export(brand, filter=filter, timeout=timeout))

    def import_file(
        self,
        brand: str,
        source: ImportSource,
        *,
        file_format: str = "",
        validate_only: bool = False,
        resume: str = "",
        on_progress: OnProgress | None = None,
        timeout: float | None = None,
    ) -> ImportResult:
        """Creates or replaces one a row; `on_progress` is called in the client's thread."""
        return self._loop.run(
            lambda: self._children.import_file(
                brand,
                source,
                file_format=file_format,
                validate_only=validate_only,
                resume=resume,
                on_progress=on_progress,
                timeout=timeout,
            )
        )

    def delete(self, name: str, brand: str = "", *, etag: str = "") -> M:
        """Can be undone. Raises NotFound, FailedPrecondition, Conflict."""
        return self._loop.run(lambda: self._children.delete(name, brand, etag=etag))

    def undelete(self, name: str, brand: str = "", *, etag: str = "") -> M:
        """Restores what was deleted. Raises NotFound, FailedPrecondition, Conflict."""
        return self._loop.run(lambda: self._children.undelete(name, brand, etag=etag))


class SyncImports:
    """The caller's imports; see `Imports`."""

    def __init__(self, loop: LoopThread, client: AsyncClient) -> None:
        self._loop = loop
        self._imports = client.imports

    def errors(self, operation: str) -> Iterator[RowError]:
        """The rows that were refused, by line, up to 10,000. Raises NotFound."""
        return self._loop.iterate(self._imports.errors(operation))

    def cancel(self, operation: str) -> None:
        """Ends an import; rows that were written stay. Raises NotFound."""
        self._loop.run(lambda: self._imports.cancel(operation))
