"""What the tests of the policy share: a clock that moves when told to, and backends that do as they are told."""

from collections.abc import AsyncGenerator, Callable
from typing import Any

import pytest

from adwright_checks import load_formats
from adwright_checks.model import BrandRules
from adwright_generator.backends.base import (
    Backend,
    BackendEvent,
    BackendInfo,
    BackendRequest,
    BreakerState,
    Chunk,
    Continuation,
    Finish,
    Message,
    StopReason,
)
from adwright_generator.job import Job


class Clock:
    """Time that stands still."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += seconds


class Played(Backend):
    """Plays one list of events or errors a call; everything about it can be set."""

    def __init__(self, name: str = "a", *calls: list[Any], **info: Any) -> None:
        settings: dict[str, Any] = {"max_concurrency": 2, "continuation": Continuation.EXACT, "model": "m"}
        self._info = BackendInfo(name=name, kind="fake", **(settings | info))
        self._calls = iter(calls)
        self.requests: list[BackendRequest] = []
        self.up = True
        self.wait = 0.0
        self.running = 0
        self.closed = False
        self.state = BreakerState.CLOSED

    @property
    def info(self) -> BackendInfo:
        return self._info

    @property
    def ready(self) -> bool:
        return self.up

    @property
    def in_flight(self) -> int:
        return self.running

    @property
    def predicted_wait(self) -> float:
        return self.wait

    @property
    def breaker(self) -> BreakerState:
        return self.state

    async def start(self) -> None: ...

    async def close(self) -> None:
        self.closed = True

    async def generate(self, request: BackendRequest) -> AsyncGenerator[BackendEvent]:
        self.requests.append(request)
        self.running += 1
        try:
            for item in next(self._calls, [Finish(StopReason.STOP)]):
                if isinstance(item, Exception):
                    raise item
                if callable(item):
                    await item()
                else:
                    yield Chunk(item) if isinstance(item, bytes) else item
        finally:
            self.running -= 1


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def played() -> type[Played]:
    return Played


@pytest.fixture
def request_of() -> Callable[..., BackendRequest]:
    """A request for free text."""

    def make(**fields: Any) -> BackendRequest:
        return BackendRequest(**({"messages": (Message("user", "Write."),), "max_tokens": 100} | fields))

    return make


@pytest.fixture
def job() -> Callable[..., Job]:
    """A generation of plain text."""

    def make(**fields: Any) -> Job:
        ad_format = load_formats()["plain"]
        values: dict[str, Any] = {
            "generation": "generations/1",
            "format": ad_format,
            "counts": ad_format.counts({}),
            "language": "en",
            "brand": BrandRules(display_name="Nordlys"),
            "tenant": "acme",
        }
        return Job(**(values | fields))

    return make
