"""The client without async: the same calls, made on an event loop in a thread of its own."""

from collections.abc import Iterable, Iterator, Mapping
from types import TracebackType
from typing import Self, Unpack

from adwright.context.v1.resources_pb2 import Brand, Product
from adwright.evaluator.v1.evaluator_service_pb2 import EvaluateTextResponse
from adwright.type.v1.ad_event_pb2 import AdCompleted, AdEvent
from adwright.type.v1.ad_pb2 import AdField
from adwright.type.v1.format_pb2 import Format
from adwright_servicekit.settings import TlsSettings
from adwright_servicekit.telemetry import Telemetry

from ._loop import LoopThread
from ._sync_catalogue import SyncBrands, SyncChildren, SyncImports
from ._sync_evaluations import SyncEvaluations, SyncSuites
from ._sync_keys import SyncKeys
from .client import AsyncClient
from .fold import AdView
from .generation import Generation
from .options import GenerateOptions
from .settings import ClientSettings

__all__ = ["Client", "SyncGeneration"]


class SyncGeneration:
    """Iterate over it for the events; `view` holds the texts so far. Leaving the loop ends the call."""

    def __init__(self, loop: LoopThread, generation: Generation) -> None:
        self._loop = loop
        self._generation = generation

    @property
    def view(self) -> AdView:
        """The texts as they stand."""
        return self._generation.view

    def __iter__(self) -> Iterator[AdEvent]:
        return _Events(self._loop, self._generation)

    def completed(self) -> AdCompleted:
        """Reads to the end, and gives the last event."""
        return self._loop.run(self._generation.completed)

    def cancel(self) -> None:
        """Ends the call."""
        self._loop.soon(self._generation.cancel)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.cancel()


class _Events:
    """Dropped by a `for` loop that is left, which cancels the call."""

    def __init__(self, loop: LoopThread, generation: Generation) -> None:
        self._loop = loop
        self._generation = generation

        async def begin() -> None:
            generation.begin()

        loop.run(begin)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> AdEvent:
        event = self._loop.run(self._generation.read)
        if event is None:
            raise StopIteration
        return event

    def __del__(self) -> None:
        self._loop.soon(self._generation.cancel)


class Client:
    """Calls a gateway from code that is not async, never inside of an event loop. Threads may share it."""

    def __init__(
        self,
        target: str,
        api_key: str,
        *,
        timeout: float = 120.0,
        telemetry: Telemetry | None = None,
        tls: TlsSettings | None = None,
    ) -> None:
        """As `AsyncClient`."""
        self._loop = LoopThread()

        async def create() -> AsyncClient:
            return AsyncClient(target, api_key, timeout=timeout, telemetry=telemetry, tls=tls)

        try:
            self._client = self._loop.run(create)
        except BaseException:
            self._loop.close()
            raise
        self.brands = SyncBrands(self._loop, self._client)
        self.products = SyncChildren(self._loop, self._client.products)
        self.exemplars = SyncChildren(self._loop, self._client.exemplars)
        self.imports = SyncImports(self._loop, self._client)
        self.keys = SyncKeys(self._loop, self._client.keys)
        self.evaluations = SyncEvaluations(self._loop, self._client.evaluations)
        self.suites = SyncSuites(self._loop, self._client.suites)

    @classmethod
    def from_environ(
        cls, environ: Mapping[str, str], *, timeout: float = 120.0, telemetry: Telemetry | None = None
    ) -> Self:
        """The client that the environment describes, as `AsyncClient.from_environ`."""
        settings = ClientSettings.load(environ)
        return cls(settings.target, settings.api_key, timeout=timeout, telemetry=telemetry, tls=settings)

    def generate(self, brand: str, format: str, **options: Unpack[GenerateOptions]) -> SyncGeneration:
        """Writes ads; iterate over what is returned."""
        return SyncGeneration(self._loop, self._client.generate(brand, format, **options))

    def list_formats(self) -> Iterator[Format]:
        """All ad formats by name."""
        return self._loop.iterate(self._client.list_formats())

    def evaluate(
        self,
        fields: str | Mapping[str, str] | Iterable[AdField],
        *,
        format: str = "",
        language: str = "",
        brand: str | Brand | None = None,
        products: Iterable[str | Product] = (),
        scorers: Iterable[str] = (),
        brief: str = "",
        timeout: float | None = None,
    ) -> EvaluateTextResponse:
        """Holds texts against the scorers, as `AsyncClient.evaluate`."""
        return self._loop.run(
            lambda: self._client.evaluate(
                fields,
                format=format,
                language=language,
                brand=brand,
                products=products,
                scorers=scorers,
                brief=brief,
                timeout=timeout,
            )
        )

    def close(self) -> None:
        """Ends what still runs, and the thread."""
        self._loop.run(self._client.close)
        self._loop.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
