"""The generator's composition root."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from adwright.generator.v1.generator_service_pb2_grpc import add_GeneratorServiceServicer_to_server
from adwright_checks import default_checks
from adwright_servicekit.errors import NotFound
from adwright_servicekit.server import Server
from adwright_servicekit.settings import SettingsError
from adwright_servicekit.telemetry import Telemetry

from .backends.base import BackendMisconfigured
from .backends.traced import Traced
from .config import build_backends, load_config
from .convert import Formats
from .generation import Generations
from .prompting import PromptLibrary
from .routing import Router
from .servicer import SERVICE, GeneratorServicer
from .settings import Settings

__all__ = ["open_generator", "serve"]


async def serve(settings: Settings, telemetry: Telemetry) -> None:
    """Serves until a signal."""
    async with open_generator(settings, telemetry) as server:
        await server.serve_until_signal()


@asynccontextmanager
async def open_generator(settings: Settings, telemetry: Telemetry) -> AsyncIterator[Server]:
    """A generator that has loaded its models and serves while the context lasts."""
    config = load_config(settings.config)
    prompts = PromptLibrary()
    async with AsyncExitStack() as stack:
        backends = []
        for backend in build_backends(config, settings.embedded_model):
            stack.push_async_callback(backend.close)
            try:
                prompts.get(backend.info.prompt)
                await backend.start()
            except (BackendMisconfigured, NotFound) as error:
                raise SettingsError(f"backend {backend.info.name}: {error.message}") from error
            backends.append(Traced(backend, telemetry))
        router = Router(backends)
        formats = Formats()
        generations = Generations(router, prompts, default_checks())
        server = Server(settings.listen, [SERVICE], settings, telemetry)
        add_GeneratorServiceServicer_to_server(GeneratorServicer(generations, router, formats), server.grpc)
        yield await stack.enter_async_context(server)
