"""The names that probes may ask for are those whose health the real servers tell."""

import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from tools.deploy_check.policies.probes import registered

from adwright_context.app import build_catalog, build_shelves
from adwright_context.app import build_server as build_context
from adwright_context.settings import ContextSettings
from adwright_evaluator.app import open_evaluator
from adwright_evaluator.settings import Settings as EvaluatorSettings
from adwright_gateway.app import open_gateway
from adwright_gateway.settings import Settings as GatewaySettings
from adwright_generator.app import open_generator
from adwright_generator.settings import Settings as GeneratorSettings
from adwright_servicekit.telemetry import Telemetry


def _environ(folder: Path, service: str) -> dict[str, str]:
    name = service.upper()
    config = folder / "generator.yaml"
    config.write_text("backends: [{name: fake, kind: fake}]\n")
    return {
        f"ADWRIGHT_{name}_LISTEN": "127.0.0.1:0",
        f"ADWRIGHT_{name}_SQLITE_PATH": str(folder / f"{service}.db"),
        "ADWRIGHT_GATEWAY_HTTP_LISTEN": "127.0.0.1:0",
        "ADWRIGHT_GENERATOR_CONFIG": str(config),
        "ADWRIGHT_SERVICE_SECRET": secrets.token_hex(16),
    }


@asynccontextmanager
async def gateway(environ: dict[str, str]) -> AsyncIterator[str]:
    async with open_gateway(GatewaySettings.load(environ), Telemetry("test")) as serving:
        yield serving.grpc.address


@asynccontextmanager
async def context(environ: dict[str, str]) -> AsyncIterator[str]:
    settings, telemetry = ContextSettings.load(environ), Telemetry("test")
    async with await settings.place.open() as store:
        catalog = build_catalog(store)
        shelves = build_shelves(catalog, telemetry.meter)
        async with build_context(settings, telemetry, catalog, shelves) as serving:
            yield serving.address
        await shelves.aclose()


@asynccontextmanager
async def generator(environ: dict[str, str]) -> AsyncIterator[str]:
    async with open_generator(GeneratorSettings.load(environ), Telemetry("test")) as serving:
        yield serving.address


@asynccontextmanager
async def evaluator(environ: dict[str, str]) -> AsyncIterator[str]:
    async with open_evaluator(EvaluatorSettings.load(environ), Telemetry("test")) as serving:
        yield serving.address


@pytest.mark.parametrize("open_service", [gateway, context, generator, evaluator], ids=lambda one: one.__name__)
async def test_a_server_tells_the_health_of_each_service_that_a_probe_may_name(
    tmp_path: Path, open_service: Callable[[dict[str, str]], AbstractAsyncContextManager[str]]
) -> None:
    name = open_service.__name__
    async with (
        open_service(_environ(tmp_path, name)) as address,
        grpc.aio.insecure_channel(address) as channel,
    ):
        health = health_pb2_grpc.HealthStub(channel)
        for service in registered(name):
            answer = await health.Check(health_pb2.HealthCheckRequest(service=service))
            assert answer.status == health_pb2.HealthCheckResponse.SERVING, service
        with pytest.raises(grpc.aio.AioRpcError):
            await health.Check(health_pb2.HealthCheckRequest(service="adwright.no.Such"))
