"""The words of evaluations: what a suite asks, what a provider answered, what was said of it. Plain data."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, NamedTuple, Protocol, TypeAlias

from adwright_checks import Subject

__all__ = [
    "JSON",
    "NO_USAGE",
    "Answer",
    "Assertion",
    "AssertionSet",
    "Case",
    "CellResult",
    "CellStatus",
    "Completion",
    "Embedder",
    "Grading",
    "Judge",
    "Outcome",
    "Place",
    "Prompt",
    "ProviderSpec",
    "RunOptions",
    "Scorer",
    "SetScorer",
    "Suite",
    "Told",
    "Tools",
    "Usage",
    "Verdict",
]

_TITLE: Final = 120

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


class Outcome(Enum):
    """What became of an assertion."""

    SCORED = "scored"
    NOT_APPLICABLE = "not_applicable"
    """Nothing to look at; counts neither for nor against."""
    FAILED = "failed"
    """It could not be told; never a zero."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a scorer said of an output."""

    passed: bool
    score: float
    """0 to 1 for most; rouge, cost and so on have their own ranges. 0 unless scored."""
    reason: str
    """One sentence a person can act on."""
    outcome: Outcome = Outcome.SCORED
    named_scores: Mapping[str, float] = field(default_factory=dict)
    usage: Usage = NO_USAGE
    """What judging took."""
    cost_usd: float = 0.0
    components: tuple[Verdict, ...] = ()
    assertion: Assertion | AssertionSet | None = None
    """Set by who runs the scorers."""
    metadata: Mapping[str, JSON] = field(default_factory=dict)

    def of(self, assertion: Assertion | AssertionSet) -> Verdict:
        """The same, as the verdict of this assertion."""
        # Written out: `replace` takes four times as long, and every assertion of every cell comes by here.
        return Verdict(
            self.passed,
            self.score,
            self.reason,
            self.outcome,
            self.named_scores,
            self.usage,
            self.cost_usd,
            self.components,
            assertion,
            self.metadata,
        )

    @classmethod
    def failed(cls, reason: str) -> Verdict:
        """It could not be told."""
        return cls(False, 0.0, reason, Outcome.FAILED)

    @classmethod
    def not_applicable(cls, reason: str) -> Verdict:
        """There is nothing to look at."""
        return cls(True, 0.0, reason, Outcome.NOT_APPLICABLE)


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


class CellStatus(Enum):
    """How a cell ended."""

    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"


class Told(NamedTuple):
    """A cell in what is added up; a run has up to a million of them. Tokens are those read and those written."""

    case: int
    provider: int
    prompt: int
    status: CellStatus
    score: float
    cached: bool
    latency_ms: float | None
    cost_usd: float | None
    """Of the answer; None where the provider tells none."""
    tokens: tuple[int, int]
    judging_usd: float
    judging_tokens: tuple[int, int]
    named_scores: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class CellResult:
    """One case, answered by one provider to one prompt, once."""

    case: int
    prompt: int
    provider: int
    repeat: int
    """Positions in the suite, from 0."""
    status: CellStatus
    score: float
    """Weighted mean of what was scored, 0 to 1; 0 in an ERROR, which nobody should add up."""
    answer: Answer
    prompt_text: str
    vars: Mapping[str, JSON]
    verdict: Verdict | None = None
    """Of all assertions together; its components are theirs, in the order of the case."""
    error: str = ""
    description: str = ""
    """What the suite says of the case."""
    vars_hash: str = ""
    """Of the variables before they were shortened to be stored; empty: they are whole."""

    @property
    def case_key(self) -> str:
        """What makes a case the same in two runs: its variables, wherever it stands."""
        if self.vars_hash:
            return self.vars_hash
        text = json.dumps(self.vars, sort_keys=True, ensure_ascii=False, default=str)
        return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:16]

    @property
    def key(self) -> tuple[int, int, int, int]:
        """(case, provider, prompt, repeat): the order of results."""
        return (self.case, self.provider, self.prompt, self.repeat)

    @property
    def told(self) -> Told:
        """What it adds to the sums of its run."""
        answer, verdict = self.answer, self.verdict
        return Told(
            self.case,
            self.provider,
            self.prompt,
            self.status,
            self.score,
            answer.cached,
            answer.latency_ms,
            answer.cost_usd,
            (answer.usage.input_tokens, answer.usage.output_tokens),
            verdict.cost_usd if verdict else 0.0,
            (verdict.usage.input_tokens, verdict.usage.output_tokens) if verdict else (0, 0),
            verdict.named_scores if verdict else {},
        )

    @property
    def back_translation(self) -> tuple[str, str]:
        """A literal translation for who does not read the output's language, and the language it is in; both empty."""
        for verdict in _all_of(self.verdict):
            if "back_translation" in verdict.metadata:
                return str(verdict.metadata["back_translation"]), str(verdict.metadata["back_translation_language"])
        return "", ""

    @property
    def title(self) -> str:
        """The case in a few words: as the suite describes it, or its variables."""
        said = self.description or ", ".join(f"{name}: {_plain(value)}" for name, value in self.vars.items())
        return said if len(said) <= _TITLE else f"{said[: _TITLE - 1]}…"


def _plain(value: JSON) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _all_of(verdict: Verdict | None) -> Iterator[Verdict]:
    if verdict is not None:
        yield verdict
        for each in verdict.components:
            yield from _all_of(each)
