"""google.longrunning.Operations over the runs of a tenant."""

from __future__ import annotations

import re
from typing import Any, Final, TypeAlias

import grpc
from google.longrunning import operations_pb2, operations_pb2_grpc
from google.protobuf import empty_pb2

from adwright_evaluator.messages import evaluation_to_pb, operation_of
from adwright_evaluator.runs.evaluations import Evaluations
from adwright_evaluator.runs.keeper import Keeper
from adwright_resources.operations import check_list_request, waited
from adwright_servicekit.call import current_tenant
from adwright_servicekit.errors import InvalidInput

__all__ = ["OperationsServicer"]

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"

_NAME: Final = re.compile(r"operations/evaluator-([a-z0-9-]{1,63})")


class OperationsServicer(operations_pb2_grpc.OperationsServicer):  # type: ignore[misc]
    """An operation is called as its run: `evaluations/X` is `operations/evaluator-X`."""

    def __init__(self, evaluations: Evaluations, keeper: Keeper) -> None:
        self._evaluations = evaluations
        self._keeper = keeper

    async def GetOperation(self, request: operations_pb2.GetOperationRequest, context: Context) -> Any:
        return await self._operation(current_tenant(), _id(request.name))

    async def ListOperations(self, request: operations_pb2.ListOperationsRequest, context: Context) -> Any:
        check_list_request(request)
        tenant = current_tenant()
        page, token = await self._evaluations.page(tenant, request.page_size, request.page_token)
        messages = [operation_of(evaluation_to_pb(each, await self._evaluations.counts(each))) for each in page]
        return operations_pb2.ListOperationsResponse(operations=messages, next_page_token=token)

    async def CancelOperation(
        self, request: operations_pb2.CancelOperationRequest, context: Context
    ) -> empty_pb2.Empty:
        tenant, evaluation = current_tenant(), _id(request.name)
        await self._evaluations.stop(tenant, evaluation)
        await self._keeper.cancel(tenant, evaluation)
        return empty_pb2.Empty()

    async def DeleteOperation(
        self, request: operations_pb2.DeleteOperationRequest, context: Context
    ) -> empty_pb2.Empty:
        tenant, evaluation = current_tenant(), _id(request.name)
        await self._evaluations.stop(tenant, evaluation)
        await self._keeper.cancel(tenant, evaluation)
        await self._evaluations.delete(tenant, evaluation)
        return empty_pb2.Empty()

    async def WaitOperation(self, request: operations_pb2.WaitOperationRequest, context: Context) -> Any:
        tenant, evaluation = current_tenant(), _id(request.name)
        return await waited(
            request,
            context.time_remaining(),
            lambda: self._operation(tenant, evaluation),
            lambda operation: bool(operation.done),
        )

    async def _operation(self, tenant: str, evaluation: str) -> Any:
        record = await self._evaluations.get(tenant, evaluation)
        return operation_of(evaluation_to_pb(record, await self._evaluations.counts(record)))


def _id(name: str) -> str:
    found = _NAME.fullmatch(name)
    if found is None:
        problem = f"{name!r} is no evaluation's operation" if name else "is missing"
        raise InvalidInput.of("name", f"{problem}: write operations/evaluator-ID", reason="INVALID_NAME")
    return found[1]
