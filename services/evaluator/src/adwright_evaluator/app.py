"""The composition root: everything is built here, by constructor."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

import grpc
from google.longrunning import operations_pb2, operations_pb2_grpc

from adwright.evaluator.v1 import evaluator_service_pb2, evaluator_service_pb2_grpc
from adwright_checks import load_formats
from adwright_docstore import Store
from adwright_resources.stores import utc_now
from adwright_servicekit.channel import open_channel
from adwright_servicekit.server import Server
from adwright_servicekit.telemetry import Telemetry

from .clients import Clients
from .evaluation import Evaluator
from .labels import Labels
from .operations_servicer import OperationsServicer
from .pool import ScoringPool
from .runs.evaluations import Evaluations
from .runs.keeper import Keeper
from .runs.session import Sessions
from .scorers import all_scorers
from .servicer import EvaluatorServicer
from .settings import Settings
from .suite_store import SuiteStore

__all__ = ["SERVICES", "Parts", "open_evaluator", "open_parts", "serve"]

SERVICES = (
    evaluator_service_pb2.DESCRIPTOR.services_by_name["EvaluatorService"].full_name,
    operations_pb2.DESCRIPTOR.services_by_name["Operations"].full_name,
)


@dataclass(frozen=True, slots=True)
class Parts:
    """What servicers and workers are made of."""

    store: Store
    evaluations: Evaluations
    sessions: Sessions
    keeper: Keeper


async def serve(settings: Settings, telemetry: Telemetry) -> None:
    """Serves until a signal, then drains. Raises SettingsError when the address or the store cannot be had."""
    async with open_evaluator(settings, telemetry) as server:
        await server.serve_until_signal()


@asynccontextmanager
async def open_parts(
    settings: Settings,
    telemetry: Telemetry,
    *,
    store: Store | None = None,
    now: Callable[[], datetime] = utc_now,
) -> AsyncIterator[Parts]:
    """Store, channels, and a keeper that has not begun. A `store` that is given is not closed."""
    async with AsyncExitStack() as stack:

        async def channel(target: str) -> grpc.aio.Channel:
            return await stack.enter_async_context(
                open_channel(target, telemetry, tls=settings, peers=settings.peers, default_timeout=300)
            )

        if store is None:
            store = await stack.enter_async_context(await settings.place.open())
        clients = Clients(await channel(settings.gateway_target), await channel(settings.generator_target))
        evaluations = Evaluations(store, now, timedelta(days=settings.history_days))
        sessions = Sessions(
            store, clients, load_formats(), now, judge=settings.judge, allow_python=settings.allow_python
        )
        yield Parts(store, evaluations, sessions, Keeper(evaluations, sessions, most=settings.max_runs))


@asynccontextmanager
async def open_evaluator(
    settings: Settings,
    telemetry: Telemetry,
    *,
    store: Store | None = None,
    now: Callable[[], datetime] = utc_now,
) -> AsyncIterator[Server]:
    """An evaluator that serves, and runs what is to be run, while the context lasts."""
    async with AsyncExitStack() as stack:
        pool = stack.enter_context(ScoringPool(settings.workers, settings.max_waiting))
        parts = await stack.enter_async_context(open_parts(settings, telemetry, store=store, now=now))
        keeper = parts.keeper
        server = Server(settings.listen, SERVICES, settings, telemetry)
        servicer = EvaluatorServicer(
            Evaluator(all_scorers(), pool),
            parts.evaluations,
            SuiteStore(parts.store, now),
            Labels(parts.store),
            parts.sessions,
            keeper,
        )
        evaluator_service_pb2_grpc.add_EvaluatorServiceServicer_to_server(servicer, server.grpc)
        operations_pb2_grpc.add_OperationsServicer_to_server(OperationsServicer(parts.evaluations, keeper), server.grpc)
        await stack.enter_async_context(server)
        keeper.begin()
        stack.push_async_callback(keeper.close)
        yield server
