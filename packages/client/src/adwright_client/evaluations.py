"""Suites run, watched, compared and exported; labels of people."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from google.longrunning import operations_pb2
from tenacity import AsyncRetrying, RetryCallState, stop_after_delay, wait_random_exponential

from adwright.evaluator.v1 import evaluation_pb2 as messages
from adwright.evaluator.v1 import label_pb2, suite_pb2
from adwright.evaluator.v1.evaluation_pb2 import CellResult, CompareEvaluationsResponse, Evaluation, EvaluationOptions
from adwright_servicekit.errors import DeadlineTooShort, Unavailable

from ._caller import Caller
from .suite_files import suite_source
from .suites import suite_name

if TYPE_CHECKING:
    from google.longrunning.operations_pb2_grpc import OperationsStub

    from adwright.evaluator.v1.evaluator_service_pb2_grpc import EvaluatorServiceAsyncStub

__all__ = ["Evaluations", "evaluation_name"]

_WATCHED: Final = 280.0
"""Seconds after which a watch is begun anew: a call has an end, a run may take days."""
_PATIENCE: Final = 45.0
"""Seconds for which a lost connection is tried to be had back."""
_FIRST_WAIT, _LONGEST_WAIT = 0.2, 8.0


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
        suite: suite_pb2.SuiteSource | Path | str,
        options: EvaluationOptions | None = None,
        *,
        validate_only: bool = False,
        request_id: str = "",
    ) -> Evaluation:
        """Begins a run of a suite: its files, the path of its main file or folder, or the name of one that is kept.

        With `validate_only` nothing begins, and what is returned has no name. `request_id` (a UUID) begins one run
        however often it is sent; where a connection breaks the request is sent again. Raises InvalidInput, NotFound.
        """
        request = messages.RunEvaluationRequest(
            options=options, validate_only=validate_only, request_id=request_id or str(uuid.uuid4())
        )
        if isinstance(suite, str):
            request.suite = suite_name(suite)
        elif isinstance(suite, Path):
            request.source.CopyFrom(await asyncio.to_thread(suite_source, suite))
        else:
            request.source.CopyFrom(suite)
        # gRPC itself sends only small requests again.
        async for attempt in AsyncRetrying(
            stop=stop_after_delay(_PATIENCE),
            wait=wait_random_exponential(_FIRST_WAIT, max=_LONGEST_WAIT),
            retry=_lost,
            reraise=True,
        ):
            with attempt:
                return _evaluation(await self._caller.unary(self._stub.RunEvaluation, request, None))
        raise AssertionError("the last attempt raises")

    async def watch(self, name: str) -> AsyncIterator[Evaluation]:
        """The run whenever more of it is done, until it has ended. Raises NotFound.

        Goes on by itself where a connection breaks; Unavailable is raised where it does not come back.
        """
        request = messages.WatchEvaluationRequest(name=evaluation_name(name))
        heard, lost, wait = False, 0.0, _FIRST_WAIT
        while True:
            try:
                async for last in self._caller.received(self._stub.WatchEvaluation, request, _WATCHED):
                    heard, lost, wait = True, 0.0, _FIRST_WAIT
                    yield last
                    if last.state != Evaluation.STATE_RUNNING:
                        return
            except (Unavailable, DeadlineTooShort):
                lost = lost or time.monotonic()
                # Without a word so far nobody may be there at all.
                if not heard or time.monotonic() - lost > _PATIENCE:
                    raise
            await asyncio.sleep(wait)
            wait = min(2 * wait, _LONGEST_WAIT)

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
        request = messages.ListResultsRequest(parent=evaluation_name(name), page_size=100, statuses=tuple(statuses))
        async for found in self._caller.listed(self._stub.ListResults, request, "results"):
            yield found

    async def export(self, name: str, format: str, *, timeout: float | None = None) -> AsyncIterator[bytes]:
        """A run as a file: `json`, `html`, `csv`, `xml` or `jsonl`. Raises NotFound."""
        request = messages.ExportEvaluationRequest(name=evaluation_name(name), format=format)
        async for part in self._caller.received(self._stub.ExportEvaluation, request, timeout):
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


def _lost(state: RetryCallState) -> bool:
    error = state.outcome.exception() if state.outcome else None
    # Where nobody is there at first, that is said at once; where somebody was, a moment's patience is worth it.
    return isinstance(error, Unavailable) and (error.reason == "CONNECTION_LOST" or state.attempt_number > 1)


def _evaluation(operation: operations_pb2.Operation) -> Evaluation:
    found = Evaluation()
    operation.metadata.Unpack(found)
    return found
