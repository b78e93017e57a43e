"""Brands, products and exemplars: read, listed page by page, imported from files, deleted."""

import io
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Generic, Protocol, TypeVar

from adwright.context.v1 import context_service_pb2 as messages
from adwright.context.v1.context_service_pb2 import ImportConfig
from adwright.context.v1.resources_pb2 import Brand, Exemplar, Product
from adwright_servicekit.errors import InvalidInput
from adwright_servicekit.names import brand_name, child_name, parent_of

from ._caller import Caller

if TYPE_CHECKING:
    # Of the stubs' types only: at run time there is one class for both kinds of channel.
    from adwright.context.v1.context_service_pb2_grpc import ContextServiceAsyncStub

__all__ = ["Brands", "Children", "ImportResult", "ImportSource", "RowError", "exemplars", "products"]

M = TypeVar("M", bound=Product | Exemplar)

ImportSource = str | Path | bytes | BinaryIO
"""A path, the bytes themselves, or an open binary file."""

_CHUNK = 256 * 1024
_PAGE = 200
_FORMATS = {"jsonl": ImportConfig.FILE_FORMAT_JSONL, "csv": ImportConfig.FILE_FORMAT_CSV}


@dataclass(frozen=True, slots=True)
class RowError:
    """What is wrong with one row of an imported file."""

    line: int
    """The line the row starts on, counted from 1."""
    field: str
    """Empty when the row itself cannot be read."""
    message: str


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What became of the rows of an imported file."""

    imported: int
    failed: int
    errors: tuple[RowError, ...]
    """The first 100 of those that failed."""


class _ImportResponse(Protocol):
    imported_count: int
    failed_count: int
    errors: Any


class Brands:
    """The tenant's brands. Names are `brands/nordlys`, or `nordlys` for short."""

    def __init__(self, caller: Caller, stub: "ContextServiceAsyncStub") -> None:
        self._caller = caller
        self._stub = stub

    async def get(self, brand: str) -> Brand:
        """Raises NotFound."""
        request = messages.GetBrandRequest(name=brand_name(brand))
        return await self._caller.unary(self._stub.GetBrand, request, None)

    async def list(self, *, filter: str = "", deleted: bool = False) -> AsyncIterator[Brand]:
        """All brands by name, or those for which `filter` (AIP-160) holds; with `deleted` also deleted ones.

        Raises InvalidInput for a filter that cannot be read.
        """
        request = messages.ListBrandsRequest(page_size=_PAGE, filter=filter, show_deleted=deleted)
        while True:
            page = await self._caller.unary(self._stub.ListBrands, request, None)
            for brand in page.brands:
                yield brand
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    async def import_file(
        self,
        source: ImportSource,
        *,
        file_format: str = "",
        validate_only: bool = False,
        timeout: float | None = None,
    ) -> ImportResult:
        """Creates or replaces a brand a row. `file_format` is `csv` or `jsonl`; empty: as the suffix says."""
        config = ImportConfig(file_format=_file_format(source, file_format), validate_only=validate_only)
        return await _upload(
            self._caller, self._stub.ImportBrands, messages.ImportBrandsRequest, config, source, timeout
        )

    async def delete(self, brand: str, *, force: bool = False, etag: str = "") -> Brand:
        """Can be undone until the `expire_time` of what it returns. With `force` also all that belongs to it.

        Raises NotFound, FailedPrecondition, Conflict.
        """
        request = messages.DeleteBrandRequest(name=brand_name(brand), force=force, etag=etag)
        return await self._caller.unary(self._stub.DeleteBrand, request, None)

    async def undelete(self, brand: str, *, etag: str = "") -> Brand:
        """Restores a deleted brand with all it had. Raises NotFound, FailedPrecondition, Conflict."""
        request = messages.UndeleteBrandRequest(name=brand_name(brand), etag=etag)
        return await self._caller.unary(self._stub.UndeleteBrand, request, None)


@dataclass(frozen=True, slots=True)
class _Methods:
    """The calls and messages of one kind of child; they differ in name only."""

    collection: str
    get: Any
    list: Any
    upload: Any
    delete: Any
    undelete: Any
    get_request: Callable[..., Any]
    list_request: Callable[..., Any]
    import_request: Callable[..., Any]
    delete_request: Callable[..., Any]
    undelete_request: Callable[..., Any]


class Children(Generic[M]):
    """What belongs to a brand. Names are full, or short ids along with a brand."""

    def __init__(self, caller: Caller, methods: _Methods) -> None:
        self._caller = caller
        self._methods = methods

    async def get(self, name: str, brand: str = "") -> M:
        """Raises NotFound."""
        request = self._methods.get_request(name=self._full_name(name, brand))
        found: M = await self._caller.unary(self._methods.get, request, None)
        return found

    async def list(self, brand: str, *, filter: str = "", deleted: bool = False) -> AsyncIterator[M]:
        """All of the brand's by name, or those for which `filter` (AIP-160) holds; with `deleted` also deleted ones.

        Raises NotFound when there is no such brand, InvalidInput for a filter that cannot be read.
        """
        request = self._methods.list_request(
            parent=brand_name(brand), page_size=_PAGE, filter=filter, show_deleted=deleted
        )
        while True:
            page: Any = await self._caller.unary(self._methods.list, request, None)
            for item in getattr(page, self._methods.collection):
                yield item
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    async def import_file(
        self,
        brand: str,
        source: ImportSource,
        *,
        file_format: str = "",
        validate_only: bool = False,
        timeout: float | None = None,
    ) -> ImportResult:
        """Creates or replaces one a row. `file_format` is `csv` or `jsonl`; empty: as the suffix says."""
        config = ImportConfig(
            parent=brand_name(brand),
            file_format=_file_format(source, file_format),
            validate_only=validate_only,
        )
        return await _upload(self._caller, self._methods.upload, self._methods.import_request, config, source, timeout)

    async def delete(self, name: str, brand: str = "", *, etag: str = "") -> M:
        """Can be undone until the `expire_time` of what it returns. Raises NotFound, FailedPrecondition, Conflict."""
        request = self._methods.delete_request(name=self._full_name(name, brand), etag=etag)
        gone: M = await self._caller.unary(self._methods.delete, request, None)
        return gone

    async def undelete(self, name: str, brand: str = "", *, etag: str = "") -> M:
        """Restores what was deleted. Raises NotFound, FailedPrecondition, Conflict."""
        request = self._methods.undelete_request(name=self._full_name(name, brand), etag=etag)
        back: M = await self._caller.unary(self._methods.undelete, request, None)
        return back

    def _full_name(self, name: str, brand: str) -> str:
        field = self._methods.collection.removesuffix("s")
        if not brand and "/" not in name:
            raise InvalidInput.of(field, f"'{name}' is short: say which brand, or give the full name")
        parent = brand_name(brand) if brand else parent_of(name)
        full = child_name(parent, self._methods.collection, name, field)
        if parent_of(full) != parent:
            raise InvalidInput.of(field, f"'{full}' does not belong to {parent}")
        return full


def products(caller: Caller, stub: "ContextServiceAsyncStub") -> Children[Product]:
    """The products of brands."""
    return Children(
        caller,
        _Methods(
            collection="products",
            get=stub.GetProduct,
            list=stub.ListProducts,
            upload=stub.ImportProducts,
            delete=stub.DeleteProduct,
            undelete=stub.UndeleteProduct,
            get_request=messages.GetProductRequest,
            list_request=messages.ListProductsRequest,
            import_request=messages.ImportProductsRequest,
            delete_request=messages.DeleteProductRequest,
            undelete_request=messages.UndeleteProductRequest,
        ),
    )


def exemplars(caller: Caller, stub: "ContextServiceAsyncStub") -> Children[Exemplar]:
    """The exemplars of brands."""
    return Children(
        caller,
        _Methods(
            collection="exemplars",
            get=stub.GetExemplar,
            list=stub.ListExemplars,
            upload=stub.ImportExemplars,
            delete=stub.DeleteExemplar,
            undelete=stub.UndeleteExemplar,
            get_request=messages.GetExemplarRequest,
            list_request=messages.ListExemplarsRequest,
            import_request=messages.ImportExemplarsRequest,
            delete_request=messages.DeleteExemplarRequest,
            undelete_request=messages.UndeleteExemplarRequest,
        ),
    )


async def _upload(
    caller: Caller,
    method: Any,
    request: Callable[..., Any],
    config: ImportConfig,
    source: ImportSource,
    timeout: float | None,
) -> ImportResult:
    def requests() -> Iterator[Any]:
        yield request(config=config)
        for chunk in _chunks(source):
            yield request(data=chunk)

    response: _ImportResponse = await caller.upload(method, requests(), timeout)
    errors = tuple(RowError(row.line, row.field, row.message) for row in response.errors)
    return ImportResult(response.imported_count, response.failed_count, errors)


def _chunks(source: ImportSource) -> Iterator[bytes]:
    if isinstance(source, str | Path):
        with Path(source).open("rb") as opened:
            yield from _chunks(opened)
        return
    file = io.BytesIO(source) if isinstance(source, bytes) else source
    while chunk := file.read(_CHUNK):
        yield chunk


def _file_format(source: ImportSource, name: str) -> ImportConfig.FileFormat.ValueType:
    if not name:
        path = source if isinstance(source, str | Path) else getattr(source, "name", "")
        name = Path(path).suffix.removeprefix(".") if isinstance(path, str | Path) else ""
    try:
        return _FORMATS[name.lower()]
    except KeyError:
        said = f"'{name}' is neither" if name else "the file's name does not say"
        raise InvalidInput.of("file_format", f"{said}: expected csv or jsonl") from None
