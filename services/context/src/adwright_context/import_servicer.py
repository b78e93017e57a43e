"""The part of ContextService that moves whole files: imports and exports."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, TypeAlias

import grpc

from adwright.context.v1 import context_service_pb2 as pb
from adwright.context.v1 import context_service_pb2_grpc
from adwright_servicekit.call import current_tenant
from adwright_servicekit.errors import InvalidInput

from .catalog import Catalog
from .export import export_lines
from .import_model import ImportReport
from .import_operations import ImportOperations
from .importing import import_file
from .kinds import BRAND, EXEMPLAR, PRODUCT, Kind, Name
from .operations_servicer import COLLECTIONS, FORMATS, id_of_operation, import_error, operation_message

__all__ = ["ImportServicer", "brand_id_of"]

Call: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"


class ImportServicer(context_service_pb2_grpc.ContextServiceServicer):
    """Serves the tenant that the call's metadata names."""

    def __init__(self, catalog: Catalog, operations: ImportOperations) -> None:
        self._catalog = catalog
        self._operations = operations

    async def ImportBrands(
        self, request_iterator: AsyncIterator[pb.ImportBrandsRequest], context: Call
    ) -> pb.ImportBrandsResponse:
        return pb.ImportBrandsResponse(**_fields(await self._import(BRAND, request_iterator)))

    async def ImportProducts(
        self, request_iterator: AsyncIterator[pb.ImportProductsRequest], context: Call
    ) -> pb.ImportProductsResponse:
        return pb.ImportProductsResponse(**_fields(await self._import(PRODUCT, request_iterator)))

    async def ImportExemplars(
        self, request_iterator: AsyncIterator[pb.ImportExemplarsRequest], context: Call
    ) -> pb.ImportExemplarsResponse:
        return pb.ImportExemplarsResponse(**_fields(await self._import(EXEMPLAR, request_iterator)))

    async def StartImport(self, request: pb.StartImportRequest, context: Call) -> Any:
        kind, config = COLLECTIONS[request.collection], request.config
        begun = await self._operations.start(
            current_tenant(),
            kind,
            brand_id_of(kind, config.parent, "config.parent"),
            FORMATS[config.file_format],
            validate_only=config.validate_only,
            request_id=request.request_id,
        )
        return await operation_message(self._operations, begun)

    async def UploadImport(self, request_iterator: AsyncIterator[pb.UploadImportRequest], context: Call) -> Any:
        first = await anext(request_iterator, None)
        if first is None or first.WhichOneof("part") != "start":
            raise InvalidInput.of("start", "must come in the first message", reason="UPLOAD_START_MISSING")
        start = first.start
        upload = await self._operations.resume(current_tenant(), id_of_operation(start.operation), start.offset)
        finished = False
        async for request in request_iterator:
            part = request.WhichOneof("part")
            if part == "start":
                raise InvalidInput.of("start", "comes once, in the first message", reason="UPLOAD_START_REPEATED")
            if finished:
                raise InvalidInput.of("finish", "must be the last message", reason="UPLOAD_FINISHED")
            if part == "data":
                await upload.take(request.data)
            finished = part == "finish"
        await (upload.finish() if finished else upload.pause())
        return await operation_message(self._operations, upload.operation)

    async def ListImportErrors(self, request: pb.ListImportErrorsRequest, context: Call) -> pb.ListImportErrorsResponse:
        problems, token = await self._operations.problems(
            current_tenant(), id_of_operation(request.operation), request.page_size, request.page_token
        )
        return pb.ListImportErrorsResponse(errors=map(import_error, problems), next_page_token=token)

    async def ExportResources(
        self, request: pb.ExportResourcesRequest, context: Call
    ) -> AsyncIterator[pb.ExportResourcesResponse]:
        kind = COLLECTIONS[request.collection]
        brand_id = brand_id_of(kind, request.parent)
        async for chunk in export_lines(self._catalog, current_tenant(), kind, brand_id, request.filter):
            yield pb.ExportResourcesResponse(data=chunk.data, exported_count=chunk.exported)

    async def _import(self, kind: Kind, requests: AsyncIterator[Any]) -> ImportReport:
        first = await anext(requests, None)
        if first is None or first.WhichOneof("part") != "config":
            raise InvalidInput.of("config", "must come in the first message", reason="IMPORT_CONFIG_MISSING")
        config: pb.ImportConfig = first.config
        return await import_file(
            self._catalog,
            current_tenant(),
            kind,
            brand_id_of(kind, config.parent, "config.parent"),
            FORMATS[config.file_format],
            _data(requests),
            validate_only=config.validate_only,
        )


def brand_id_of(kind: Kind, parent: str, field: str = "parent") -> str:
    """The id of the brand that `parent` names, empty for brands. Raises InvalidInput that names `field`."""
    if kind.in_brand:
        return Name.parse(BRAND, parent, field).id
    if parent:
        raise InvalidInput.of(field, "brands have no parent: leave it empty", reason="PARENT_INVALID")
    return ""


async def _data(requests: AsyncIterator[Any]) -> AsyncIterator[bytes]:
    async for request in requests:
        if request.WhichOneof("part") != "data":
            raise InvalidInput.of("config", "comes once, in the first message", reason="IMPORT_CONFIG_REPEATED")
        yield request.data


def _fields(report: ImportReport) -> dict[str, Any]:
    return {
        "imported_count": report.imported,
        "failed_count": report.failed,
        "errors": [import_error(problem) for problem in report.problems],
    }
