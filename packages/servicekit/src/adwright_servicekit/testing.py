"""Parts for tests of services: real gRPC on loopback, spans kept in memory, errors read as a client reads them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import grpc
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from .call import TENANT_METADATA
from .channel import open_channel
from .errors import AdwrightError
from .scope import Identify
from .server import Server
from .settings import ServerSettings
from .status import code_of, from_rpc_error
from .telemetry import Telemetry

__all__ = ["RecordedTelemetry", "as_tenant", "expect_error", "served", "serving"]


class RecordedTelemetry(Telemetry):
    """Telemetry whose finished spans can be read from `spans`."""

    def __init__(self, service: str = "test") -> None:
        self.spans = InMemorySpanExporter()
        super().__init__(service, processors=[SimpleSpanProcessor(self.spans)])

    async def finished(self, count: int) -> tuple[ReadableSpan, ...]:
        """The finished spans once there are `count` of them: a client's span ends a little after its call."""
        for _ in range(200):
            if len(self.spans.get_finished_spans()) >= count:
                break
            await asyncio.sleep(0.01)
        return self.spans.get_finished_spans()


def as_tenant(tenant: str = "demo") -> tuple[tuple[str, str], ...]:
    """The metadata with which the gateway calls for `tenant`."""
    return ((TENANT_METADATA, tenant),)


@asynccontextmanager
async def serving(
    register: Callable[[grpc.aio.Server], None],
    services: Sequence[str],
    *,
    settings: ServerSettings | None = None,
    telemetry: Telemetry | None = None,
    identify: Identify | None = None,
) -> AsyncIterator[grpc.aio.Channel]:
    """Serves on a free loopback port, and gives a channel to it.

    ::

        async with serving(partial(add_XServicer_to_server, servicer), ["adwright.x.v1.X"]) as channel:
            await XStub(channel).GetY(request, metadata=as_tenant())
    """
    telemetry = telemetry or Telemetry("test")
    async with (
        served(register, services, settings=settings, telemetry=telemetry, identify=identify) as server,
        open_channel(server.address, telemetry) as channel,
    ):
        yield channel


@asynccontextmanager
async def served(
    register: Callable[[grpc.aio.Server], None],
    services: Sequence[str],
    *,
    settings: ServerSettings | None = None,
    telemetry: Telemetry | None = None,
    identify: Identify | None = None,
) -> AsyncIterator[Server]:
    """Serves on a free loopback port, and gives the server, whose `address` others can be told."""
    server = Server(
        "127.0.0.1:0", services, settings or ServerSettings.load({}), telemetry or Telemetry("test"), identify=identify
    )
    register(server.grpc)
    async with server:
        yield server


@asynccontextmanager
async def expect_error(code: grpc.StatusCode, reason: str) -> AsyncIterator[list[AdwrightError]]:
    """Asserts that the call inside ends in `code` with ErrorInfo of `reason`; the error is put into the list."""
    caught: list[AdwrightError] = []
    try:
        yield caught
    except grpc.aio.AioRpcError as error:
        caught.append(from_rpc_error(error, error.code(), error.details() or ""))
    assert caught, f"expected {code.name} {reason}, but the call went through"
    assert (code_of(caught[0]), caught[0].reason) == (code, reason), caught[0].message
    assert caught[0].message.strip(), "an error says in words what is wrong"
