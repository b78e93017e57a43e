"""The generator's composition root."""

import asyncio
import logging
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from adwright.generator.v1.generator_service_pb2_grpc import add_GeneratorServiceServicer_to_server
from adwright_checks import default_checks
from adwright_servicekit.server import Server
from adwright_servicekit.settings import SettingsError
from adwright_servicekit.telemetry import Telemetry

from .config import load_config
from .convert import Formats
from .fleet import Fleet
from .generation import Generations
from .prompting import PromptLibrary
from .servicer import SERVICE, GeneratorServicer
from .settings import Settings

__all__ = ["open_generator", "serve"]

_log = logging.getLogger(__name__)


async def serve(settings: Settings, telemetry: Telemetry) -> None:
    """Serves until a signal; SIGHUP reads the configuration again."""
    async with _open(settings, telemetry) as (server, fleet):
        reloading = _Reloading(settings, fleet)
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, reloading.begin)
        await server.serve_until_signal()


@asynccontextmanager
async def open_generator(settings: Settings, telemetry: Telemetry) -> AsyncIterator[Server]:
    """A generator that has loaded its models and serves while the context lasts."""
    async with _open(settings, telemetry) as (server, _):
        yield server


@asynccontextmanager
async def _open(settings: Settings, telemetry: Telemetry) -> AsyncIterator[tuple[Server, Fleet]]:
    config = load_config(settings.config)
    prompts = PromptLibrary()
    async with Fleet(prompts, telemetry, embedded_model=settings.embedded_model) as fleet:
        await fleet.configure(config)
        generations = Generations(fleet.dispatcher, prompts, default_checks())
        server = Server(settings.listen, [SERVICE], settings, telemetry)
        add_GeneratorServiceServicer_to_server(GeneratorServicer(generations, fleet, Formats()), server.grpc)
        async with server:
            yield server, fleet


class _Reloading:
    """Reads the configuration again when asked, one time after the other."""

    def __init__(self, settings: Settings, fleet: Fleet) -> None:
        self._settings = settings
        self._fleet = fleet
        self._lock = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self) -> None:
        """Returns at once."""
        task = asyncio.create_task(self._reload())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _reload(self) -> None:
        async with self._lock:
            try:
                config = await asyncio.to_thread(load_config, self._settings.config)
                await self._fleet.configure(config)
            except SettingsError as error:
                _log.error("configuration not reloaded, the one before stays: %s", error)
            else:
                _log.info("configuration reloaded")
