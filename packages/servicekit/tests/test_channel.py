"""How callers follow replicas that come and go, seen over real channels."""

import asyncio
import random
import socket
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from service import SERVICE, Counting, generate_request, register
from tests.e2e.rollout.names import Names

from adwright.generator.v1 import generator_service_pb2_grpc as pb_grpc
from adwright_servicekit.channel import open_channel
from adwright_servicekit.server import Server
from adwright_servicekit.settings import ServerSettings
from adwright_servicekit.telemetry import Telemetry
from adwright_servicekit.testing import as_tenant, serving


def turning_away(times: int, code: grpc.StatusCode) -> Any:
    """A method that ends so many calls with a bare code before it answers, and those who called."""
    calls: list[int] = []

    async def answer(request: bytes, context: Any) -> AsyncIterator[bytes]:
        calls.append(len(calls))
        if len(calls) <= times:
            await context.abort(code)
        yield b"answer"

    def add(server: grpc.aio.Server) -> None:
        handlers = {"Ask": grpc.unary_stream_rpc_method_handler(answer)}
        server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("test.Busy", handlers)])

    return add, calls


async def test_a_call_that_a_stopping_server_turned_away_untouched_is_made_again() -> None:
    add, calls = turning_away(2, grpc.StatusCode.CANCELLED)
    async with serving(add, []) as channel:
        ask = channel.unary_stream("/test.Busy/Ask")
        assert [answer async for answer in ask(b"", metadata=as_tenant())] == [b"answer"]
    assert len(calls) == 3


async def test_a_call_that_is_not_idempotent_is_not_made_again_when_a_server_is_unavailable() -> None:
    add, calls = turning_away(2, grpc.StatusCode.UNAVAILABLE)
    async with serving(add, []) as channel:
        ask = channel.unary_stream("/test.Busy/Ask")
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            [_ async for _ in ask(b"", metadata=as_tenant())]
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    assert len(calls) == 1


async def test_a_stream_outlives_the_age_of_its_connection_however_short_the_grace_of_a_shutdown() -> None:
    settings = ServerSettings.load({"ADWRIGHT_MAX_CONNECTION_AGE": "0.3", "ADWRIGHT_SHUTDOWN_GRACE": "0.1"})
    async with serving(partial(register, Counting(20, 0.1)), [SERVICE], settings=settings) as channel:
        stub = pb_grpc.GeneratorServiceStub(channel)
        said = [event.delta.text async for event in stub.Generate(generate_request(), metadata=as_tenant())]
    assert said == [str(number) for number in range(20)]


async def test_a_replica_that_is_added_takes_calls_within_the_age_of_a_connection_though_no_other_leaves() -> None:
    subnet = f"127.{random.randrange(1, 255)}.{random.randrange(256)}"
    _needs(f"{subnet}.1")
    age = 2.0
    settings, telemetry = ServerSettings.load({"ADWRIGHT_MAX_CONNECTION_AGE": str(age)}), Telemetry("test")
    old, new = (Server(f"{subnet}.{number}:50053", [], settings, telemetry) for number in (1, 2))
    fresh = Counting(1, 0)
    register(Counting(1, 0), old.grpc)
    register(fresh, new.grpc)
    async with Names() as names, old:
        names["generator"] = [f"{subnet}.1"]
        async with open_channel(names.target("generator", 50053), telemetry) as channel:
            generate = pb_grpc.GeneratorServiceStub(channel).Generate
            assert [_ async for _ in generate(generate_request(), metadata=as_tenant())]
            async with new:
                names["generator"].append(f"{subnet}.2")
                # gRPC varies the age by a tenth; and the name is not asked for twice within a second.
                async with asyncio.timeout(age * 1.1 + 1.5):
                    while not fresh.closed.is_set():
                        assert [_ async for _ in generate(generate_request(), metadata=as_tenant())]
                        await asyncio.sleep(0.02)


async def test_replicas_that_are_exchanged_one_after_the_other_within_seconds_are_found_by_their_name() -> None:
    subnet = f"127.{random.randrange(1, 255)}.{random.randrange(256)}"
    _needs(f"{subnet}.1")
    telemetry = Telemetry("test")

    async def serve(number: int) -> Server:
        server = Server(f"{subnet}.{number}:50053", [], ServerSettings.load({}), telemetry)
        await server.start()
        names["generator"] = [f"{subnet}.{number}"]
        return server

    async with Names() as names:
        now = await serve(1)
        async with open_channel(names.target("generator", 50053), telemetry) as channel:
            check = health_pb2_grpc.HealthStub(channel).Check
            for number in (2, 3, 4):
                await check(health_pb2.HealthCheckRequest(), timeout=5)
                before, now = now, await serve(number)
                await before.stop(grace=0)
                # The one that it knew is gone: until it has asked for the name again there is nobody.
                await check(health_pb2.HealthCheckRequest(), timeout=5, wait_for_ready=True)
        await now.stop(grace=0)
    assert names.asked["generator"] >= 4


def _needs(address: str) -> None:
    with socket.socket() as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            pytest.skip(f"needs {address} on the loopback interface; Linux has all of 127.0.0.0/8")
