"""What a suite asks: prompts, providers, cases, and what is expected of outputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

__all__ = [
    "JSON",
    "Assertion",
    "AssertionSet",
    "Case",
    "Place",
    "Prompt",
    "ProviderSpec",
    "RunOptions",
    "Suite",
]

JSON: TypeAlias = "bool | int | float | str | Sequence[JSON] | Mapping[str, JSON] | None"


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands in the files of a suite; lines and columns count from 1, 0 is unknown."""

    file: str = ""
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        """`promptfooconfig.yaml:12:5`."""
        return ":".join([self.file, *(str(number) for number in (self.line, self.column) if number)])


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt under test."""

    id: str
    """Hash of its template: two runs with the same id asked the same."""
    label: str
    template: str
    """Nunjucks; a JSON or YAML list of chat messages is sent as messages."""
    place: Place = Place()


@dataclass(frozen=True, slots=True)
class ProviderSpec:
    """What answers: `adwright`, `backend:NAME`, `echo`, `fake`."""

    id: str
    label: str
    config: Mapping[str, JSON] = field(default_factory=dict)
    prompts: tuple[str, ...] = ()
    """Labels or ids of the only prompts it is asked; empty: all."""
    transform: str = ""
    delay: float = 0.0
    """Seconds to wait after each call."""
    place: Place = Place()


@dataclass(frozen=True, slots=True)
class Assertion:
    """One expectation of an output."""

    type: str
    """Without `not-`."""
    value: JSON = None
    negated: bool = False
    threshold: float | None = None
    weight: float = 1.0
    metric: str = ""
    """Name under which its score is added up; empty: none. May be a template."""
    provider: ProviderSpec | None = None
    """The judge or the embedder, where it is not the suite's."""
    rubric_prompt: JSON = None
    transform: str = ""
    config: Mapping[str, JSON] = field(default_factory=dict)
    place: Place = Place()

    @property
    def name(self) -> str:
        """As the suite spells it: `not-contains`."""
        return f"not-{self.type}" if self.negated else self.type


@dataclass(frozen=True, slots=True)
class AssertionSet:
    """Expectations that hold together when the weighted share that holds reaches `threshold`; None: all must."""

    assertions: tuple[Assertion, ...]
    threshold: float | None = None
    weight: float = 1.0
    metric: str = ""
    config: Mapping[str, JSON] = field(default_factory=dict)
    place: Place = Place()


@dataclass(frozen=True, slots=True)
class Case:
    """One set of variables and what is expected with them."""

    index: int
    description: str = ""
    vars: Mapping[str, JSON] = field(default_factory=dict)
    assertions: tuple[Assertion | AssertionSet, ...] = ()
    threshold: float | None = None
    """Least weighted mean score to pass; None: every assertion must hold."""
    metadata: Mapping[str, JSON] = field(default_factory=dict)
    options: Mapping[str, JSON] = field(default_factory=dict)
    """promptfoo's `options`: prefix, suffix, transform, provider, rubricPrompt, storeOutputAs, …"""
    providers: tuple[str, ...] = ()
    """Labels or ids of the only providers; empty: all."""
    prompts: tuple[str, ...] = ()
    place: Place = Place()


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How a suite is run."""

    max_concurrency: int = 4
    """Calls of providers at a time."""
    repeat: int = 1
    delay: float = 0.0
    """Seconds to wait after each call."""
    cache: bool = True


@dataclass(frozen=True, slots=True)
class Suite:
    """prompts × providers × cases."""

    description: str
    prompts: tuple[Prompt, ...]
    providers: tuple[ProviderSpec, ...]
    cases: tuple[Case, ...]
    options: RunOptions = RunOptions()
    filters: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    """What was ignored, with its place."""
