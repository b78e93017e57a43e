"""Runs as files, and runs compared: everything that needs all cells of a run at once."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from adwright.evaluator.v1 import evaluation_pb2 as pb
from adwright_evaluator.comparison import compare
from adwright_evaluator.comparison_messages import comparison_to_pb, in_words
from adwright_evaluator.labels import Labels
from adwright_evaluator.model import Answer, CellResult
from adwright_evaluator.reports import FORMATS, RunView, read_results
from adwright_evaluator.runs.evaluations import Evaluations
from adwright_evaluator.runs.records import EvaluationRecord
from adwright_evaluator.stored_cells import StoredCells
from adwright_evaluator.summary import Column
from adwright_servicekit.errors import InvalidInput

__all__ = ["Exports"]

_PIECE = 256 * 1024


@dataclass(frozen=True, slots=True)
class _Side:
    """One of two runs that are compared."""

    labels: Mapping[Column, str]
    cells: Sequence[CellResult]


class Exports:
    """Methods raise AdwrightError: NotFound, InvalidInput, Unavailable (store)."""

    def __init__(self, evaluations: Evaluations, labels: Labels) -> None:
        self._evaluations = evaluations
        self._labels = labels

    async def view(self, record: EvaluationRecord) -> RunView:
        """The run with all its cells, in order."""
        return RunView(
            name=record.name,
            description=record.description,
            create_time=record.create_time,
            prompts=tuple((str(each["label"]), str(each["template"])) for each in record.prompts),
            providers=record.providers,
            cells=await StoredCells.of(self._evaluations, record),
        )

    async def export(self, record: EvaluationRecord, report: str) -> AsyncGenerator[bytes]:
        """The run as a file, in pieces: a file is many times as large as what a reader is ahead of."""
        view = await self.view(record)
        parts = iter(FORMATS[report](view))
        while data := await asyncio.to_thread(_piece, parts):
            for at in range(0, len(data), _PIECE):
                yield data[at : at + _PIECE]

    async def compare(self, tenant: str, request: pb.CompareEvaluationsRequest) -> pb.CompareEvaluationsResponse:
        """Both runs, by name or as files of results."""
        before = await self._side(tenant, request.baseline, request.baseline_results, "baseline")
        after = await self._side(tenant, request.candidate, request.candidate_results, "candidate")
        pairs = _pairs(before, after, request.baseline_column, request.candidate_column)
        found = await asyncio.to_thread(compare, before.cells, after.cells, pairs)
        if not found:
            raise InvalidInput.of(
                "candidate",
                "no case with results is in both runs: cases are the same by their variables",
                reason="NO_PAIRS",
            )
        return pb.CompareEvaluationsResponse(
            columns=[comparison_to_pb(each, before.labels, after.labels) for each in found],
            summary=in_words(found, after.labels),
        )

    async def _side(self, tenant: str, name: str, results: bytes, field: str) -> _Side:
        if bool(name) == bool(results):
            raise InvalidInput.of(field, f"name a run, or give `{field}_results`, and not both")
        if results:
            view = await asyncio.to_thread(read_results, results, field)
        else:
            record = await self._evaluations.get(tenant, name.removeprefix("evaluations/"))
            view = await self.view(record)
        return await asyncio.to_thread(_side_of, view)


def _side_of(view: RunView) -> _Side:
    cells = [_numbers(cell) for cell in view.cells]
    labels: dict[Column, str] = {}
    seen: dict[str, int] = defaultdict(int)
    for provider, prompt in sorted({(cell.provider, cell.prompt) for cell in cells}):
        label = f"{view.prompts[prompt][0]} × {view.providers[provider]}"
        seen[label] += 1
        # Prompts may have the same label: what is the second there is compared with the second here.
        labels[provider, prompt] = label if seen[label] == 1 else f"{label} ({seen[label]})"
    return _Side(labels, cells)


def _numbers(cell: CellResult) -> CellResult:
    """What is compared of a cell."""
    verdict = replace(cell.verdict, components=()) if cell.verdict else None
    return replace(cell, answer=Answer(None), prompt_text="", verdict=verdict)


def _piece(parts: Iterator[bytes]) -> bytes:
    """The next parts, so many that they are worth a message."""
    found, size = [], 0
    for each in parts:
        found.append(each)
        size += len(each)
        if size >= _PIECE:
            break
    return b"".join(found)


def _pairs(before: _Side, after: _Side, first: str, second: str) -> list[tuple[Column, Column]]:
    if first or second:
        return [(_column(before, first, "baseline_column"), _column(after, second, "candidate_column"))]
    there = {label: column for column, label in after.labels.items()}
    same = [(column, there[label]) for column, label in before.labels.items() if label in there]
    if same:
        return same
    if len(before.labels) == len(after.labels):
        # The labels changed with what was changed: then the position says what belongs together.
        return list(zip(before.labels, after.labels, strict=True))
    raise InvalidInput.of(
        "candidate_column",
        f"no column has the same label in both: name them; there are {'; '.join(after.labels.values())}",
        reason="NO_PAIRS",
    )


def _column(side: _Side, wanted: str, field: str) -> Column:
    if not wanted and len(side.labels) == 1:
        return next(iter(side.labels))
    for column, label in side.labels.items():
        if wanted == label:
            return column
    near = [column for column, label in side.labels.items() if wanted and wanted in label]
    if len(near) == 1:
        return near[0]
    raise InvalidInput.of(field, f"no one column is {wanted!r}; there are {'; '.join(side.labels.values())}")
