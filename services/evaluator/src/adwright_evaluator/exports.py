"""Runs as files, and runs compared: everything that needs all cells of a run at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass

from adwright.evaluator.v1 import evaluation_pb2 as pb
from adwright.evaluator.v1 import label_pb2
from adwright_evaluator.comparison import Difference, compare
from adwright_evaluator.labels import Labels
from adwright_evaluator.messages import estimate
from adwright_evaluator.model import CellResult
from adwright_evaluator.reports import FORMATS, RunView, read_results
from adwright_evaluator.runs.evaluations import Evaluations
from adwright_evaluator.runs.records import EvaluationRecord
from adwright_evaluator.summary import Column, Measure
from adwright_servicekit.errors import InvalidInput

__all__ = ["Exports"]

_VERDICTS = {
    "better": pb.ColumnComparison.VERDICT_BETTER,
    "worse": pb.ColumnComparison.VERDICT_WORSE,
    "none": pb.ColumnComparison.VERDICT_NO_DIFFERENCE_SHOWN,
}
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
        cells = [cell async for row in self._evaluations.rows(record) for cell in row]
        cells.sort(key=lambda cell: cell.key)
        return RunView(
            name=record.name,
            description=record.description,
            create_time=record.create_time,
            prompts=tuple((str(each["label"]), str(each["template"])) for each in record.prompts),
            providers=record.providers,
            cells=cells,
        )

    async def export(self, record: EvaluationRecord, report: str) -> AsyncGenerator[bytes]:
        """The run as a file, in pieces."""
        view = await self.view(record)
        data = await asyncio.to_thread(lambda: b"".join(FORMATS[report](view)))
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
            columns=[_message(each, before, after) for each in found], summary=_in_words(found, after)
        )

    async def _side(self, tenant: str, name: str, results: bytes, field: str) -> _Side:
        if bool(name) == bool(results):
            raise InvalidInput.of(field, f"name a run, or give `{field}_results`, and not both")
        if results:
            view = await asyncio.to_thread(read_results, results, field)
        else:
            record = await self._evaluations.get(tenant, name.removeprefix("evaluations/"))
            view = await self.view(record)
        labels = {
            (provider, prompt): f"{view.prompts[prompt][0]} × {view.providers[provider]}"
            for provider, prompt in sorted({(cell.provider, cell.prompt) for cell in view.cells})
        }
        return _Side(labels, view.cells)


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


def _message(each: Difference, before: _Side, after: _Side) -> pb.ColumnComparison:
    return pb.ColumnComparison(
        baseline=before.labels[each.baseline],
        candidate=after.labels[each.candidate],
        metric=each.metric,
        cases=each.cases,
        left_out=each.left_out,
        before=_estimate(each.before),
        after=_estimate(each.after),
        difference=_estimate(each.difference),
        p_value=each.p_value,
        adjusted_p_value=each.adjusted_p_value,
        verdict=_VERDICTS[each.verdict],
        detectable_difference=each.detectable,
        cases_needed=each.needed,
        fixed=each.fixed,
        broken=each.broken,
    )


def _estimate(measure: Measure) -> label_pb2.Estimate:
    interval = measure.interval
    return estimate(measure.value, interval.low if interval else None, interval.high if interval else None)


def _in_words(found: Sequence[Difference], after: _Side) -> str:
    said = []
    for each in found:
        if each.metric in ("pass", "score") or each.verdict != "none":
            label, change = after.labels[each.candidate], each.difference.value
            if each.verdict == "none":
                more = f"; about {each.needed} cases would show it, here are {each.cases}" if each.needed else ""
                said.append(f"{label}: no difference in {each.metric} is shown ({change:+.3f}{more}).")
            else:
                said.append(
                    f"{label} is {each.verdict} in {each.metric} ({change:+.3f}, p {each.adjusted_p_value:.3f})."
                )
    return " ".join(said)
