"""The composition root: everything is built here, by constructor."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from adwright.context.v1 import context_service_pb2, context_service_pb2_grpc
from adwright_docstore import Store, StoreUnavailable, open_store
from adwright_servicekit.server import Server
from adwright_servicekit.settings import SettingsError
from adwright_servicekit.telemetry import Telemetry

from .assemble import Assembler
from .catalog import Catalog
from .convert import ProtoContract
from .servicer import ContextServicer
from .settings import ContextSettings, StoreSettings

__all__ = ["SERVICE", "build_catalog", "build_server", "open_configured_store", "serve", "utc_now"]

SERVICE = context_service_pb2.DESCRIPTOR.services_by_name["ContextService"].full_name


def utc_now() -> datetime:
    """The clock of the running service."""
    return datetime.now(UTC)


def open_configured_store(settings: StoreSettings) -> Store:
    """Opens the store that the settings name. Raises SettingsError where it cannot be had."""
    if settings.store == "dynamodb":
        raise SettingsError("ADWRIGHT_CONTEXT_STORE: dynamodb is not available yet: use sqlite")
    try:
        return open_store("sqlite", path=settings.sqlite_path)
    except StoreUnavailable as error:
        raise SettingsError(f"ADWRIGHT_CONTEXT_SQLITE_PATH: {error}") from error


def build_catalog(store: Store, now: Callable[[], datetime] = utc_now) -> Catalog:
    """The standard methods over a store."""
    return Catalog(store, ProtoContract(), now)


def build_server(settings: ContextSettings, telemetry: Telemetry, catalog: Catalog) -> Server:
    """The gRPC server, not yet started."""
    server = Server(settings.listen, [SERVICE], settings, telemetry)
    servicer = ContextServicer(catalog, Assembler(catalog))
    context_service_pb2_grpc.add_ContextServiceServicer_to_server(servicer, server.grpc)
    return server


async def serve(settings: ContextSettings, telemetry: Telemetry) -> None:
    """Serves until a signal."""
    async with open_configured_store(settings) as store:
        server = build_server(settings, telemetry, build_catalog(store))
        await server.start()
        await server.serve_until_signal()
