"""Brands, products and exemplars without async."""

from collections.abc import Iterator
from typing import Generic, TypeVar

from adwright.context.v1.resources_pb2 import Brand, Exemplar, Product

from ._loop import LoopThread
from .catalogue import Children, ImportResult, ImportSource
from .client import AsyncClient

__all__ = ["SyncBrands", "SyncChildren"]

M = TypeVar("M", bound=Product | Exemplar)


class SyncBrands:
    """The tenant's brands; see `Brands`."""

    def __init__(self, loop: LoopThread, client: AsyncClient) -> None:
        self._loop = loop
        self._brands = client.brands

    def get(self, brand: str) -> Brand:
        """Raises NotFound."""
        return self._loop.run(lambda: self._brands.get(brand))

    def list(self) -> Iterator[Brand]:
        """All brands by name."""
        return self._loop.iterate(self._brands.list())

    def import_file(
        self,
        source: ImportSource,
        *,
        file_format: str = "",
        validate_only: bool = False,
        timeout: float | None = None,
    ) -> ImportResult:
        """Creates or replaces a brand a row."""
        return self._loop.run(
            lambda: self._brands.import_file(
                source, file_format=file_format, validate_only=validate_only, timeout=timeout
            )
        )

    def delete(self, brand: str, *, force: bool = False, etag: str = "") -> None:
        """Raises NotFound, FailedPrecondition, Conflict."""
        self._loop.run(lambda: self._brands.delete(brand, force=force, etag=etag))


class SyncChildren(Generic[M]):
    """What belongs to a brand; see `Children`."""

    def __init__(self, loop: LoopThread, children: Children[M]) -> None:
        self._loop = loop
        self._children = children

    def get(self, name: str, brand: str = "") -> M:
        """Raises NotFound."""
        return self._loop.run(lambda: self._children.get(name, brand))

    def list(self, brand: str) -> Iterator[M]:
        """All of the brand's by name."""
        return self._loop.iterate(self._children.list(brand))

    def import_file(
        self,
        brand: str,
        source: ImportSource,
        *,
        file_format: str = "",
        validate_only: bool = False,
        timeout: float | None = None,
    ) -> ImportResult:
        """Creates or replaces one a row."""
        return self._loop.run(
            lambda: self._children.import_file(
                brand, source, file_format=file_format, validate_only=validate_only, timeout=timeout
            )
        )

    def delete(self, name: str, brand: str = "", *, etag: str = "") -> None:
        """Raises NotFound, Conflict."""
        self._loop.run(lambda: self._children.delete(name, brand, etag=etag))
