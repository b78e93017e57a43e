"""The interface of every model backend. To add one: one file beside this one, and one entry in `registry.py`.

Resilience is added by wrappers with this same interface, each in a file of its own.
"""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal, Protocol

from adwright_servicekit.errors import FailedPrecondition, Internal, ResourceExhausted, Unavailable

__all__ = [
    "Backend",
    "BackendBusy",
    "BackendEvent",
    "BackendFailed",
    "BackendInfo",
    "BackendMisconfigured",
    "BackendRequest",
    "BackendUnavailable",
    "Chunk",
    "Finish",
    "Message",
    "Price",
    "StopReason",
]


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of the conversation that the model continues."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class BackendRequest:
    """What to generate. Backends apply the model's chat template themselves."""

    messages: tuple[Message, ...]
    max_tokens: int
    temperature: float = 0.7
    top_p: float = 0.95
    seed: int | None = None
    stop: tuple[str, ...] = ()
    """Texts that end the generation; never part of the output."""
    json_schema: Mapping[str, Any] | None = None
    """When set, the output is one JSON text of this schema, held to it while decoding."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """More output: UTF-8 bytes, possibly empty, possibly ending inside a code point."""

    data: bytes
    tokens: int = 1
    """How many tokens the bytes stand for."""


class StopReason(StrEnum):
    """Why the model stopped."""

    STOP = "stop"
    LENGTH = "length"


@dataclass(frozen=True, slots=True)
class Finish:
    """The last event of every generation that did not fail. Counts are in tokens, None where unknown."""

    reason: StopReason
    input_tokens: int | None = None
    output_tokens: int | None = None


BackendEvent = Chunk | Finish


@dataclass(frozen=True, slots=True)
class Price:
    """What a backend costs. Units: USD for a million tokens."""

    usd_per_mtok_in: float = 0.0
    usd_per_mtok_out: float = 0.0


@dataclass(frozen=True, slots=True)
class BackendInfo:
    """What is known of a backend before it is asked."""

    name: str
    kind: str
    model: str
    residency: str = "self_hosted"
    max_concurrency: int = 1
    constrained_output: bool = False
    """True when `json_schema` is held while decoding."""
    price: Price = field(default_factory=Price)
    prompt: str = ""
    """Name of the prompt that suits the model; empty: the usual one."""


class Backend(Protocol):
    """A model that generates text."""

    @property
    def info(self) -> BackendInfo:
        """What is known of it before it is asked."""
        ...

    @property
    def ready(self) -> bool:
        """True from the end of `start` until `close`, while it can take requests."""
        ...

    @property
    def in_flight(self) -> int:
        """Generations being served now."""
        ...

    async def start(self) -> None:
        """Loads or connects. Raises BackendMisconfigured with the remedy."""
        ...

    async def close(self) -> None:
        """Ends what is running and frees everything. May be called twice."""
        ...

    def generate(self, request: BackendRequest) -> AsyncGenerator[BackendEvent]:
        """Yields chunks, then exactly one Finish; or raises one of the errors below.

        Closing the generator (or cancelling the task that reads it) stops the model within 100 ms.
        Bounded: a reader that does not read makes the backend wait, not the memory grow.
        """
        ...


class BackendUnavailable(Unavailable):
    """It does not answer; another try may succeed."""

    reason = "BACKEND_UNAVAILABLE"


class BackendBusy(ResourceExhausted):
    """It is full right now."""

    reason = "BACKENDS_BUSY"


class BackendFailed(Internal):
    """It answered with something that is not a generation."""

    reason = "BACKEND_FAILED"


class BackendMisconfigured(FailedPrecondition):
    """It cannot start as configured: a model file that is missing, a wrong URL."""

    reason = "BACKEND_MISCONFIGURED"
