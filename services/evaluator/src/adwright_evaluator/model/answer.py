"""What providers answer, and what it takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from adwright_checks import Subject

from .suite import JSON

__all__ = ["NO_USAGE", "Answer", "Usage"]


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens read and written."""

    input_tokens: int = 0
    output_tokens: int = 0
    calls: int = 0

    def __add__(self, other: Usage) -> Usage:
        """Both together."""
        return Usage(
            self.input_tokens + other.input_tokens, self.output_tokens + other.output_tokens, self.calls + other.calls
        )


NO_USAGE: Final = Usage()


@dataclass(frozen=True, slots=True)
class Answer:
    """What a provider answered."""

    output: JSON
    """A text; an object where the provider answers with one."""
    latency_ms: float | None = None
    cost_usd: float | None = None
    usage: Usage = NO_USAGE
    finish_reason: str = ""
    refused: bool = False
    logprobs: tuple[float, ...] | None = None
    """Natural logarithms of the tokens' probabilities; None where the provider gives none."""
    cached: bool = False
    trace_id: str = ""
    model: str = ""
    subject: Subject | None = None
    """The ad with its brand, products and format, from the provider `adwright`."""
    metadata: Mapping[str, JSON] = field(default_factory=dict)
    error: str = ""
    """Why there is no output; its cell then counts as failed, never as zero."""
