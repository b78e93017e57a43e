"""google.longrunning.Operations over imports, and their messages."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final, TypeAlias

import grpc
from google.longrunning import operations_pb2, operations_pb2_grpc
from google.protobuf import empty_pb2
from google.rpc import code_pb2, status_pb2

from adwright.context.v1 import context_service_pb2 as pb
from adwright_resources.operations import check_list_request, waited
from adwright_servicekit.call import current_tenant
from adwright_servicekit.errors import InvalidInput
from adwright_servicekit.status import to_status

from .import_model import FileFormat, Problem
from .import_operations import ImportOperations
from .import_record import ImportOperation, Outcome
from .kinds import BRAND, EXEMPLAR, PRODUCT

__all__ = ["COLLECTIONS", "FORMATS", "OperationsServicer", "id_of_operation", "import_error", "operation_message"]

Call: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"

FORMATS: Final = {
    pb.ImportConfig.FILE_FORMAT_JSONL: FileFormat.JSONL,
    pb.ImportConfig.FILE_FORMAT_CSV: FileFormat.CSV,
}
COLLECTIONS: Final = {
    pb.COLLECTION_BRANDS: BRAND,
    pb.COLLECTION_PRODUCTS: PRODUCT,
    pb.COLLECTION_EXEMPLARS: EXEMPLAR,
}
_FORMAT_OF: Final = {file_format: value for value, file_format in FORMATS.items()}
_COLLECTION_OF: Final = {kind: value for value, kind in COLLECTIONS.items()}
_NAME: Final = re.compile(r"operations/(context-[a-z0-9-]{1,63})")
_SUMMARY_ERRORS: Final = 100


class OperationsServicer(operations_pb2_grpc.OperationsServicer):  # type: ignore[misc]
    """The imports of the tenant that the call's metadata names."""

    def __init__(self, operations: ImportOperations) -> None:
        self._operations = operations

    async def GetOperation(self, request: operations_pb2.GetOperationRequest, context: Call) -> Any:
        found = await self._operations.get(current_tenant(), id_of_operation(request.name))
        return await operation_message(self._operations, found)

    async def ListOperations(self, request: operations_pb2.ListOperationsRequest, context: Call) -> Any:
        check_list_request(request)
        page, token = await self._operations.list(current_tenant(), request.page_size, request.page_token)
        messages = [await operation_message(self._operations, found) for found in page]
        return operations_pb2.ListOperationsResponse(operations=messages, next_page_token=token)

    async def CancelOperation(self, request: operations_pb2.CancelOperationRequest, context: Call) -> empty_pb2.Empty:
        await self._operations.cancel(current_tenant(), id_of_operation(request.name))
        return empty_pb2.Empty()

    async def DeleteOperation(self, request: operations_pb2.DeleteOperationRequest, context: Call) -> empty_pb2.Empty:
        await self._operations.delete(current_tenant(), id_of_operation(request.name))
        return empty_pb2.Empty()

    async def WaitOperation(self, request: operations_pb2.WaitOperationRequest, context: Call) -> Any:
        """Until it has ended, at most the request's timeout or a minute."""
        tenant, operation_id = current_tenant(), id_of_operation(request.name)
        found = await waited(
            request,
            context.time_remaining(),
            lambda: self._operations.get(tenant, operation_id),
            lambda operation: operation.done,
        )
        return await operation_message(self._operations, found)


def id_of_operation(name: str) -> str:
    """`operations/context-…` → `context-…`. Raises InvalidInput."""
    found = _NAME.fullmatch(name)
    if found is None:
        problem = f"{name!r} is no import's name" if name else "is missing"
        raise InvalidInput.of("name", f"{problem}: write operations/context-ID", reason="INVALID_NAME")
    return found[1]


async def operation_message(operations: ImportOperations, found: ImportOperation) -> Any:
    """The google.longrunning.Operation of an import that was read for the tenant of this call."""
    message = operations_pb2.Operation(name=found.name, done=found.done)
    message.metadata.Pack(_metadata(found))
    match found.outcome:
        case Outcome.FINISHED:
            message.response.Pack(await _summary(operations, found))
        case Outcome.CANCELLED:
            words = "cancelled: the rows that were written stay"
            message.error.CopyFrom(status_pb2.Status(code=code_pb2.CANCELLED, message=words))
        case Outcome.REFUSED if found.refusal is not None:
            message.error.CopyFrom(to_status(found.refusal))
    return message


def import_error(problem: Problem) -> pb.ImportError:
    """The message of a refused row."""
    return pb.ImportError(line=problem.line, column=problem.column, field=problem.field, message=problem.message)


def _metadata(found: ImportOperation) -> pb.ImportMetadata:
    progress = found.progress
    metadata = pb.ImportMetadata(
        collection=_COLLECTION_OF[found.kind],
        config=pb.ImportConfig(
            parent=f"brands/{found.brand_id}" if found.kind.in_brand else "",
            file_format=_FORMAT_OF[found.file_format],
            validate_only=found.validate_only,
        ),
        committed_bytes=progress.place.offset,
        committed_crc32=progress.place.crc32,
        imported_count=progress.imported,
        failed_count=progress.failed,
    )
    metadata.create_time.FromDatetime(found.create_time)
    metadata.update_time.FromDatetime(found.update_time)
    metadata.expire_time.FromDatetime(found.expire_time)
    return metadata


async def _summary(operations: ImportOperations, found: ImportOperation) -> pb.ImportSummary:
    progress = found.progress
    problems: Sequence[Problem] = ()
    if progress.failed:
        problems, _ = await operations.problems(current_tenant(), found.id, _SUMMARY_ERRORS, "")
    return pb.ImportSummary(
        imported_count=progress.imported,
        failed_count=progress.failed,
        errors=[import_error(problem) for problem in problems],
    )
