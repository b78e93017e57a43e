"""Small services behind a gateway that say what they were asked, and a gateway in front of them."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import grpc

from adwright.context.v1 import context_service_pb2 as context_pb
from adwright.context.v1 import context_service_pb2_grpc as context_grpc
from adwright.context.v1 import resources_pb2
from adwright.gateway.v1 import ad_service_pb2 as pb
from adwright.gateway.v1 import ad_service_pb2_grpc as pb_grpc
from adwright.generator.v1 import generator_service_pb2 as generator_pb
from adwright.generator.v1 import generator_service_pb2_grpc as generator_grpc
from adwright.type.v1 import ad_event_pb2
from adwright_servicekit.call import current_tenant
from adwright_servicekit.errors import NotFound

KEY = "adw_test_key_0123456789"
AUTHORIZED = (("authorization", f"Bearer {KEY}"),)
AD = pb.GenerateAdRequest(brand="nordlys", products=["aurora-trail-2"], format="google-rsa")


class ContextBehind(context_grpc.ContextServiceServicer):
    def __init__(self) -> None:
        self.asked: list[tuple[str, context_pb.AssembleContextRequest]] = []
        self.exemplars: list[resources_pb2.Exemplar] = []

    async def AssembleContext(self, request: Any, context: Any) -> context_pb.AssembleContextResponse:
        self.asked.append((current_tenant(), request))
        if request.brand == "brands/nobody":
            raise NotFound("there is no brands/nobody; did you mean brands/nordlys?", reason="BRAND_NOT_FOUND")
        brand = resources_pb2.Brand(name=request.brand, display_name="Nordlys", languages=["en"])
        return context_pb.AssembleContextResponse(context=resources_pb2.PromptContext(brand=brand, language="en"))

    async def GetBrand(self, request: Any, context: Any) -> resources_pb2.Brand:
        return resources_pb2.Brand(name=request.name, display_name=current_tenant())

    async def CreateExemplar(self, request: Any, context: Any) -> resources_pb2.Exemplar:
        request.exemplar.name = f"{request.parent}/exemplars/{request.exemplar_id}"
        self.exemplars.append(request.exemplar)
        return resources_pb2.Exemplar.FromString(request.exemplar.SerializeToString())

    async def ImportProducts(self, request_iterator: Any, context: Any) -> context_pb.ImportProductsResponse:
        parts = [part async for part in request_iterator]
        return context_pb.ImportProductsResponse(imported_count=len(parts))


class GeneratorBehind(generator_grpc.GeneratorServiceServicer):
    def __init__(self) -> None:
        self.asked: list[generator_pb.GenerateRequest] = []
        self.events: list[ad_event_pb2.AdEvent] = [
            ad_event_pb2.AdEvent(started=ad_event_pb2.AdStarted(format="formats/google-rsa")),
            ad_event_pb2.AdEvent(delta=ad_event_pb2.AdDelta(path="headlines[0]", text="Light ❄")),
            ad_event_pb2.AdEvent(completed=ad_event_pb2.AdCompleted(trace_id="0" * 32)),
        ]
        self.pause = 0.0
        self.fails: Exception | None = None
        self.closed = asyncio.Event()
        self.used: dict[str, generator_pb.GetUsageResponse] = {}

    async def GetUsage(self, request: Any, context: Any) -> generator_pb.GetUsageResponse:
        if request.generation not in self.used:
            raise NotFound("it did not run here", reason="GENERATION_NOT_FOUND")
        return self.used[request.generation]

    async def Generate(self, request: Any, context: Any) -> AsyncGenerator[ad_event_pb2.AdEvent]:
        self.asked.append(request)
        used = self.used[request.generation] = generator_pb.GetUsageResponse()
        try:
            for event in self.events:
                if event.HasField("started"):
                    event.started.generation = request.generation
                used.usage.output_tokens += event.HasField("delta")
                yield event
                await asyncio.sleep(self.pause)
            if self.fails is not None:
                raise self.fails
        finally:
            used.ended = True
            self.closed.set()


class Edge:
    """A gateway with what stands behind it."""

    def __init__(self, channel: grpc.aio.Channel, url: str, context: ContextBehind, generator: GeneratorBehind) -> None:
        self.channel = channel
        self.url = url
        self.ads = pb_grpc.AdServiceStub(channel)
        self.catalogue = context_grpc.ContextServiceStub(channel)
        self.context = context
        self.generator = generator
