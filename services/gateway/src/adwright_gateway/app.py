"""The gateway's composition root."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import grpc
from google.longrunning import operations_pb2
from google.protobuf.descriptor import ServiceDescriptor
from opentelemetry.metrics import Observation

from adwright.context.v1 import context_service_pb2
from adwright.evaluator.v1 import evaluator_service_pb2
from adwright.gateway.v1 import (
    ad_service_pb2,
    generation_service_pb2,
    generation_service_pb2_grpc,
    key_service_pb2,
    key_service_pb2_grpc,
    quota_service_pb2,
    quota_service_pb2_grpc,
)
from adwright.generator.v1 import generator_service_pb2
from adwright_resources.stores import utc_now
from adwright_servicekit.channel import open_channel
from adwright_servicekit.server import Server
from adwright_servicekit.telemetry import Telemetry

from .admission import Admission
from .ads import AdComposer
from .doorkeeper import Doorkeeper
from .forward import forwarding_handlers
from .generation_servicer import GenerationServicer
from .history import History
from .http.app import build_app
from .http.invoke import Invoker
from .http.server import HttpServer, open_http
from .key_servicer import KeyServicer
from .keys import KeyStore
from .metering import Meter
from .methods import Methods
from .oidc import OidcVerifier
from .operations import operations_handlers
from .quota_servicer import QuotaServicer
from .recorder import Recorder
from .settings import Settings
from .tenants import Tenants

__all__ = ["Gateway", "open_gateway", "serve"]

_log = logging.getLogger(__name__)

_AD = ad_service_pb2.DESCRIPTOR.services_by_name["AdService"]
_KEYS = key_service_pb2.DESCRIPTOR.services_by_name["KeyService"]
_QUOTA = quota_service_pb2.DESCRIPTOR.services_by_name["QuotaService"]
_GENERATIONS = generation_service_pb2.DESCRIPTOR.services_by_name["GenerationService"]
_CONTEXT = context_service_pb2.DESCRIPTOR.services_by_name["ContextService"]
_EVALUATOR = evaluator_service_pb2.DESCRIPTOR.services_by_name["EvaluatorService"]
_OPERATIONS = operations_pb2.DESCRIPTOR.services_by_name["Operations"]
_GENERATOR = generator_service_pb2.DESCRIPTOR.services_by_name["GeneratorService"]

_FORMATS = {"GetFormat": "GetFormat", "ListFormats": "ListFormats"}


@dataclass(frozen=True, slots=True)
class Gateway:
    """A gateway that serves. Both have the `address` where they really listen."""

    grpc: Server
    http: HttpServer


async def serve(settings: Settings, telemetry: Telemetry) -> None:
    """Serves until a signal."""
    async with open_gateway(settings, telemetry) as gateway:
        await gateway.grpc.serve_until_signal()


@asynccontextmanager
async def open_gateway(settings: Settings, telemetry: Telemetry) -> AsyncIterator[Gateway]:
    """A gateway that serves while the context lasts."""
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(await settings.place.open())
        keys = KeyStore(store, utc_now)
        doorkeeper = Doorkeeper(
            keys, utc_now, OidcVerifier(settings.oidc) if settings.oidc else None, peers=settings.peers
        )
        history = History(store, utc_now, timedelta(days=settings.history_days))
        recorder = Recorder(history)
        stack.push_async_callback(recorder.close)
        await doorkeeper.bootstrap(settings.bootstrap_key.get_secret_value() if settings.bootstrap_key else None)

        async def channel(target: str, *idempotent: str) -> grpc.aio.Channel:
            return await stack.enter_async_context(
                open_channel(target, telemetry, tls=settings, idempotent=idempotent, peers=settings.peers)
            )

        context = await channel(
            settings.context_target,
            *_reads(_CONTEXT),
            *_reads(_OPERATIONS),
            f"{_CONTEXT.full_name}/AssembleContext",
        )
        generator = await channel(settings.generator_target, *_reads(_GENERATOR))
        evaluator = await channel(
            settings.evaluator_target,
            *_reads(_EVALUATOR),
            *_reads(_OPERATIONS),
            f"{_EVALUATOR.full_name}/EvaluateText",
        )

        tenants = Tenants(store, keys)
        meter = Meter(store, tenants, generator)
        stack.push_async_callback(meter.close)
        admission = Admission(settings.max_streams)
        telemetry.meter.create_observable_gauge(
            "adwright.gateway.streams.in_flight",
            [lambda _: [Observation(admission.running)]],
            "{stream}",
            "Generations that run through this process, over gRPC and HTTP.",
        )
        methods = Methods()
        methods.add(
            _AD,
            {
                "GenerateAd": grpc.unary_stream_rpc_method_handler(
                    AdComposer(context, generator, recorder, meter, admission).generate_ad,
                    request_deserializer=ad_service_pb2.GenerateAdRequest.FromString,
                ),
                **forwarding_handlers(_GENERATOR, generator, "generator", served_as=_FORMATS),
            },
        )
        methods.add_servicer(
            _KEYS, partial(key_service_pb2_grpc.add_KeyServiceServicer_to_server, KeyServicer(keys, doorkeeper))
        )
        methods.add_servicer(
            _QUOTA,
            partial(quota_service_pb2_grpc.add_QuotaServiceServicer_to_server, QuotaServicer(meter.quotas, tenants)),
        )
        methods.add_servicer(
            _GENERATIONS,
            partial(
                generation_service_pb2_grpc.add_GenerationServiceServicer_to_server,
                GenerationServicer(history, context, evaluator),
            ),
        )
        methods.add(_CONTEXT, forwarding_handlers(_CONTEXT, context, "context"))
        methods.add(_OPERATIONS, operations_handlers({"context": context, "evaluator": evaluator}))
        methods.add(_EVALUATOR, forwarding_handlers(_EVALUATOR, evaluator, "evaluator"))

        server = Server(
            settings.listen,
            [service.full_name for service in methods.services],
            settings,
            telemetry,
            identify=doorkeeper.identify,
        )
        methods.serve_on(server.grpc)
        app = build_app(
            Invoker(methods, server.scope),
            max_body_bytes=settings.max_request_bytes,
            cors_origins=settings.cors_origins,
        )
        http = await stack.enter_async_context(open_http(app, settings.http_listen, settings))
        server.stop_beside(http.stop)
        await stack.enter_async_context(server)
        _log.info("serving HTTP on %s", http.address)
        yield Gateway(server, http)


def _reads(service: ServiceDescriptor) -> list[str]:
    return [f"{service.full_name}/{m.name}" for m in service.methods if m.name.startswith(("Get", "List"))]
