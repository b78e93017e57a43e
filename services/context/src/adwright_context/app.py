"""The composition root: everything is built here, by constructor."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from datetime import datetime, timedelta
from typing import Final

import grpc
from google.longrunning import operations_pb2, operations_pb2_grpc
from opentelemetry.metrics import Meter

from adwright.context.v1 import context_service_pb2, context_service_pb2_grpc
from adwright_docstore import Store
from adwright_encoder import CachedEncoder, Encoder, PackagedEncoder
from adwright_resources.stores import utc_now
from adwright_servicekit.server import Server
from adwright_servicekit.telemetry import Telemetry

from .assemble import Assembler
from .catalog import Catalog
from .convert import ProtoContract
from .import_operations import ImportOperations
from .janitor import run_janitor
from .metrics import ContextMetrics
from .operations_servicer import OperationsServicer
from .servicer import ContextServicer
from .settings import ContextSettings
from .shelves import Limits, Shelves

__all__ = [
    "SERVICES",
    "build_catalog",
    "build_server",
    "build_shelves",
    "register",
    "serve",
]

SERVICES: Final = (
    context_service_pb2.DESCRIPTOR.services_by_name["ContextService"].full_name,
    operations_pb2.DESCRIPTOR.services_by_name["Operations"].full_name,
)
_JANITOR_SECONDS = 600.0


def build_catalog(store: Store, now: Callable[[], datetime] = utc_now) -> Catalog:
    """The standard methods over a store."""
    return Catalog(store, ProtoContract(), now)


def build_shelves(
    catalog: Catalog, meter: Meter, *, encoder: Encoder | None = None, limits: Limits | None = None
) -> Shelves:
    """What a replica remembers of brands; it hears at once of what the catalog writes. To be closed."""
    shelves = Shelves(catalog.store, encoder, ContextMetrics(meter), catalog.now, limits)
    catalog.on_change.append(shelves.changed)
    return shelves


def build_server(settings: ContextSettings, telemetry: Telemetry, catalog: Catalog, shelves: Shelves) -> Server:
    """The gRPC server, not yet started."""
    server = Server(settings.listen, SERVICES, settings, telemetry)
    register(server.grpc, catalog, shelves)
    return server


def register(server: grpc.aio.Server, catalog: Catalog, shelves: Shelves) -> None:
    """Adds SERVICES to a server."""
    operations = ImportOperations(catalog)
    context_service_pb2_grpc.add_ContextServiceServicer_to_server(
        ContextServicer(catalog, Assembler(catalog, shelves), operations), server
    )
    operations_pb2_grpc.add_OperationsServicer_to_server(OperationsServicer(operations), server)


async def serve(settings: ContextSettings, telemetry: Telemetry) -> None:
    """Serves until a signal."""
    async with await settings.place.open() as store:
        catalog = build_catalog(store)
        encoder = CachedEncoder(PackagedEncoder()) if settings.embeddings == "packaged" else None
        limits = Limits(
            staleness=timedelta(seconds=settings.max_staleness),
            index_bytes=settings.index_mb * 1024**2,
            cache_bytes=settings.cache_mb * 1024**2,
        )
        async with aclosing(build_shelves(catalog, telemetry.meter, encoder=encoder, limits=limits)) as shelves:
            server = build_server(settings, telemetry, catalog, shelves)
            await server.start()
            janitor = asyncio.create_task(run_janitor(store, catalog.now, _JANITOR_SECONDS))
            try:
                await server.serve_until_signal()
            finally:
                janitor.cancel()
