"""Newcomers during a rollout, and when each new replica got its first call."""

import asyncio
import time
from contextlib import suppress
from typing import Any

import aiohttp
import grpc

from adwright.context.v1 import context_service_pb2, context_service_pb2_grpc
from adwright.evaluator.v1 import evaluation_pb2, evaluator_service_pb2_grpc

from .cluster import Cluster
from .pods import Pod
from .streams import Readers, Stream

__all__ = ["Newcomers", "first_calls"]

_EVERY = 0.25
_CALLED = (b"rpc_server_call_duration_seconds_count", b"adwright_gateway_streams_in_flight{")


class Newcomers:
    """Short streams that begin all the time, over gRPC and HTTP in turns, and questions in between."""

    def __init__(self, readers: Readers, channel: grpc.aio.Channel, backend: str) -> None:
        self._readers = readers
        self._backend = backend
        self._context: Any = context_service_pb2_grpc.ContextServiceStub(channel)
        self._evaluator: Any = evaluator_service_pb2_grpc.EvaluatorServiceStub(channel)
        self.streams: list[Stream] = []
        self.answers = 0
        self.errors: list[str] = []

    async def keep_coming(self, stop: asyncio.Event) -> None:
        """Until told to stop; returns when the last one has been served."""
        async with asyncio.TaskGroup() as tasks:
            while not stop.is_set():
                number = len(self.streams)
                stream = Stream(f"newcomer {number:04}", "http" if number % 2 else "grpc")
                self.streams.append(stream)
                tasks.create_task(self._readers.read(stream, self._backend))
                tasks.create_task(self._ask())
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), _EVERY)

    async def _ask(self) -> None:
        brand = context_service_pb2.GetBrandRequest(name="brands/nordlys")
        runs = evaluation_pb2.ListEvaluationsRequest()
        for method, request in ((self._context.GetBrand, brand), (self._evaluator.ListEvaluations, runs)):
            try:
                await method(request, metadata=self._readers.authorized, timeout=20)
                self.answers += 1
            except grpc.aio.AioRpcError as error:
                self.errors.append(f"{type(request).__name__}: {error.code().name} {error.details()}")


async def first_calls(
    cluster: Cluster, session: aiohttp.ClientSession, known: set[Pod], waits: dict[Pod, float]
) -> None:
    """Fills `waits` with the seconds from each pod's being ready to its first call, for those that are not `known`.

    A stream counts at a gateway when it begins, and elsewhere when it has ended.
    """
    while True:
        for pod in cluster.pods:
            if pod not in known and pod not in waits and pod.ready_at:
                async with session.get(f"http://{pod.at('metrics')}/metrics") as answer:
                    lines = (await answer.read()).splitlines()
                if any(line.startswith(_CALLED) and not line.endswith(b" 0.0") for line in lines):
                    waits[pod] = time.monotonic() - pod.ready_at
        await asyncio.sleep(_EVERY)
