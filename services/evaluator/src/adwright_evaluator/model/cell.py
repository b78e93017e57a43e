"""What became of one case with one provider and one prompt."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final, NamedTuple

from .answer import Answer
from .suite import JSON
from .verdict import Verdict

__all__ = ["CellResult", "CellStatus", "Told"]

_TITLE: Final = 120


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
