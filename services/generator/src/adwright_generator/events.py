"""What happens in a generation, as plain data. `servicer` turns it into AdEvents, in this order of appearance."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from adwright_checks import Finding, Format

from .backends.accounting import Account
from .backends.base import Resume

__all__ = [
    "Ad",
    "Completed",
    "Delta",
    "Event",
    "FinishReason",
    "Resume",
    "Started",
    "Switched",
    "Timings",
    "Withheld",
]


@dataclass(frozen=True, slots=True)
class Started:
    """First, and once."""

    generation: str
    format: Format
    backend: str
    model: str
    prompt_version: str
    context_revision: str
    language: str
    products: tuple[str, ...]
    """Resource names."""
    variant_count: int


@dataclass(frozen=True, slots=True)
class Delta:
    """More text of one field: whole code points, never empty."""

    variant: int
    path: str
    text: str


@dataclass(frozen=True, slots=True)
class Switched:
    """Another backend or another try goes on with a variant."""

    variant: int
    source: str
    target: str
    reason: str
    resume: Resume


@dataclass(frozen=True, slots=True)
class Withheld:
    """A guardrail kept a text back before it reached the wire."""

    variant: int
    path: str
    rule: str


class FinishReason(Enum):
    """Why a generation ended, from good to bad."""

    STOP = "stop"
    CHECKS_FAILED = "checks_failed"
    LENGTH = "length"


@dataclass(frozen=True, slots=True)
class Ad:
    """One finished variant: its texts by path in the format's order, and what the checks said."""

    variant: int
    format: Format
    texts: dict[str, str]
    findings: Sequence[Finding]
    valid: bool


@dataclass(frozen=True, slots=True)
class Timings:
    """Units: seconds since the request came in; None where nothing was measured."""

    queued: float
    first_delta: float | None
    total: float
    per_output_token: float | None


@dataclass(frozen=True, slots=True)
class Completed:
    """Last, and once."""

    ads: Sequence[Ad]
    finish_reason: FinishReason
    usage: Account
    """Of all calls, those that failed included; with their cost."""
    timings: Timings


Event = Started | Delta | Switched | Withheld | Completed
