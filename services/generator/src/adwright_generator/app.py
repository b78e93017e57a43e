"""The generator's composition root."""

from contextlib import AsyncExitStack

from adwright.generator.v1.generator_service_pb2_grpc import add_GeneratorServiceServicer_to_server
from adwright_checks import default_checks
from adwright_servicekit.server import Server
from adwright_servicekit.telemetry import Telemetry

from .backends.traced import Traced
from .config import build_backends, load_config
from .convert import Formats
from .generation import Generations
from .prompts import PromptLibrary
from .routing import Router
from .servicer import SERVICE, GeneratorServicer
from .settings import Settings

__all__ = ["serve"]


async def serve(settings: Settings, telemetry: Telemetry) -> None:
    """Loads the models, then serves until a signal."""
    config = load_config(settings.config)
    async with AsyncExitStack() as stack:
        backends = []
        for backend in build_backends(config, settings.embedded_model):
            stack.push_async_callback(backend.close)
            await backend.start()
            backends.append(Traced(backend, telemetry))
        router = Router(backends)
        formats = Formats()
        generations = Generations(router, PromptLibrary(), default_checks())
        server = Server(settings.listen, [SERVICE], settings, telemetry)
        add_GeneratorServiceServicer_to_server(GeneratorServicer(generations, router, formats), server.grpc)
        await server.start()
        await server.serve_until_signal()
