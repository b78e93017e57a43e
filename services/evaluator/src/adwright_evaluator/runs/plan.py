"""What a run consists of: one row for each case and repeat, one column for each prompt that a provider is asked."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import regex

from adwright_evaluator.model import JSON, Case, Prompt, ProviderSpec, Suite
from adwright_servicekit.errors import InvalidInput

__all__ = ["Choices", "Column", "Plan", "Row"]

_MOST_CELLS: Final = 1_000_000
_SECONDS: Final = 2.0
"""In which the descriptions of all cases are held against a pattern."""


@dataclass(frozen=True, slots=True)
class Choices:
    """What the caller wants otherwise than the suite says; what is 0, empty or False is as the suite says."""

    max_concurrency: int = 0
    repeat: int = 0
    no_cache: bool = False
    requests_per_minute: int = 0
    budget_usd: float = 0.0
    first_cases: int = 0
    case_pattern: str = ""
    providers: tuple[str, ...] = ()
    shards: int = 0
    judge: str = ""

    def packed(self) -> dict[str, JSON]:
        """What is stored of it."""
        return {name: getattr(self, name) for name in self.__slots__} | {"providers": list(self.providers)}

    @classmethod
    def unpacked(cls, data: Mapping[str, JSON]) -> Choices:
        """What was stored."""
        given = {name: value for name, value in data.items() if name in cls.__slots__}
        return cls(**given | {"providers": tuple(data.get("providers") or ())})  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Column:
    """A prompt that a provider is asked."""

    provider: int
    prompt: int


@dataclass(frozen=True, slots=True)
class Row:
    """A case, once."""

    case: Case
    repeat: int
    columns: tuple[Column, ...]

    @property
    def key(self) -> str:
        """Sorts as (case, repeat) does."""
        return f"{self.case.index:06d}#{self.repeat:04d}"


@dataclass(frozen=True, slots=True)
class Plan:
    """A suite as it is run."""

    suite: Suite
    choices: Choices
    cases: tuple[Case, ...]
    columns: tuple[Column, ...]
    repeat: int
    max_concurrency: int
    cache: bool
    delay: float = 0.0
    shards: int = 1

    @classmethod
    def of(cls, suite: Suite, choices: Choices) -> Plan:
        """Raises InvalidInput where a choice leaves nothing, or the run is too large."""
        cases = _cases(suite, choices)
        columns = _columns(suite, choices)
        plan = cls(
            suite=suite,
            choices=choices,
            cases=cases,
            columns=columns,
            repeat=choices.repeat or suite.options.repeat,
            max_concurrency=choices.max_concurrency or suite.options.max_concurrency,
            cache=suite.options.cache and not choices.no_cache,
            delay=suite.options.delay,
            shards=min(choices.shards or 1, len(cases)),
        )
        if plan.cell_count > _MOST_CELLS:
            raise InvalidInput.of(
                "suite", f"has {plan.cell_count} cells, at most {_MOST_CELLS} are run: use fewer cases or repeats"
            )
        return plan

    @property
    def cell_count(self) -> int:
        """Cells of the whole run."""
        return sum(len(self._columns_of(case)) for case in self.cases) * self.repeat

    def rows(self, shard: int = 0) -> Iterator[Row]:
        """The rows of one of the shards, in order. The repeats of a case are in the same one."""
        for case in self.cases:
            if case.index % self.shards != shard:
                continue
            columns = self._columns_of(case)
            for repeat in range(self.repeat):
                yield Row(case, repeat, columns)

    def _columns_of(self, case: Case) -> tuple[Column, ...]:
        if not (case.providers or case.prompts):
            return self.columns
        suite = self.suite
        return tuple(
            column
            for column in self.columns
            if _named(suite.providers[column.provider], case.providers)
            and _named(suite.prompts[column.prompt], case.prompts)
        )


def _cases(suite: Suite, choices: Choices) -> tuple[Case, ...]:
    cases = suite.cases
    if choices.case_pattern:
        cases = _matching(cases, choices.case_pattern)
    if choices.first_cases:
        cases = cases[: choices.first_cases]
    if not cases:
        raise InvalidInput.of("suite", "has no case to run: see its tests, and case_pattern", reason="NO_CASES")
    return cases


def _matching(cases: Sequence[Case], written: str) -> tuple[Case, ...]:
    """The cases whose description matches. An expression can take for ever: it has a limit of time for all of them."""
    end = time.monotonic() + _SECONDS
    try:
        pattern = regex.compile(written)
        return tuple(
            case for case in cases if pattern.search(case.description, timeout=max(0.001, end - time.monotonic()))
        )
    except regex.error as error:
        raise InvalidInput.of("options.case_pattern", f"is no regular expression: {error}") from None
    except TimeoutError:
        raise InvalidInput.of("options.case_pattern", f"takes more than {_SECONDS:g} s: make it simpler") from None


def _columns(suite: Suite, choices: Choices) -> tuple[Column, ...]:
    wanted = set(choices.providers)
    known = {name for provider in suite.providers for name in (provider.id, provider.label)}
    for index, name in enumerate(choices.providers):
        if name not in known:
            there = ", ".join(provider.label for provider in suite.providers)
            raise InvalidInput.of(
                f"options.providers[{index}]",
                f"the suite has no provider {name!r}: it has {there}",
                reason="UNKNOWN_PROVIDER",
            )
    columns = tuple(
        Column(p, q)
        for p, provider in enumerate(suite.providers)
        if not wanted or wanted & {provider.id, provider.label}
        for q, prompt in enumerate(suite.prompts)
        if _named(prompt, provider.prompts)
    )
    if not columns:
        raise InvalidInput.of(
            "suite", "no provider is asked any prompt: see `prompts` of the providers", reason="NO_CASES"
        )
    return columns


def _named(thing: Prompt | ProviderSpec, names: tuple[str, ...]) -> bool:
    return not names or bool({thing.id, thing.label} & set(names))
