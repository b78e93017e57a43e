"""What people said of cells: kept beside the run, replaced when the same person says something else."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote

from adwright_docstore import Item, Key, Prefix, Put, Store
from adwright_evaluator.runs.packing import unpack_row
from adwright_evaluator.runs.records import EvaluationRecord, part
from adwright_resources.store_errors import translated
from adwright_servicekit.errors import NotFound

__all__ = ["Label", "Labels"]

_PAGE: Final = 50


@dataclass(frozen=True, slots=True)
class Label:
    """One person's word on one cell; `metric` is empty for the output as a whole."""

    case: int
    provider: int
    prompt: int
    repeat: int
    labeler: str
    metric: str
    passed: bool
    score: float | None
    comment: str
    create_time: datetime

    @property
    def cell(self) -> tuple[int, int, int, int]:
        """(case, provider, prompt, repeat)."""
        return (self.case, self.provider, self.prompt, self.repeat)


class Labels:
    """The labels of runs. Methods raise AdwrightError: NotFound (cell), InvalidInput (token), Unavailable."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def write(self, record: EvaluationRecord, labels: Sequence[Label]) -> None:
        """Writes them down, all or, where one is of a cell that there is not, none."""
        await self._check(record, labels)
        where = part(record.tenant, record.id, "labels")
        with translated():
            await self._store.write_many(
                Put(Key(where, _key(label)), _packed(label), expires_at=record.expire_time) for label in labels
            )

    async def page(self, record: EvaluationRecord, page_size: int, page_token: str) -> tuple[Sequence[Label], str]:
        """One page, by cell, and the token of the next."""
        with translated():
            page = await self._store.query(
                part(record.tenant, record.id, "labels"),
                limit=page_size or _PAGE,
                page_token=page_token or None,
                consistent=True,
            )
        return [_unpacked(item) for item in page.items], page.next_page_token or ""

    async def all(self, record: EvaluationRecord) -> AsyncIterator[Label]:
        """All of them, by cell."""
        with translated():
            where = part(record.tenant, record.id, "labels")
            async for item in self._store.query_all(where, page_size=500, consistent=True):
                yield _unpacked(item)

    async def of_case(self, record: EvaluationRecord, case: int) -> AsyncIterator[Label]:
        """Those of one case, by cell."""
        with translated():
            where = part(record.tenant, record.id, "labels")
            async for item in self._store.query_all(where, sk=Prefix(f"{case:06d}#"), consistent=True):
                yield _unpacked(item)

    async def _check(self, record: EvaluationRecord, labels: Iterable[Label]) -> None:
        rows: dict[str, set[tuple[int, int, int, int]]] = {}
        where = part(record.tenant, record.id, "rows")
        wanted = {f"{label.case:06d}#{label.repeat:04d}" for label in labels}
        with translated():
            found = await self._store.get_many(Key(where, key) for key in wanted)
        for key, item in found.items():
            rows[key.sk] = {cell.key for cell in unpack_row(item.data)}
        for index, label in enumerate(labels):
            if label.cell not in rows.get(f"{label.case:06d}#{label.repeat:04d}", ()):
                raise NotFound(
                    f"labels[{index}].cell: {record.name} has no result for case {label.case}, provider "
                    f"{label.provider}, prompt {label.prompt}, repeat {label.repeat}",
                    reason="CELL_NOT_FOUND",
                )


def _key(label: Label) -> str:
    cell = f"{label.case:06d}#{label.provider:03d}#{label.prompt:03d}#{label.repeat:04d}"
    return f"{cell}#{quote(label.metric, safe='')}#{quote(label.labeler, safe='')}"


def _packed(label: Label) -> dict[str, Any]:
    return {
        "cell": list(label.cell),
        "labeler": label.labeler,
        "metric": label.metric,
        "passed": label.passed,
        "score": label.score,
        "comment": label.comment,
        "create_time": label.create_time.isoformat(),
    }


def _unpacked(item: Item) -> Label:
    data: dict[str, Any] = dict(item.data)
    case, provider, prompt, repeat = data["cell"]
    return Label(
        case,
        provider,
        prompt,
        repeat,
        data["labeler"],
        data["metric"],
        data["passed"],
        data["score"],
        data["comment"],
        datetime.fromisoformat(data["create_time"]).astimezone(UTC),
    )
