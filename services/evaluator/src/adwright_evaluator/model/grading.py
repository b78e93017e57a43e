"""What scorers look at, and what they may reach besides the output."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from .answer import NO_USAGE, Answer, Usage
from .suite import JSON, Assertion, Case, ProviderSpec
from .verdict import Verdict

__all__ = ["Completion", "Embedder", "Grading", "Judge", "Scorer", "SetScorer", "Tools"]


@dataclass(frozen=True, slots=True)
class Completion:
    """What a judge's model said."""

    text: str
    usage: Usage = NO_USAGE
    cost_usd: float = 0.0
    model: str = ""


class Judge(Protocol):
    """A model that grades."""

    @property
    def id(self) -> str:
        """`backend:tgi-a10g`."""
        ...

    async def complete(
        self,
        messages: Sequence[Mapping[str, str]],
        *,
        json_schema: Mapping[str, JSON] | None = None,
        max_tokens: int = 1024,
        seed: int | None = None,
    ) -> Completion:
        """`messages` have `role` and `content`. Raises AdwrightError of adwright_servicekit.errors."""
        ...


class Embedder(Protocol):
    """Makes vectors of texts."""

    async def embed(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        """One vector a text, all of the same length."""
        ...


class Tools(Protocol):
    """What scorers may reach besides the output."""

    allow_python: bool
    """Whether code in suites may run here."""

    def judge(self, spec: ProviderSpec | None) -> Judge:
        """The model that `spec` names; None: the default judge. Raises InvalidInput for an unknown one."""
        ...

    def embedder(self, spec: ProviderSpec | None) -> Embedder:
        """The same for vectors; the packaged encoder is the default."""
        ...

    def file(self, name: str) -> bytes:
        """A file of the suite. Raises InvalidInput where it did not come along."""
        ...


@dataclass(frozen=True, slots=True)
class Grading:
    """Everything that a scorer looks at."""

    assertion: Assertion
    """Templates in its value are filled in already; `file://` values are read."""
    output: JSON
    """The answer's output after the transforms."""
    text: str
    """`output` as a text: objects as compact JSON."""
    answer: Answer
    case: Case
    vars: Mapping[str, JSON]
    prompt: str
    """As it was sent."""
    tools: Tools


Scorer: TypeAlias = Callable[[Grading], "Verdict | Awaitable[Verdict]"]
"""Knows nothing of `not-`: whoever calls it negates the verdict, unless it is in `assertions.NEGATING`."""
SetScorer: TypeAlias = Callable[[Sequence[Grading]], "Sequence[Verdict] | Awaitable[Sequence[Verdict]]"]
"""Compares the outputs of one case over all prompts and providers: select-best, max-score."""
