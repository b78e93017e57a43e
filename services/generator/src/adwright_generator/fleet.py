"""The backends of a configuration in their wrappers: built, started, exchanged while streams run, closed."""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Self

from adwright_servicekit.errors import NotFound
from adwright_servicekit.settings import SettingsError
from adwright_servicekit.telemetry import Telemetry

from .backends.accounting import Account
from .backends.base import Backend, BackendMisconfigured
from .backends.registry import BackendEntry, build_backend
from .config import GeneratorConfig, Routing, changes
from .policy.breaker import CircuitBroken
from .policy.dispatcher import Dispatcher, Limits
from .policy.leaving import Leaving
from .policy.metered import Metered
from .policy.timed import Timed
from .policy.traced import Traced
from .prompting import PromptLibrary

__all__ = ["Fleet"]


class Fleet:
    """All backends of this process, and the dispatcher that hands them out."""

    def __init__(self, prompts: PromptLibrary, telemetry: Telemetry, *, embedded_model: Path | None = None) -> None:
        self._prompts = prompts
        self._telemetry = telemetry
        self._embedded_model = embedded_model
        self._config: GeneratorConfig | None = None
        self._backends: dict[str, Backend] = {}
        self._spend: dict[str, Account] = {}
        self._leaving = Leaving()
        self.dispatcher = Dispatcher([])

    def spend(self, name: str) -> Account:
        """What the calls to a backend used since this process started, also before its entry was changed."""
        return self._spend.setdefault(name, Account())

    async def configure(self, config: GeneratorConfig) -> None:
        """Goes on with `config`: entries that are the same stay as they are, others begin, and end when they are idle.

        Raises SettingsError when a new one does not start; then nothing has changed.
        """
        kept = self._unchanged(config)
        fresh: dict[str, Backend] = {}
        try:
            for entry in config.backends:
                if entry.name not in kept:
                    fresh[entry.name] = await self._started(entry, config.routing)
        except BaseException:
            await asyncio.gather(*(backend.close() for backend in fresh.values()))
            raise
        self._config = config
        self._backends = kept | fresh
        order = [self._backends[name] for name in _names_in_order(config)]
        queue = config.routing.queue
        limits = Limits(config.routing.max_predicted_wait, queue.max_waiting, queue.max_wait)
        for slots in self.dispatcher.replace(order, limits):
            self._leaving.let_go(slots.backend, partial(getattr, slots, "used"))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._leaving.close()
        await asyncio.gather(*(backend.close() for backend in self._backends.values()))

    def _unchanged(self, config: GeneratorConfig) -> dict[str, Backend]:
        old = self._config
        if old is None or _around(old.routing) != _around(config.routing):
            return {}
        return {name: self._backends[name] for name in changes(old, config).unchanged}

    async def _started(self, entry: BackendEntry, routing: Routing) -> Backend:
        backend: Backend | None = None
        try:
            backend = build_backend(entry, wrap=self._wrapping(entry, routing), embedded_model=self._embedded_model)
            self._prompts.get(backend.info.prompt)
            await backend.start()
        except (BackendMisconfigured, NotFound) as error:
            if backend is not None:
                await backend.close()
            raise SettingsError(f"backend {entry.name}: {error.message}") from error
        return backend

    def _wrapping(self, entry: BackendEntry, routing: Routing) -> Callable[[Backend], Backend]:
        """What is put around a leaf: around each replica where there are several."""

        def wrap(leaf: Backend) -> Backend:
            timed = Timed(
                leaf,
                first_token=entry.first_token_timeout or routing.first_token_timeout,
                stall=entry.stall_timeout or routing.stall_timeout,
            )
            traced = Traced(Metered(timed, self.spend(entry.name)), self._telemetry)
            breaker = routing.breaker
            return CircuitBroken(traced, failures=breaker.failures, window=breaker.window, open_for=breaker.open_for)

        return wrap


def _around(routing: Routing) -> Sequence[object]:
    """What of the routing the wrappers are made with."""
    return (routing.first_token_timeout, routing.stall_timeout, routing.breaker)


def _names_in_order(config: GeneratorConfig) -> list[str]:
    """Those that `routing.order` names first, then the others in the order of the file."""
    order = config.routing.order
    return [*order, *(entry.name for entry in config.backends if entry.name not in order)]
