"""A small service for the tests of what servicekit gives: it says a number of deltas with pauses in between."""

import asyncio
import sys
from collections.abc import AsyncGenerator
from functools import partial
from typing import Any

from adwright.generator.v1 import generator_service_pb2 as pb
from adwright.generator.v1 import generator_service_pb2_grpc as pb_grpc
from adwright.type.v1 import ad_event_pb2
from adwright_servicekit.main import run_service
from adwright_servicekit.server import Server
from adwright_servicekit.settings import Address, ServerSettings, env
from adwright_servicekit.telemetry import Telemetry

SERVICE = "adwright.generator.v1.GeneratorService"
register = partial(pb_grpc.add_GeneratorServiceServicer_to_server)


class Counting(pb_grpc.GeneratorServiceServicer):
    def __init__(self, count: int = 20, pause: float = 0.05) -> None:
        self.count = count
        self.pause = pause
        self.closed = asyncio.Event()

    async def Generate(self, request: Any, context: Any) -> AsyncGenerator[ad_event_pb2.AdEvent]:
        try:
            for number in range(self.count):
                yield ad_event_pb2.AdEvent(delta=ad_event_pb2.AdDelta(path="text", text=str(number)))
                await asyncio.sleep(self.pause)
        finally:
            self.closed.set()

    async def ListFormats(self, request: Any, context: Any) -> pb.ListFormatsResponse:
        words = " ".join(["secret", "words"])
        raise ValueError(words)


def generate_request() -> pb.GenerateRequest:
    request = pb.GenerateRequest(format="formats/plain")
    request.context.brand.display_name = "Nordlys"
    request.context.brand.languages.append("en")
    return request


class _Settings(ServerSettings):
    listen: Address = env("EXAMPLE_LISTEN", "127.0.0.1:0")


async def _serve(settings: _Settings, telemetry: Telemetry) -> None:
    server = Server(settings.listen, [SERVICE], settings, telemetry)
    register(Counting(), server.grpc)
    await server.start()
    await server.serve_until_signal()


if __name__ == "__main__":
    sys.exit(run_service("example", _Settings, _serve))
