"""A run and its shards as they are stored.

===================================  ==============================  ==========================
what                                 partition key                   sort key
===================================  ==============================  ==========================
runs of a tenant, newest last        ``TENANT#evaluations``          id, which begins with time
files of a run, in pieces            ``TENANT#evaluation#ID#files``  number
the rest of a run's large fields     ``TENANT#evaluation#ID#fields`` hash and number
shards of a run                      ``TENANT#evaluation#ID#shards`` number
rows that are done                   ``TENANT#evaluation#ID#rows``   case and repeat
what people said                     ``TENANT#evaluation#ID#labels`` cell, metric, who
runs that somebody has to see to     ``adwright#open-runs``          ``TENANT/ID``
===================================  ==============================  ==========================

A run is open from the transaction that begins it, or has it go on, to the one that writes down what became of it.
Everything between can be done again by whoever comes next, so no process that ends at any moment leaves a run alone.
"""

from __future__ import annotations

import hashlib
import json
import operator
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from enum import Enum
from typing import Any, Final
from urllib.parse import quote, unquote

from adwright_docstore import Item, Key, Put
from adwright_evaluator.model import JSON, CellStatus, Told
from adwright_resources.partitions import partition

from .pieces import from_pieces, to_pieces
from .plan import Choices

__all__ = [
    "OPEN_RUNS",
    "Counts",
    "EvaluationRecord",
    "ShardRecord",
    "State",
    "evaluation_key",
    "fields_prefix",
    "open_run_key",
    "open_run_of",
    "part",
    "shard_key",
]

OPEN_RUNS: Final = "adwright#open-runs"
_LARGE: Final = ("description", "prompts", "providers", "columns", "warnings")
"""Fields without a bound. They are kept together, compressed; what does not fit into the run's item lies beside it."""


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
    def of(cls, cells: Iterable[Told]) -> Counts:
        """What these cells add."""
        done = cached = tokens_in = tokens_out = 0
        statuses: Counter[CellStatus] = Counter()
        cost = 0.0
        for cell in cells:
            done += 1
            statuses[cell.status] += 1
            cost += cell.judging_usd
            tokens_in += cell.judging_tokens[0]
            tokens_out += cell.judging_tokens[1]
            if cell.cached:
                cached += 1
            else:
                cost += cell.cost_usd or 0.0
                tokens_in += cell.tokens[0]
                tokens_out += cell.tokens[1]
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
    """Once it is settled; before that the shards know."""
    columns: tuple[Mapping[str, JSON], ...] = ()
    """What was made of each column, once it is settled."""
    warnings: tuple[str, ...] = ()
    resumed: int = 0
    """How often it was gone on with after it had ended."""
    version: int = 0

    @property
    def name(self) -> str:
        """How callers name it."""
        return f"evaluations/{self.id}"

    @property
    def settled(self) -> bool:
        """Whether it has ended, and what became of it is written down."""
        return self.counts is not None

    def packed(self) -> tuple[dict[str, JSON], list[Put]]:
        """What is stored of it: its item, and pieces that belong beside it and are to be written first."""
        first, *rest = to_pieces({name: json.dumps(getattr(self, name)).encode() for name in _LARGE})
        # Named by what they hold: the same again is no other piece, and no run is read with pieces of another time.
        name = hashlib.sha256("".join(rest).encode()).hexdigest()[:32] if rest else ""
        where = part(self.tenant, self.id, "fields")
        pieces = [
            Put(Key(where, f"{name}#{number:04d}"), {"z": piece}, expires_at=self.expire_time)
            for number, piece in enumerate(rest)
        ]
        item: dict[str, JSON] = {
            "tenant": self.tenant,
            "main": self.main,
            "choices": self.choices.packed(),
            "case_count": self.case_count,
            "cell_count": self.cell_count,
            "shards": self.shards,
            "create_time": self.create_time.isoformat(),
            "expire_time": self.expire_time.isoformat(),
            "state": self.state.value,
            "suite": self.suite,
            "end_time": self.end_time.isoformat() if self.end_time else None,
            "counts": self.counts.packed() if self.counts else None,
            "resumed": self.resumed,
            "z": first,
            "rest": name,
        }
        return item, pieces

    @classmethod
    def unpacked(cls, item: Item, rest: Sequence[str] = ()) -> EvaluationRecord:
        """What was stored; `rest` are the pieces beside the item, in order (see `fields_prefix`)."""
        data: dict[str, Any] = dict(item.data)
        del data["rest"]
        large = {name: json.loads(text) for name, text in from_pieces([data.pop("z"), *rest]).items()}
        return cls(
            **data
            | {
                "id": item.key.sk,
                "choices": Choices.unpacked(data["choices"]),
                "description": large["description"],
                "prompts": tuple(large["prompts"]),
                "providers": tuple(large["providers"]),
                "columns": tuple(large["columns"]),
                "warnings": tuple(large["warnings"]),
                "create_time": datetime.fromisoformat(data["create_time"]),
                "expire_time": datetime.fromisoformat(data["expire_time"]),
                "state": State(data["state"]),
                "end_time": datetime.fromisoformat(data["end_time"]) if data["end_time"] else None,
                "counts": Counts.unpacked(data["counts"]) if data["counts"] else None,
                "version": item.version,
            }
        )


@dataclass(frozen=True, slots=True)
class ShardRecord:
    """A part of a run, and who runs it."""

    number: int
    owner: str = ""
    until: float = 0.0
    """Until then nobody else takes it. Units: seconds since the epoch."""
    finished: bool = False
    """Every row is done."""
    out_of_budget: bool = False
    """Its part of the budget is spent."""
    tries: int = 0
    """How often it was taken since it last got on."""
    resumed: int = 0
    """As of which going on of the run all this is said; a run that goes on begins its shards anew."""
    counts: Counts = field(default_factory=Counts)
    version: int = 0
    """0: it was never taken, and is not in the store."""

    @property
    def ended(self) -> bool:
        """Nothing is left to do, or to pay."""
        return self.finished or self.out_of_budget

    def packed(self) -> dict[str, JSON]:
        """What is stored of it."""
        stored = {each.name: getattr(self, each.name) for each in fields(self)}
        del stored["number"], stored["version"]
        return stored | {"counts": self.counts.packed()}

    @classmethod
    def unpacked(cls, item: Item) -> ShardRecord:
        """What was stored."""
        data: dict[str, Any] = dict(item.data)
        return cls(
            **data | {"number": int(item.key.sk), "counts": Counts.unpacked(data["counts"]), "version": item.version}
        )

    def as_of(self, record: EvaluationRecord) -> ShardRecord:
        """The same, or begun anew where its run went on since."""
        if self.resumed == record.resumed:
            return self
        return ShardRecord(self.number, resumed=record.resumed, counts=self.counts, version=self.version)


def evaluation_key(tenant: str, evaluation: str) -> Key:
    """Where a run lies; `evaluation` is its id."""
    return Key(partition(tenant, "evaluations"), evaluation)


def part(tenant: str, evaluation: str, what: str) -> str:
    """The partition of a run's `files`, `fields`, `shards`, `rows` or `labels`."""
    return partition(tenant, f"evaluation#{evaluation}#{what}")


def shard_key(tenant: str, evaluation: str, shard: int) -> Key:
    """Where a shard lies."""
    return Key(part(tenant, evaluation, "shards"), f"{shard:04d}")


def open_run_key(tenant: str, evaluation: str) -> Key:
    """Where it stands that somebody has to see to a run."""
    return Key(OPEN_RUNS, f"{quote(tenant, safe='')}/{evaluation}")


def open_run_of(key: Key) -> tuple[str, str]:
    """Tenant and run that such a key stands for."""
    tenant, evaluation = key.sk.split("/")
    return unquote(tenant), evaluation


def fields_prefix(item: Item) -> str:
    """How the sort keys begin of the pieces beside a run's item; empty: all is in it."""
    name = str(item.data["rest"])
    return f"{name}#" if name else ""
