"""How far an import is, and how it ended, as one item of the store.

``TENANT#operations`` / id. The rows that it refused lie beside it, ``TENANT#operation#ID`` / line, and all of it
expires after RETENTION.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, Final

from adwright_docstore import Item, Key, Put, Store, Version
from adwright_resources.store_errors import translated
from adwright_servicekit.errors import FailedPrecondition, NotFound

from . import layout
from .filetext import FileRefused
from .import_model import FileFormat, Problem, Progress
from .kinds import KINDS, Kind
from .records import Place

__all__ = [
    "RETENTION",
    "ImportOperation",
    "Outcome",
    "ended",
    "key_of",
    "pack",
    "problem_of",
    "put",
    "put_problem",
    "read",
    "unpack",
]

RETENTION: Final = timedelta(days=7)
"""How long an import is known from its start, whether it has ended or not."""


class Outcome(Enum):
    """How an import stands."""

    OPEN = ""
    FINISHED = "finished"
    CANCELLED = "cancelled"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class ImportOperation:
    """An import as it was read."""

    id: str
    kind: Kind
    brand_id: str
    file_format: FileFormat
    validate_only: bool
    progress: Progress
    create_time: datetime
    update_time: datetime
    outcome: Outcome = Outcome.OPEN
    refusal: FileRefused | None = None
    fingerprint: str = ""
    version: int = 0

    @property
    def name(self) -> str:
        """How callers name it."""
        return f"operations/{self.id}"

    @property
    def expire_time(self) -> datetime:
        """When it is forgotten."""
        return self.create_time + RETENTION

    @property
    def done(self) -> bool:
        """Whether nothing more can be sent."""
        return self.outcome is not Outcome.OPEN


def ended(there: ImportOperation) -> FailedPrecondition:
    """The error for going on with an import that has ended."""
    how = {
        Outcome.FINISHED: "is finished",
        Outcome.CANCELLED: "was cancelled",
        Outcome.REFUSED: "ended, because its file cannot be read",
    }
    return FailedPrecondition(f"{there.name} {how[there.outcome]}: start another import", reason="IMPORT_ENDED")


async def read(store: Store, tenant: str, operation_id: str) -> ImportOperation:
    """Raises NotFound."""
    with translated():
        item = await store.get(key_of(tenant, operation_id))
    if item is None:
        raise NotFound(
            f"there is no operations/{operation_id}: it was deleted, is older than {RETENTION.days} days, "
            "or belongs to somebody else",
            reason="OPERATION_NOT_FOUND",
        )
    return unpack(item)


def key_of(tenant: str, operation_id: str) -> Key:
    """Where an import lies."""
    return Key(layout.operations_partition(tenant), operation_id)


def put(tenant: str, operation: ImportOperation) -> Put:
    """What writes it over the version that it was made from."""
    key = key_of(tenant, operation.id)
    return Put(key, pack(operation), Version(operation.version), expires_at=operation.expire_time)


def put_problem(tenant: str, operation: ImportOperation, problem: Problem) -> Put:
    """What keeps one of its refused rows."""
    key = Key(layout.refused_partition(tenant, operation.id), f"{problem.line:012d}")
    data: dict[str, Any] = {"field": problem.field, "message": problem.message, "column": problem.column}
    return Put(key, data, expires_at=operation.expire_time)


def pack(operation: ImportOperation) -> dict[str, Any]:
    """What is stored of it."""
    progress, refusal = operation.progress, operation.refusal
    return {
        "collection": operation.kind.plural,
        "brand": operation.brand_id,
        "format": operation.file_format.value,
        "validate_only": operation.validate_only,
        "offset": progress.place.offset,
        "line": progress.place.line,
        "crc32": progress.place.crc32,
        "state": list(progress.state),
        "imported": progress.imported,
        "failed": progress.failed,
        "create_time": operation.create_time.isoformat(),
        "update_time": operation.update_time.isoformat(),
        "outcome": operation.outcome.value,
        "refusal": {"message": refusal.message, "reason": refusal.reason} if refusal else None,
        "fingerprint": operation.fingerprint,
    }


def unpack(item: Item) -> ImportOperation:
    """The import that an item holds."""
    data: dict[str, Any] = dict(item.data)
    refusal = data["refusal"]
    return ImportOperation(
        id=item.key.sk,
        kind=next(kind for kind in KINDS if kind.plural == data["collection"]),
        brand_id=data["brand"],
        file_format=FileFormat(data["format"]),
        validate_only=data["validate_only"],
        progress=Progress(
            Place(data["offset"], data["line"], data["crc32"]), tuple(data["state"]), data["imported"], data["failed"]
        ),
        create_time=datetime.fromisoformat(data["create_time"]),
        update_time=datetime.fromisoformat(data["update_time"]),
        outcome=Outcome(data["outcome"]),
        refusal=FileRefused(refusal["message"], reason=refusal["reason"]) if refusal else None,
        fingerprint=data["fingerprint"],
        version=item.version,
    )


def problem_of(item: Item) -> Problem:
    """The refused row that an item holds."""
    data: dict[str, Any] = dict(item.data)
    return Problem(int(item.key.sk), data["field"], data["message"], data["column"])
