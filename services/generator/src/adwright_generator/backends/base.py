"""The interface of every model backend. To add one: one file beside this one, and one entry in `registry.py`.

Resilience is added by wrappers with this same interface, in `adwright_generator.policy`, each in a file of its own.
"""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import Any, Literal, Protocol

from .accounting import Account
from .errors import (
    BackendBusy,
    BackendDeclined,
    BackendFailed,
    BackendMisconfigured,
    BackendStalled,
    BackendUnavailable,
)

__all__ = [
    "Backend",
    "BackendBusy",
    "BackendDeclined",
    "BackendEvent",
    "BackendFailed",
    "BackendInfo",
    "BackendMisconfigured",
    "BackendRequest",
    "BackendStalled",
    "BackendUnavailable",
    "BreakerState",
    "Chunk",
    "Continuation",
    "Finish",
    "Message",
    "Price",
    "Resume",
    "StopReason",
    "Switch",
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
    """0 to 2; at 0 the likeliest token is always taken."""
    top_p: float = 0.95
    seed: int | None = None
    stop: tuple[str, ...] = ()
    """Texts that end the generation; never part of the output."""
    json_schema: Mapping[str, Any] | None = None
    """When set, the output is one JSON text of this schema, held to it while decoding where the backend can."""
    adapter: str = ""
    """LoRA adapter to generate with; empty: the model as it is."""
    prefix: str = ""
    """What the answer begins with already: the output goes on right behind it and does not repeat it. `max_tokens`
    counts the output alone; `json_schema` speaks of prefix and output together."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """W3C trace context (`traceparent`, `tracestate`) for model servers that take part in traces."""
    account: Account = field(default_factory=Account, compare=False, repr=False)
    """Where what this request uses is added up; see `Metered`."""


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


class Resume(Enum):
    """What becomes of the text so far when something else goes on with it."""

    EXACT_PREFIX = "exact_prefix"
    CONTINUED = "continued"
    RESTARTED = "restarted"


@dataclass(frozen=True, slots=True)
class Switch:
    """Another backend, or another replica of the same, goes on. Only wrappers that fail over send this."""

    source: str
    target: str
    reason: str
    """One word: `overloaded`, `stalled`, `slow_start`, `unavailable`, `failed`."""
    resume: Resume


BackendEvent = Chunk | Finish | Switch


@dataclass(frozen=True, slots=True)
class Price:
    """What a backend costs. Units: USD for a million tokens, and USD for an hour of one replica."""

    usd_per_mtok_in: float = 0.0
    usd_per_mtok_out: float = 0.0
    usd_per_hour: float = 0.0


class Continuation(StrEnum):
    """How soundly a backend goes on behind `BackendRequest.prefix`."""

    EXACT = "exact"
    """The model sees the very prefix, as if it had written it."""
    ASKED = "asked"
    """The model is shown the prefix and asked in words to go on."""
    NONE = "none"


class BreakerState(StrEnum):
    """Whether a circuit breaker lets requests through."""

    CLOSED = "closed"
    HALF_OPEN = "half_open"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class BackendInfo:
    """What is known of a backend before it is asked."""

    name: str
    kind: str
    model: str
    residency: str = "self_hosted"
    max_concurrency: int = 1
    """Most generations at a time; for backends of several replicas, of each."""
    constrained_output: bool = False
    """True when `json_schema` is held while decoding."""
    price: Price = field(default_factory=Price)
    prompt: str = ""
    """Name of the prompt that suits the model; empty: the usual one."""
    continuation: Continuation = Continuation.NONE
    continues_json: bool = False
    """True when `json_schema` is held behind a prefix too, where `json_rest.rest_pattern` knows how."""
    adapters: frozenset[str] = frozenset()
    """LoRA adapters that can be asked for."""
    endpoint: str = ""
    """Which replica this is: `10.1.2.3:80`; empty for those without a network or with any number of replicas."""


class Backend(Protocol):
    """A model that generates text. Inherit from it for the defaults."""

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

    @property
    def capacity(self) -> int:
        """Most generations at a time, over all replicas that there are now."""
        return self.info.max_concurrency

    @property
    def predicted_wait(self) -> float:
        """Seconds that a new request would wait inside the model server before its turn."""
        return 0.0

    @property
    def breaker(self) -> BreakerState:
        """OPEN when it failed so often that it is left alone for a while."""
        return BreakerState.CLOSED

    async def start(self) -> None:
        """Loads or connects. Raises BackendMisconfigured with the remedy.

        A model server that cannot be reached yet is no error: `ready` tells when it can.
        """
        ...

    async def close(self) -> None:
        """Ends what is running and frees everything. May be called twice."""
        ...

    def generate(self, request: BackendRequest) -> AsyncGenerator[BackendEvent]:
        """Yields chunks, then exactly one Finish; or raises one of the errors of `.errors`, or InvalidInput where the
        request itself is at fault.

        Closing the generator (or cancelling the task that reads it) stops the model within 100 ms.
        Bounded: a reader that does not read makes the backend wait, not the memory grow.
        """
        ...
