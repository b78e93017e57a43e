"""A run and its shards as they are stored.

===================================  ==============================  ==========================
what                                 partition key                   sort key
===================================  ==============================  ==========================
runs of a tenant, newest last        ``TENANT#evaluations``          id, which begins with time
files of a run, in pieces            ``TENANT#evaluation#ID#files``  number
shards of a run                      ``TENANT#evaluation#ID#shards`` number
rows that are done                   ``TENANT#evaluation#ID#rows``   case and repeat
what people said                     ``TENANT#evaluation#ID#labels`` cell, metric, who
shards that somebody has to run      ``adwright#open-shards``        ``TENANT/ID/number``
===================================  ==============================  ==========================
"""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from enum import Enum
from typing import Any, Final
from urllib.parse import quote, unquote

from adwright_docstore import Item, Key
from adwright_evaluator.model import JSON, CellResult, CellStatus
from adwright_resources.partitions import partition

from .plan import Choices

__all__ = [
    "OPEN_SHARDS",
    "Counts",
    "EvaluationRecord",
    "ShardRecord",
    "State",
    "evaluation_key",
    "open_shard_key",
    "open_shard_of",
    "part",
    "shard_key",
]

OPEN_SHARDS: Final = "adwright#open-shards"


class State(Enum):
    """How a run stands."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    CANCELLED = "cancelled"
    OUT_OF_BUDGET = "out_of_budget"


@dataclass(frozen=True, slots=True)
class Counts:
    """How far a run is, and what it took, judges included."""

    done: int = 0
    passed: int = 0
    failed: int = 0
    errors: int = 0
    cached: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0

    def __add__(self, other: Counts) -> Counts:
        """Both together."""
        return Counts(*map(operator.add, _numbers(self), _numbers(other)))

    @classmethod
    def of(cls, cells: Iterable[CellResult]) -> Counts:
        """What these cells add."""
        done = cached = tokens_in = tokens_out = 0
        statuses: Counter[CellStatus] = Counter()
        cost = 0.0
        for cell in cells:
            answer, verdict = cell.answer, cell.verdict
            done += 1
            statuses[cell.status] += 1
            spent = [] if answer.cached else [(answer.usage, answer.cost_usd or 0.0)]
            if verdict is not None:
                spent.append((verdict.usage, verdict.cost_usd))
            cached += answer.cached
            for usage, usd in spent:
                tokens_in += usage.input_tokens
                tokens_out += usage.output_tokens
                cost += usd
        passed, failed, errors = (statuses[each] for each in (CellStatus.PASSED, CellStatus.FAILED, CellStatus.ERROR))
        return cls(done, passed, failed, errors, cached, tokens_in, tokens_out, cost)

    def packed(self) -> dict[str, JSON]:
        """What is stored of it."""
        return {each.name: getattr(self, each.name) for each in fields(self)}

    @classmethod
    def unpacked(cls, data: Any) -> Counts:
        """What was stored."""
        return cls(**data)


_numbers = operator.attrgetter(*(each.name for each in fields(Counts)))


@dataclass(frozen=True, slots=True)
class EvaluationRecord:
    """A run as it was read."""

    id: str
    tenant: str
    description: str
    main: str
    """The file that names the others."""
    choices: Choices
    prompts: tuple[Mapping[str, JSON], ...]
    """Each with id, label, template."""
    providers: tuple[str, ...]
    """Labels."""
    case_count: int
    cell_count: int
    shards: int
    create_time: datetime
    expire_time: datetime
    state: State = State.RUNNING
    suite: str = ""
    end_time: datetime | None = None
    counts: Counts | None = None
    """Once it has ended; before that the shards know."""
    columns: tuple[Mapping[str, JSON], ...] = ()
    """What was made of each column, once it has ended."""
    warnings: tuple[str, ...] = ()
    version: int = 0

    @property
    def name(self) -> str:
        """How callers name it."""
        return f"evaluations/{self.id}"

    def packed(self) -> dict[str, JSON]:
        """What is stored of it."""
        return {
            "tenant": self.tenant,
            "description": self.description,
            "main": self.main,
            "choices": self.choices.packed(),
            "prompts": list(self.prompts),
            "providers": list(self.providers),
            "case_count": self.case_count,
            "cell_count": self.cell_count,
            "shards": self.shards,
            "create_time": self.create_time.isoformat(),
            "expire_time": self.expire_time.isoformat(),
            "state": self.state.value,
            "suite": self.suite,
            "end_time": self.end_time.isoformat() if self.end_time else None,
            "counts": self.counts.packed() if self.counts else None,
            "columns": list(self.columns),
            "warnings": list(self.warnings),
        }

    @classmethod
    def unpacked(cls, item: Item) -> EvaluationRecord:
        """What was stored."""
        data: dict[str, Any] = dict(item.data)
        return cls(
            **data
            | {
                "id": item.key.sk,
                "choices": Choices.unpacked(data["choices"]),
                "prompts": tuple(data["prompts"]),
                "providers": tuple(data["providers"]),
                "create_time": datetime.fromisoformat(data["create_time"]),
                "expire_time": datetime.fromisoformat(data["expire_time"]),
                "state": State(data["state"]),
                "end_time": datetime.fromisoformat(data["end_time"]) if data["end_time"] else None,
                "counts": Counts.unpacked(data["counts"]) if data["counts"] else None,
                "columns": tuple(data["columns"]),
                "warnings": tuple(data["warnings"]),
                "version": item.version,
            }
        )


@dataclass(frozen=True, slots=True)
class ShardRecord:
    """A part of a run, and who runs it."""

    number: int
    owner: str = ""
    until: float = 0.0
    """When the owner's word expires: seconds since the epoch."""
    finished: bool = False
    retry_errors: bool = False
    """Whether rows with an error are run again."""
    counts: Counts = field(default_factory=Counts)
    version: int = 0

    def packed(self) -> dict[str, JSON]:
        """What is stored of it."""
        return {
            "owner": self.owner,
            "until": self.until,
            "finished": self.finished,
            "retry_errors": self.retry_errors,
            "counts": self.counts.packed(),
        }

    @classmethod
    def unpacked(cls, item: Item) -> ShardRecord:
        """What was stored."""
        data: dict[str, Any] = dict(item.data)
        return cls(
            **data | {"number": int(item.key.sk), "counts": Counts.unpacked(data["counts"]), "version": item.version}
        )


def evaluation_key(tenant: str, evaluation: str) -> Key:
    """Where a run lies; `evaluation` is its id."""
    return Key(partition(tenant, "evaluations"), evaluation)


def part(tenant: str, evaluation: str, what: str) -> str:
    """The partition of a run's `files`, `shards`, `rows` or `labels`."""
    return partition(tenant, f"evaluation#{evaluation}#{what}")


def shard_key(tenant: str, evaluation: str, shard: int) -> Key:
    """Where a shard lies."""
    return Key(part(tenant, evaluation, "shards"), f"{shard:04d}")


def open_shard_key(tenant: str, evaluation: str, shard: int) -> Key:
    """Where it stands that somebody has to run it."""
    return Key(OPEN_SHARDS, f"{quote(tenant, safe='')}/{evaluation}/{shard:04d}")


def open_shard_of(key: Key) -> tuple[str, str, int]:
    """Tenant, run and number that such a key stands for."""
    tenant, evaluation, shard = key.sk.split("/")
    return unquote(tenant), evaluation, int(shard)
