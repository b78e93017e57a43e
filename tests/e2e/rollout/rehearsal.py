"""A rollout of every service under live streams, and all that was seen while it went on."""

import asyncio
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import grpc
from tools.stack import free_ports

from adwright.gateway.v1 import (
    generation_service_pb2,
    generation_service_pb2_grpc,
    quota_service_pb2,
    quota_service_pb2_grpc,
)
from adwright.generator.v1 import generator_service_pb2, generator_service_pb2_grpc
from adwright_generator.backends.fake_tgi import FakeTgi
from adwright_servicekit.channel import open_channel
from adwright_servicekit.telemetry import Telemetry

from .cluster import Cluster, cluster
from .pods import Pod
from .streams import Readers, Stream, texts_written
from .traffic import Newcomers, first_calls

__all__ = ["Rehearsal", "rehearse"]

_OVER_HTTP = 5
"""Every so many-th long stream is read as server-sent events."""
_LONG, _SHORT = 400, 60
"""Characters of their texts, at most; the double makes tokens of 4."""
_SHORT_PACE = 8.0
_AT_ONCE = 25
"""So many long streams begin at a time."""
_SPARE = 2.0
"""Streams last for so many times what it took to start everything once, and ten seconds: longer than a rollout."""


@dataclass
class Rehearsal:
    """What was seen. Seconds."""

    streams: list[Stream]
    """Those that began before the rollout and lasted through it."""
    newcomers: list[Stream] = field(default_factory=list)
    questions: int = 0
    """Answered calls to context and evaluator through the gateways."""
    question_errors: list[str] = field(default_factory=list)
    began_at: float = 0.0
    rolled_at: float = 0.0
    """When the last replica was told to stop."""
    texts: dict[str, list[str]] = field(default_factory=dict)
    """What the model server wrote, by brief."""
    old: list[Pod] = field(default_factory=list)
    new: list[Pod] = field(default_factory=list)
    waits: dict[Pod, float] = field(default_factory=dict)
    """From being ready to the first call."""
    exits: list[tuple[Pod, int]] = field(default_factory=list)
    recorded: dict[str, int] = field(default_factory=dict)
    """The gateways' history: how many generations, by state."""
    reserved: int = -1
    """Streams that still count against the tenant's quota at the end."""
    took: dict[str, float] = field(default_factory=dict)


async def rehearse(folder: Path, streams: int, stores: Mapping[str, str]) -> Rehearsal:
    """Rolls context, generator, evaluator and gateway under so many streams."""
    seen = Rehearsal([Stream(f"stream {n:04}", "grpc" if n % _OVER_HTTP else "http") for n in range(streams)])
    ports = free_ports(3)
    begun = time.monotonic()
    async with AsyncExitStack() as stack:
        made = await stack.enter_async_context(cluster(folder, _config(ports), stores))
        started = time.monotonic() - begun
        pace = _LONG / 4 / (_SPARE * started + 10)
        long = [
            await stack.enter_async_context(
                FakeTgi(port=port, tokens_per_second=pace, text_length=_LONG, max_concurrent=512)
            )
            for port in ports[:2]
        ]
        short = await stack.enter_async_context(
            FakeTgi(port=ports[2], tokens_per_second=_SHORT_PACE, text_length=_SHORT, max_concurrent=512)
        )
        target = made.names.target("gateway", made.deployments["gateway"].manifest.ports["grpc"])
        channel = await stack.enter_async_context(open_channel(target, Telemetry("reader"), default_timeout=300))
        connector = aiohttp.TCPConnector(limit=0, force_close=True)
        session = await stack.enter_async_context(
            aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=None))
        )
        readers = Readers(made, channel, session)
        await _until_found(made)
        seen.took["start"] = time.monotonic() - begun
        reading = asyncio.gather(*await _begun(readers, seen.streams))
        seen.took["streams begun"] = time.monotonic() - begun
        await _roll(made, readers, channel, session, seen)
        seen.took["rolled"] = time.monotonic() - begun
        await reading
        seen.took["streams ended"] = time.monotonic() - begun
        seen.exits = [(pod, await pod.end()) for pod in seen.old]
        seen.took["old pods ended"] = time.monotonic() - begun
        seen.texts = texts_written([call for server in long for call in server.calls], _LONG)
        seen.texts |= texts_written(short.calls, _SHORT)
        await _look_back(channel, readers, seen)
        seen.took["all"] = time.monotonic() - begun
    return seen


def _config(ports: list[int]) -> dict[str, Any]:
    common = {"kind": "tgi", "model": "fake", "max_concurrency": 512}
    urls = [f"http://127.0.0.1:{port}" for port in ports]
    return {
        "backends": [
            common | {"name": "long", "url": urls[:2]},
            common | {"name": "short", "url": urls[2]},
        ]
    }


async def _until_found(made: Cluster) -> None:
    """Returns when each generator has found the model servers, for which it looks every second."""
    metadata = (("x-adwright-tenant", "demo"), ("x-adwright-service", made.secret))
    for pod in made.deployments["generator"].pods:
        async with asyncio.timeout(30), grpc.aio.insecure_channel(pod.at("grpc")) as generator:
            look: Any = generator_service_pb2_grpc.GeneratorServiceStub(generator).ListBackends
            while True:
                said = await look(generator_service_pb2.ListBackendsRequest(), metadata=metadata, timeout=5)
                if all(backend.ready for backend in said.backends):
                    break
                await asyncio.sleep(0.2)


async def _begun(readers: Readers, streams: list[Stream]) -> list[asyncio.Task[Stream]]:
    """Begins all; returns when each has said something."""
    room = asyncio.Semaphore(_AT_ONCE)

    async def begin(stream: Stream) -> asyncio.Task[Stream]:
        async with room:
            task = asyncio.create_task(readers.read(stream, "long"))
            await stream.begun.wait()
            return task

    return list(await asyncio.gather(*map(begin, streams)))


async def _roll(
    made: Cluster, readers: Readers, channel: grpc.aio.Channel, session: aiohttp.ClientSession, seen: Rehearsal
) -> None:
    seen.old = made.pods
    newcomers, stop = Newcomers(readers, channel, "short"), asyncio.Event()
    # Until the last of the old ones is out of the way, and a moment more.
    delay = max(deployment.manifest.delay for deployment in made.deployments.values())
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(newcomers.keep_coming(stop))
        watching = tasks.create_task(first_calls(made, session, set(seen.old), seen.waits))
        seen.began_at = time.monotonic()
        for service in ("context", "generator", "evaluator", "gateway"):
            await made.deployments[service].roll()
        seen.rolled_at = time.monotonic()
        seen.new = made.pods
        await asyncio.sleep(delay + 3)
        stop.set()
        watching.cancel()
    seen.newcomers, seen.questions, seen.question_errors = newcomers.streams, newcomers.answers, newcomers.errors


async def _look_back(channel: grpc.aio.Channel, readers: Readers, seen: Rehearsal) -> None:
    """What the gateways wrote down, in the store that they share."""
    history: Any = generation_service_pb2_grpc.GenerationServiceStub(channel)
    request = generation_service_pb2.ListGenerationsRequest(page_size=100)
    while True:
        page = await history.ListGenerations(request, metadata=readers.authorized, timeout=30)
        for generation in page.generations:
            state = generation_service_pb2.Generation.State.Name(generation.state)
            seen.recorded[state] = seen.recorded.get(state, 0) + 1
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token
    quota: Any = quota_service_pb2_grpc.QuotaServiceStub(channel)
    said = await quota.GetQuota(quota_service_pb2.GetQuotaRequest(), metadata=readers.authorized, timeout=30)
    seen.reserved = said.tenant.streams
