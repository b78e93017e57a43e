"""Suites run, watched, compared and exported; labels of people."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Iterable
from typing import TYPE_CHECKING

from google.longrunning import operations_pb2

from adwright.evaluator.v1 import evaluation_pb2 as messages
from adwright.evaluator.v1 import label_pb2, suite_pb2
from adwright.evaluator.v1.evaluation_pb2 import CellResult, CompareEvaluationsResponse, Evaluation, EvaluationOptions
from adwright_servicekit.errors import Unavailable

from ._caller import Caller

if TYPE_CHECKING:
    from google.longrunning.operations_pb2_grpc import OperationsStub

    from adwright.evaluator.v1.evaluator_service_pb2_grpc import EvaluatorServiceAsyncStub

__all__ = ["Evaluations", "evaluation_name"]

_WATCHED = 280.0
"""Seconds after which a watch is begun anew: a call has an end, a run may take days."""


def evaluation_name(name: str) -> str:
    """`01j…` → `evaluations/01j…`."""
    return name if name.startswith("evaluations/") else f"evaluations/{name}"


class Evaluations:
    """Names are `evaluations/01j…`, or `01j…` for short."""

    def __init__(self, caller: Caller, stub: EvaluatorServiceAsyncStub, operations: OperationsStub) -> None:
        self._caller = caller
        self._stub = stub
        self._operations = operations

    async def run(
        self,
        suite: suite_pb2.SuiteSource | str,
        options: EvaluationOptions | None = None,
        *,
        validate_only: bool = False,
    ) -> Evaluation:
        """Begins a run of a suite that comes along, or of one that is kept (`suites/launch`). Raises InvalidInput."""
        request = messages.RunEvaluationRequest(
            options=options, validate_only=validate_only, request_id=str(uuid.uuid4())
        )
        if isinstance(suite, str):
            request.suite = suite if suite.startswith("suites/") else f"suites/{suite}"
        else:
            request.source.CopyFrom(suite)
        return _evaluation(await self._caller.unary(self._stub.RunEvaluation, request, None))

    async def watch(self, name: str) -> AsyncIterator[Evaluation]:
        """The run whenever more of it is done, until it has ended; goes on where a connection breaks."""
        request = messages.WatchEvaluationRequest(name=evaluation_name(name))
        while True:
            last: Evaluation | None = None
            try:
                async for last in self._caller.received(self._stub.WatchEvaluation, request, _WATCHED):
                    yield last
            except Unavailable:
                if last is None:
                    raise
            except TimeoutError:
                pass
            if last is not None and last.state != Evaluation.STATE_RUNNING:
                return

    async def get(self, name: str) -> Evaluation:
        """One run. Raises NotFound."""
        return await self._caller.unary(
            self._stub.GetEvaluation, messages.GetEvaluationRequest(name=evaluation_name(name)), None
        )

    async def list(self) -> AsyncIterator[Evaluation]:
        """All runs, the newest first."""
        request = messages.ListEvaluationsRequest(page_size=50)
        async for found in self._caller.listed(self._stub.ListEvaluations, request, "evaluations"):
            yield found

    async def results(
        self, name: str, *, statuses: Iterable[CellResult.Status.ValueType] = ()
    ) -> AsyncIterator[CellResult]:
        """The cells of a run. Raises NotFound."""
        request = messages.ListResultsRequest(parent=evaluation_name(name), page_size=500, statuses=tuple(statuses))
        async for found in self._caller.listed(self._stub.ListResults, request, "results"):
            yield found

    async def export(self, name: str, format: str) -> AsyncIterator[bytes]:
        """A run as a file: `json`, `html`, `csv`, `xml` or `jsonl`. Raises NotFound."""
        request = messages.ExportEvaluationRequest(name=evaluation_name(name), format=format)
        async for part in self._caller.received(self._stub.ExportEvaluation, request):
            yield part.data

    async def compare(
        self,
        baseline: str | bytes,
        candidate: str | bytes,
        *,
        baseline_column: str = "",
        candidate_column: str = "",
    ) -> CompareEvaluationsResponse:
        """Two runs case by case, by name or as files of results. Raises NotFound, InvalidInput."""
        request = messages.CompareEvaluationsRequest(baseline_column=baseline_column, candidate_column=candidate_column)
        if isinstance(baseline, bytes):
            request.baseline_results = baseline
        else:
            request.baseline = evaluation_name(baseline)
        if isinstance(candidate, bytes):
            request.candidate_results = candidate
        else:
            request.candidate = evaluation_name(candidate)
        return await self._caller.unary(self._stub.CompareEvaluations, request, None)

    async def cancel(self, name: str) -> None:
        """Has a run end as it is. Raises NotFound."""
        operation = evaluation_name(name).replace("evaluations/", "operations/evaluator-")
        request = operations_pb2.CancelOperationRequest(name=operation)
        await self._caller.unary(self._operations.CancelOperation, request, None)

    async def resume(self, name: str, *, budget_usd: float = 0.0) -> Evaluation:
        """Has a run that was cancelled, or ran out of its budget, go on. Raises NotFound, FailedPrecondition."""
        request = messages.ResumeEvaluationRequest(name=evaluation_name(name), budget_usd=budget_usd)
        return _evaluation(await self._caller.unary(self._stub.ResumeEvaluation, request, None))

    async def delete(self, name: str) -> None:
        """Forgets a run. Raises NotFound."""
        request = messages.DeleteEvaluationRequest(name=evaluation_name(name))
        await self._caller.unary(self._stub.DeleteEvaluation, request, None)

    async def label(self, name: str, labels: Iterable[label_pb2.Label]) -> int:
        """Writes down what people say of cells, and how many that are. Raises NotFound."""
        request = label_pb2.CreateLabelsRequest(parent=evaluation_name(name), labels=tuple(labels))
        return int((await self._caller.unary(self._stub.CreateLabels, request, None)).created_count)

    async def labels(self, name: str) -> AsyncIterator[label_pb2.Label]:
        """What people said. Raises NotFound."""
        request = label_pb2.ListLabelsRequest(parent=evaluation_name(name), page_size=500)
        async for found in self._caller.listed(self._stub.ListLabels, request, "labels"):
            yield found

    async def calibrate(self, name: str, metric: str = "") -> label_pb2.CalibrateJudgeResponse:
        """A judge's scores held against people's labels. Raises NotFound, FailedPrecondition."""
        request = label_pb2.CalibrateJudgeRequest(parent=evaluation_name(name), metric=metric)
        return await self._caller.unary(self._stub.CalibrateJudge, request, None)


def _evaluation(operation: operations_pb2.Operation) -> Evaluation:
    found = Evaluation()
    operation.metadata.Unpack(found)
    return found
