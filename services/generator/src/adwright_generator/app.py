"""The generator's composition root."""

import asyncio
import logging
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from adwright.generator.v1.generator_service_pb2_grpc import add_GeneratorServiceServicer_to_server
from adwright_checks import default_checks
from adwright_servicekit.logs import where
from adwright_servicekit.server import Server
from adwright_servicekit.settings import SettingsError
from adwright_servicekit.telemetry import Telemetry

from .config import load_config
from .convert import Formats
from .fleet import Fleet
from .generation import Generations
from .metrics import observe
from .prompting import PromptLibrary
from .servicer import SERVICE, GeneratorServicer
from .settings import Settings

__all__ = ["open_generator", "serve"]

_log = logging.getLogger(__name__)


async def serve(settings: Settings, telemetry: Telemetry) -> None:
    """Serves until a signal; SIGHUP reads the configuration again."""
    reloading = _Reloading(settings)
    # From the beginning: by default the signal ends a process.
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, reloading.asked)
    async with _open(settings, telemetry) as (server, fleet):
        reloading.begin(fleet)
        try:
            await server.serve_until_signal()
        finally:
            reloading.end()


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
        observe(telemetry.meter, fleet.dispatcher)
        generations = Generations(fleet.dispatcher, prompts, default_checks())
        server = Server(settings.listen, [SERVICE], settings, telemetry)
        add_GeneratorServiceServicer_to_server(GeneratorServicer(generations, fleet, Formats()), server.grpc)
        async with server:
            yield server, fleet


class _Reloading:
    """Reads the configuration again whenever somebody asked, one time after the other."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._wanted = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.asked = self._wanted.set

    def begin(self, fleet: Fleet) -> None:
        """From now on; also when it was asked before."""
        self._task = asyncio.create_task(self._keep_reloading(fleet))

    def end(self) -> None:
        """Not any more."""
        if self._task is not None:
            self._task.cancel()

    async def _keep_reloading(self, fleet: Fleet) -> None:
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            try:
                config = await asyncio.to_thread(load_config, self._settings.config)
                await fleet.configure(config)
            except SettingsError as error:
                _log.error("configuration not reloaded, the one before stays: %s", error)
            except Exception as error:
                _log.error("configuration not reloaded, the one before stays: %s", where(error))
            else:
                _log.info("configuration reloaded")
