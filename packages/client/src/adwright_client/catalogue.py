"""Brands, products and exemplars: read, listed page by page, imported from files, deleted."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from adwright.context.v1 import context_service_pb2 as messages
from adwright.context.v1.resources_pb2 import Brand, Exemplar, Product
from adwright_servicekit.errors import InvalidInput
from adwright_servicekit.names import brand_name, child_name, parent_of

from ._caller import Caller
from .imports import ImportResult, Imports, ImportSource, OnProgress

if TYPE_CHECKING:
    # Of the stubs' types only: at run time there is one class for both kinds of channel.
    from adwright.context.v1.context_service_pb2_grpc import ContextServiceAsyncStub

__all__ = ["Brands", "Children", "exemplars", "products"]

M = TypeVar("M", bound=Product | Exemplar)

_PAGE = 200


class Brands:
    """The tenant's brands. Names are `brands/nordlys`, or `nordlys` for short."""

    def __init__(self, caller: Caller, stub: "ContextServiceAsyncStub", imports: Imports) -> None:
        self._caller = caller
        self._stub = stub
        self._imports = imports

    async def get(self, brand: str) -> Brand:
        """Raises NotFound."""
        request = messages.GetBrandRequest(name=brand_name(brand))
        return await self._caller.unary(self._stub.GetBrand, request, None)

    async def list(self, *, filter: str = "", deleted: bool = False) -> AsyncIterator[Brand]:
        """All brands by name, or those for which `filter` (AIP-160) holds; with `deleted` also deleted ones.

        Raises InvalidInput for a filter that cannot be read.
        """
        request = messages.ListBrandsRequest(page_size=_PAGE, filter=filter, show_deleted=deleted)
        async for brand in self._caller.listed(self._stub.ListBrands, request, "brands"):
            yield brand

    async def export(self, *, filter: str = "", timeout: float | None = None) -> AsyncIterator[bytes]:
        """All brands, or those for which `filter` holds, as whole lines of JSONL that can be imported again."""
        request = messages.ExportResourcesRequest(collection=messages.COLLECTION_BRANDS, filter=filter)
        async for part in self._caller.received(self._stub.ExportResources, request, timeout):
            yield part.data

    async def import_file(
        self,
        source: ImportSource,
        *,
        file_format: str = "",
        validate_only: bool = False,
        resume: str = "",
        on_progress: OnProgress | None = None,
        timeout: float | None = None,
    ) -> ImportResult:
        """Creates or replaces a brand a row. `file_format` is `csv` or `jsonl`; empty: as the suffix says.

        The rest is as in `Imports.run`.
        """
        return await self._imports.run(
            messages.COLLECTION_BRANDS,
            "",
            source,
            file_format=file_format,
            validate_only=validate_only,
            resume=resume,
            on_progress=on_progress,
            timeout=timeout,
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
    kind: messages.Collection.ValueType
    get: Any
    list: Any
    export: Any
    delete: Any
    undelete: Any
    get_request: Callable[..., Any]
    list_request: Callable[..., Any]
    delete_request: Callable[..., Any]
    undelete_request: Callable[..., Any]


class Children(Generic[M]):
    """What belongs to a brand. Names are full, or short ids along with a brand."""

    def __init__(self, caller: Caller, methods: _Methods, imports: Imports) -> None:
        self._caller = caller
        self._methods = methods
        self._imports = imports

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
        async for item in self._caller.listed(self._methods.list, request, self._methods.collection):
            yield item

    async def export(self, brand: str, *, filter: str = "", timeout: float | None = None) -> AsyncIterator[bytes]:
        """All of the brand's, or those for which `filter` holds, as whole lines of JSONL that can be imported again.

        Raises NotFound when there is no such brand, InvalidInput for a filter that cannot be read.
        """
        request = messages.ExportResourcesRequest(
            collection=self._methods.kind, parent=brand_name(brand), filter=filter
        )
        async for part in self._caller.received(self._methods.export, request, timeout):
            yield part.data

    async def import_file(
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
        """Creates or replaces one a row. `file_format` is `csv` or `jsonl`; empty: as the suffix says.

        The rest is as in `Imports.run`.
        """
        return await self._imports.run(
            self._methods.kind,
            brand_name(brand),
            source,
            file_format=file_format,
            validate_only=validate_only,
            resume=resume,
            on_progress=on_progress,
            timeout=timeout,
        )

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


def products(caller: Caller, stub: "ContextServiceAsyncStub", imports: Imports) -> Children[Product]:
    """The products of brands."""
    return Children(
        caller,
        _Methods(
            collection="products",
            kind=messages.COLLECTION_PRODUCTS,
            get=stub.GetProduct,
            list=stub.ListProducts,
            export=stub.ExportResources,
            delete=stub.DeleteProduct,
            undelete=stub.UndeleteProduct,
            get_request=messages.GetProductRequest,
            list_request=messages.ListProductsRequest,
            delete_request=messages.DeleteProductRequest,
            undelete_request=messages.UndeleteProductRequest,
        ),
        imports,
    )


def exemplars(caller: Caller, stub: "ContextServiceAsyncStub", imports: Imports) -> Children[Exemplar]:
    """The exemplars of brands."""
    return Children(
        caller,
        _Methods(
            collection="exemplars",
            kind=messages.COLLECTION_EXEMPLARS,
            get=stub.GetExemplar,
            list=stub.ListExemplars,
            export=stub.ExportResources,
            delete=stub.DeleteExemplar,
            undelete=stub.UndeleteExemplar,
            get_request=messages.GetExemplarRequest,
            list_request=messages.ListExemplarsRequest,
            delete_request=messages.DeleteExemplarRequest,
            undelete_request=messages.UndeleteExemplarRequest,
        ),
        imports,
    )
