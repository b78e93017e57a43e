"""ContextService: translates between messages and the domain, and nothing else."""

from __future__ import annotations

from typing import Any, TypeAlias, TypeVar, cast

import grpc

from adwright.context.v1 import context_service_pb2 as pb
from adwright.context.v1 import resources_pb2
from adwright_servicekit.call import current_tenant

from .assemble import Assembler, AssembleRequest
from .catalog import Catalog
from .convert import Message, content_of, to_message
from .deletion import Deletion
from .import_operations import ImportOperations
from .import_servicer import ImportServicer, brand_id_of
from .kinds import BRAND, EXEMPLAR, PRODUCT, Kind, Name

__all__ = ["ContextServicer"]

M = TypeVar("M", bound=Message)
Call: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"


class ContextServicer(ImportServicer):
    """Serves the tenant that the call's metadata names."""

    def __init__(self, catalog: Catalog, assembler: Assembler, operations: ImportOperations) -> None:
        super().__init__(catalog, operations)
        self._assembler = assembler
        self._deletion = Deletion(catalog)

    async def AssembleContext(self, request: pb.AssembleContextRequest, context: Call) -> pb.AssembleContextResponse:
        found = await self._assembler.assemble(
            current_tenant(),
            AssembleRequest(
                brand=Name.parse(BRAND, request.brand, "brand"),
                products=[
                    Name.parse(PRODUCT, name, f"products[{index}]") for index, name in enumerate(request.products)
                ],
                ad_format=request.format,
                language=request.language,
                brief=request.brief,
                token_budget=request.token_budget,
            ),
        )
        return pb.AssembleContextResponse(
            context=resources_pb2.PromptContext(
                brand=cast(resources_pb2.Brand, to_message(found.brand)),
                products=[
                    resources_pb2.ChosenProduct(
                        product=cast(resources_pb2.Product, to_message(chosen.resource)),
                        score=chosen.score,
                        reason=chosen.reason,
                    )
                    for chosen in found.products
                ],
                exemplars=[
                    resources_pb2.ChosenExemplar(
                        exemplar=cast(resources_pb2.Exemplar, to_message(chosen.resource)),
                        score=chosen.score,
                        reason=chosen.reason,
                    )
                    for chosen in found.exemplars
                ],
                language=found.language,
                revision=found.revision,
                token_estimate=found.token_estimate,
                omitted=found.omitted,
            )
        )

    async def CreateBrand(self, request: pb.CreateBrandRequest, context: Call) -> resources_pb2.Brand:
        return await self._create(BRAND, "", request.brand_id, request.brand, request)

    async def GetBrand(self, request: pb.GetBrandRequest, context: Call) -> resources_pb2.Brand:
        return cast(resources_pb2.Brand, await self._get(BRAND, request.name))

    async def ListBrands(self, request: pb.ListBrandsRequest, context: Call) -> pb.ListBrandsResponse:
        brands, token = await self._list(BRAND, "", request)
        return pb.ListBrandsResponse(brands=brands, next_page_token=token)

    async def UpdateBrand(self, request: pb.UpdateBrandRequest, context: Call) -> resources_pb2.Brand:
        return await self._update(BRAND, request.brand, request)

    async def DeleteBrand(self, request: pb.DeleteBrandRequest, context: Call) -> resources_pb2.Brand:
        return cast(resources_pb2.Brand, await self._delete(BRAND, request, force=request.force))

    async def UndeleteBrand(self, request: pb.UndeleteBrandRequest, context: Call) -> resources_pb2.Brand:
        return cast(resources_pb2.Brand, await self._undelete(BRAND, request))

    async def CreateProduct(self, request: pb.CreateProductRequest, context: Call) -> resources_pb2.Product:
        return await self._create(PRODUCT, request.parent, request.product_id, request.product, request)

    async def GetProduct(self, request: pb.GetProductRequest, context: Call) -> resources_pb2.Product:
        return cast(resources_pb2.Product, await self._get(PRODUCT, request.name))

    async def ListProducts(self, request: pb.ListProductsRequest, context: Call) -> pb.ListProductsResponse:
        products, token = await self._list(PRODUCT, request.parent, request)
        return pb.ListProductsResponse(products=products, next_page_token=token)

    async def UpdateProduct(self, request: pb.UpdateProductRequest, context: Call) -> resources_pb2.Product:
        return await self._update(PRODUCT, request.product, request)

    async def DeleteProduct(self, request: pb.DeleteProductRequest, context: Call) -> resources_pb2.Product:
        return cast(resources_pb2.Product, await self._delete(PRODUCT, request))

    async def UndeleteProduct(self, request: pb.UndeleteProductRequest, context: Call) -> resources_pb2.Product:
        return cast(resources_pb2.Product, await self._undelete(PRODUCT, request))

    async def CreateExemplar(self, request: pb.CreateExemplarRequest, context: Call) -> resources_pb2.Exemplar:
        return await self._create(EXEMPLAR, request.parent, request.exemplar_id, request.exemplar, request)

    async def GetExemplar(self, request: pb.GetExemplarRequest, context: Call) -> resources_pb2.Exemplar:
        return cast(resources_pb2.Exemplar, await self._get(EXEMPLAR, request.name))

    async def ListExemplars(self, request: pb.ListExemplarsRequest, context: Call) -> pb.ListExemplarsResponse:
        exemplars, token = await self._list(EXEMPLAR, request.parent, request)
        return pb.ListExemplarsResponse(exemplars=exemplars, next_page_token=token)

    async def UpdateExemplar(self, request: pb.UpdateExemplarRequest, context: Call) -> resources_pb2.Exemplar:
        return await self._update(EXEMPLAR, request.exemplar, request)

    async def DeleteExemplar(self, request: pb.DeleteExemplarRequest, context: Call) -> resources_pb2.Exemplar:
        return cast(resources_pb2.Exemplar, await self._delete(EXEMPLAR, request))

    async def UndeleteExemplar(self, request: pb.UndeleteExemplarRequest, context: Call) -> resources_pb2.Exemplar:
        return cast(resources_pb2.Exemplar, await self._undelete(EXEMPLAR, request))

    async def _create(self, kind: Kind, parent: str, identifier: str, message: M, request: Any) -> M:
        full = f"{parent}/{kind.plural}/{identifier}" if kind.in_brand else f"brands/{identifier}"
        made = await self._catalog.create(
            current_tenant(),
            Name.parse(kind, full, f"{kind.singular}_id"),
            content_of(message),
            validate_only=request.validate_only,
            request_id=request.request_id,
        )
        return cast(M, to_message(made))

    async def _get(self, kind: Kind, name: str) -> Message:
        return to_message(await self._catalog.get(current_tenant(), Name.parse(kind, name)))

    async def _list(self, kind: Kind, parent: str, request: Any) -> tuple[list[Any], str]:
        listing = await self._catalog.list(
            current_tenant(),
            kind,
            brand_id_of(kind, parent),
            page_size=request.page_size,
            page_token=request.page_token,
            filter_text=request.filter,
            show_deleted=request.show_deleted,
        )
        return [to_message(resource) for resource in listing.resources], listing.next_page_token

    async def _update(self, kind: Kind, message: M, request: Any) -> M:
        changed = await self._catalog.update(
            current_tenant(),
            Name.parse(kind, message.name, f"{kind.singular}.name"),
            content_of(message),
            paths=list(request.update_mask.paths),
            etag=message.etag,
            validate_only=request.validate_only,
            request_id=request.request_id,
        )
        return cast(M, to_message(changed))

    async def _delete(self, kind: Kind, request: Any, *, force: bool = False) -> Message:
        name = Name.parse(kind, request.name)
        return to_message(
            await self._deletion.delete(
                current_tenant(), name, etag=request.etag, force=force, request_id=request.request_id
            )
        )

    async def _undelete(self, kind: Kind, request: Any) -> Message:
        name = Name.parse(kind, request.name)
        return to_message(
            await self._deletion.undelete(current_tenant(), name, etag=request.etag, request_id=request.request_id)
        )
