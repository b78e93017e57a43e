"""Services answer each other, and nobody else, where they share a secret."""

from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import grpc
import pytest
from service import SERVICE, Counting, generate_request, register

from adwright.generator.v1 import generator_service_pb2_grpc as pb_grpc
from adwright_servicekit.channel import open_channel
from adwright_servicekit.settings import ServerSettings, SettingsError
from adwright_servicekit.telemetry import Telemetry
from adwright_servicekit.testing import as_tenant, expect_error, served

SECRET, NEXT = "a-secret-of-all-services", "the-one-that-comes-after-it"


@pytest.fixture
async def address() -> AsyncIterator[str]:
    settings = ServerSettings.load({"ADWRIGHT_SERVICE_SECRET": f"{NEXT}, {SECRET}"})
    async with served(partial(register, Counting()), [SERVICE], settings=settings) as server:
        yield server.address


async def _called(address: str, secret: str, metadata: Any) -> int:
    settings = ServerSettings.load({"ADWRIGHT_SERVICE_SECRET": secret} if secret else {})
    async with open_channel(address, Telemetry("test"), peers=settings.peers) as channel:
        stub: Any = pb_grpc.GeneratorServiceStub(channel)
        return len([event async for event in stub.Generate(generate_request(), metadata=metadata)])


@pytest.mark.parametrize("secret", [SECRET, NEXT])
async def test_a_service_with_the_secret_is_served_while_one_is_replaced_too(address: str, secret: str) -> None:
    assert await _called(address, secret, as_tenant()) > 0


@pytest.mark.parametrize("secret", ["", "another-secret-altogether"])
async def test_who_names_a_tenant_without_the_secret_is_refused(address: str, secret: str) -> None:
    async with expect_error(grpc.StatusCode.UNAUTHENTICATED, "SERVICE_UNKNOWN") as errors:
        await _called(address, secret, as_tenant())
    assert "ADWRIGHT_SERVICE_SECRET" in errors[0].message
    assert SECRET not in errors[0].message


async def test_the_secret_alone_names_no_tenant(address: str) -> None:
    async with expect_error(grpc.StatusCode.UNAUTHENTICATED, "TENANT_MISSING"):
        await _called(address, SECRET, ())


def test_a_short_secret_stops_the_start() -> None:
    with pytest.raises(SettingsError, match="ADWRIGHT_SERVICE_SECRET: expected at least 16 characters") as caught:
        ServerSettings.load({"ADWRIGHT_SERVICE_SECRET": f"{SECRET},short"})
    assert "short" not in str(caught.value).replace("shortest", "")
