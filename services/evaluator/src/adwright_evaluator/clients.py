"""What the evaluator asks of the other services, on behalf of the tenant whose run it is."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

import grpc

from adwright.context.v1 import context_service_pb2, context_service_pb2_grpc, resources_pb2
from adwright.gateway.v1 import ad_service_pb2, ad_service_pb2_grpc
from adwright.generator.v1 import generator_service_pb2 as generator_pb
from adwright.generator.v1 import generator_service_pb2_grpc
from adwright.type.v1.priority_pb2 import PRIORITY_BATCH
from adwright_servicekit.call import TENANT_METADATA
from adwright_servicekit.errors import AdwrightError, Internal, ResourceExhausted, Unauthenticated
from adwright_servicekit.status import from_rpc_error

__all__ = ["Clients", "usd"]

T = TypeVar("T")

_TIMEOUT: Final = 180.0
"""A batch waits for the backends' turn. Units: seconds."""
_PATIENCE: Final = 300.0
"""So long a call comes back to who is full. Units: seconds."""
_SHORTEST: Final = 0.2
_ROLES: Final[Mapping[str, Any]] = {
    "system": generator_pb.ChatMessage.ROLE_SYSTEM,
    "developer": generator_pb.ChatMessage.ROLE_SYSTEM,
    "user": generator_pb.ChatMessage.ROLE_USER,
    "assistant": generator_pb.ChatMessage.ROLE_ASSISTANT,
}


def usd(money: Any) -> float:
    """google.type.Money in dollars."""
    return float(money.units + money.nanos / 1e9)


class Clients:
    """Calls gateway and generator. Methods raise AdwrightError."""

    def __init__(self, gateway: grpc.aio.Channel, generator: grpc.aio.Channel) -> None:
        """Channels that show this service's secret."""
        self._ads = ad_service_pb2_grpc.AdServiceStub(gateway)
        self._context = context_service_pb2_grpc.ContextServiceStub(gateway)
        self._generator = generator_service_pb2_grpc.GeneratorServiceStub(generator)

    async def ad(self, tenant: str, request: ad_service_pb2.GenerateAdRequest) -> tuple[Any, Any, float]:
        """The `started` and `completed` of one generation, and the seconds that it took."""
        return await _patiently(lambda: self._ad(tenant, request))

    async def _ad(self, tenant: str, request: ad_service_pb2.GenerateAdRequest) -> tuple[Any, Any, float]:
        begun = time.monotonic()
        started = completed = None
        request.priority = PRIORITY_BATCH
        call = self._ads.GenerateAd(request, metadata=_for(tenant), timeout=_TIMEOUT)
        try:
            async for event in call:
                if event.HasField("started"):
                    started = event.started
                elif event.HasField("completed"):
                    completed = event.completed
        except grpc.aio.AioRpcError as error:
            raise _said(error) from error
        finally:
            call.cancel()
        if started is None or completed is None:
            raise Internal("the generation ended without a result", reason="GENERATION_INCOMPLETE")
        return started, completed, time.monotonic() - begun

    async def complete(
        self, tenant: str, messages: Sequence[Mapping[str, Any]], **options: Any
    ) -> tuple[generator_pb.CompleteTextResponse, float]:
        """A conversation gone on with, and the seconds that it took; `options` are fields of CompleteTextRequest."""
        request = generator_pb.CompleteTextRequest(
            messages=[
                generator_pb.ChatMessage(role=_ROLES[str(message["role"])], content=str(message["content"]))
                for message in messages
            ],
            priority=PRIORITY_BATCH,
            **options,
        )
        return await _patiently(lambda: self._complete(tenant, request))

    async def _complete(
        self, tenant: str, request: generator_pb.CompleteTextRequest
    ) -> tuple[generator_pb.CompleteTextResponse, float]:
        begun = time.monotonic()
        try:
            answer: generator_pb.CompleteTextResponse = await self._generator.CompleteText(
                request, metadata=_for(tenant), timeout=_TIMEOUT
            )
        except grpc.aio.AioRpcError as error:
            raise _said(error) from error
        return answer, time.monotonic() - begun

    async def backends(self, tenant: str) -> Sequence[generator_pb.BackendStatus]:
        """The generator's backends, in routing order."""
        try:
            answer = await self._generator.ListBackends(
                generator_pb.ListBackendsRequest(), metadata=_for(tenant), timeout=10
            )
        except grpc.aio.AioRpcError as error:
            raise _said(error) from error
        return list(answer.backends)

    async def brand(self, tenant: str, name: str) -> resources_pb2.Brand:
        """One brand."""
        request = context_service_pb2.GetBrandRequest(name=name)
        found: resources_pb2.Brand = await self._read(self._context.GetBrand, request, tenant)
        return found

    async def product(self, tenant: str, name: str) -> resources_pb2.Product:
        """One product."""
        request = context_service_pb2.GetProductRequest(name=name)
        found: resources_pb2.Product = await self._read(self._context.GetProduct, request, tenant)
        return found

    async def _read(self, method: Any, request: Any, tenant: str) -> Any:
        try:
            return await method(request, metadata=_for(tenant), timeout=10)
        except grpc.aio.AioRpcError as error:
            raise _said(error) from error


async def _patiently(ask: Callable[[], Awaitable[T]]) -> T:
    """Asks again where others say that they are full and when to come back: a run has time, and an error is no result.

    A quota that lasts for longer than a run will wait is told at once. What `ask` measures is the call that was
    answered, without those before it.
    """
    left = _PATIENCE
    while True:
        try:
            return await ask()
        except ResourceExhausted as error:
            if error.retry_after is None or error.retry_after > left:
                raise
            # Not all at the same moment.
            pause = max(_SHORTEST, error.retry_after) * random.uniform(1, 2)  # noqa: S311
            left -= pause
            await asyncio.sleep(pause)


def _for(tenant: str) -> tuple[tuple[str, str], ...]:
    return ((TENANT_METADATA, tenant),)


def _said(error: grpc.aio.AioRpcError) -> AdwrightError:
    said = from_rpc_error(error, error.code(), error.details() or "")
    if isinstance(said, Unauthenticated):
        return Unauthenticated(
            "the gateway does not know the evaluator: give both the same ADWRIGHT_SERVICE_SECRET", reason=said.reason
        )
    return said
