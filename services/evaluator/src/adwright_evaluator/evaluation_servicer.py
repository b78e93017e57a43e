"""The part of EvaluatorService that runs suites."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncGenerator
from typing import Any, Final, TypeAlias

import grpc
from google.protobuf import empty_pb2

from adwright.evaluator.v1 import evaluation_pb2 as pb
from adwright.evaluator.v1 import evaluator_service_pb2_grpc
from adwright_evaluator.exports import Exports
from adwright_evaluator.messages import cell_to_pb, choices_from, evaluation_to_pb, operation_of
from adwright_evaluator.model import CellStatus
from adwright_evaluator.runs.evaluations import Evaluations
from adwright_evaluator.runs.keeper import Keeper
from adwright_evaluator.runs.packing import tell_row, unpack_row
from adwright_evaluator.runs.plan import Plan
from adwright_evaluator.runs.records import EvaluationRecord, part
from adwright_evaluator.runs.session import Sessions, fingerprint
from adwright_evaluator.sources import main_of, unpacked
from adwright_evaluator.suite_store import SuiteStore
from adwright_resources.store_errors import translated
from adwright_servicekit.call import current_tenant

__all__ = ["EvaluationServicer"]

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"

_LOOK_AGAIN: Final = (*[0.05] * 40, 0.25)
"""Short runs are told soon, long ones without many looks. Units: seconds."""
_PAGE: Final = 50
_STATUSES: Final = {
    pb.CellResult.STATUS_PASSED: CellStatus.PASSED,
    pb.CellResult.STATUS_FAILED: CellStatus.FAILED,
    pb.CellResult.STATUS_ERROR: CellStatus.ERROR,
}


class EvaluationServicer(evaluator_service_pb2_grpc.EvaluatorServiceServicer):
    """Serves the tenant that the call's metadata names."""

    def __init__(
        self, evaluations: Evaluations, suites: SuiteStore, sessions: Sessions, keeper: Keeper, exports: Exports
    ) -> None:
        self._evaluations = evaluations
        self._suites = suites
        self._sessions = sessions
        self._keeper = keeper
        self._exports = exports

    async def RunEvaluation(self, request: pb.RunEvaluationRequest, context: Context) -> Any:
        tenant = current_tenant()
        if request.WhichOneof("what") == "suite":
            files, main = await self._suites.files(tenant, request.suite.removeprefix("suites/"))
        else:
            files, main = unpacked(request.source), main_of(request.source)
        choices = choices_from(request.options)
        plan = await self._sessions.plan(files, main, choices)
        # Providers and judges that mean nothing are told now, and not by every cell.
        (await self._sessions.open(tenant, plan, files)).close()
        print_ = fingerprint(files, main, choices.packed(), request.suite)
        evaluation = "" if request.validate_only else await self._evaluations.id_for(tenant, request.request_id, print_)
        record = self._record(tenant, evaluation, plan, main, request.suite)
        if not request.validate_only:
            record = await self._evaluations.create(record, files)
            self._keeper.look()
        return operation_of(await self._message(record))

    async def ResumeEvaluation(self, request: pb.ResumeEvaluationRequest, context: Context) -> Any:
        record = await self._evaluations.reopen(current_tenant(), _id(request.name), request.budget_usd)
        self._keeper.look()
        return operation_of(await self._message(record))

    async def GetEvaluation(self, request: pb.GetEvaluationRequest, context: Context) -> pb.Evaluation:
        return await self._message(await self._evaluations.get(current_tenant(), _id(request.name)))

    async def ListEvaluations(self, request: pb.ListEvaluationsRequest, context: Context) -> pb.ListEvaluationsResponse:
        page, token = await self._evaluations.page(current_tenant(), request.page_size, request.page_token)
        messages = await asyncio.gather(*map(self._message, page))
        return pb.ListEvaluationsResponse(evaluations=messages, next_page_token=token)

    async def DeleteEvaluation(self, request: pb.DeleteEvaluationRequest, context: Context) -> empty_pb2.Empty:
        tenant, evaluation = current_tenant(), _id(request.name)
        await self._evaluations.stop(tenant, evaluation)
        await self._keeper.cancel(tenant, evaluation)
        await self._evaluations.delete(tenant, evaluation)
        return empty_pb2.Empty()

    async def WatchEvaluation(
        self, request: pb.WatchEvaluationRequest, context: Context
    ) -> AsyncGenerator[pb.Evaluation]:
        tenant, evaluation = current_tenant(), _id(request.name)
        sent: pb.Evaluation | None = None
        for pause in itertools.chain(_LOOK_AGAIN, itertools.repeat(_LOOK_AGAIN[-1])):
            now = await self._message(await self._evaluations.get(tenant, evaluation))
            if now != sent:
                sent = now
                yield now
            if now.state != pb.Evaluation.STATE_RUNNING:
                return
            await asyncio.sleep(pause)

    async def ListResults(self, request: pb.ListResultsRequest, context: Context) -> pb.ListResultsResponse:
        tenant = current_tenant()
        record = await self._evaluations.get(tenant, _id(request.parent))
        wanted = {_STATUSES[status] for status in request.statuses if status in _STATUSES}
        with translated():
            page = await self._evaluations.store.select(
                part(tenant, record.id, "rows"),
                where=lambda item: not wanted or any(cell.status in wanted for cell in tell_row(item.data)),
                limit=max(1, (request.page_size or _PAGE) // max(1, len(record.prompts) * len(record.providers))),
                page_token=request.page_token or None,
                consistent=True,
                bind=",".join(sorted(status.value for status in wanted)),
            )
        cells = [cell for item in page.items for cell in unpack_row(item.data) if not wanted or cell.status in wanted]
        return pb.ListResultsResponse(
            results=map(cell_to_pb, cells),
            next_page_token=page.next_page_token or "",
        )

    async def ExportEvaluation(
        self, request: pb.ExportEvaluationRequest, context: Context
    ) -> AsyncGenerator[pb.ExportEvaluationResponse]:
        record = await self._evaluations.get(current_tenant(), _id(request.name))
        async for data in self._exports.export(record, request.format):
            yield pb.ExportEvaluationResponse(data=data)

    async def CompareEvaluations(
        self, request: pb.CompareEvaluationsRequest, context: Context
    ) -> pb.CompareEvaluationsResponse:
        return await self._exports.compare(current_tenant(), request)

    def _record(self, tenant: str, evaluation: str, plan: Plan, main: str, suite: str) -> EvaluationRecord:
        now = self._evaluations.now()
        return EvaluationRecord(
            id=evaluation,
            tenant=tenant,
            description=plan.suite.description,
            main=main,
            choices=plan.choices,
            prompts=tuple(
                {"id": prompt.id, "label": prompt.label, "template": prompt.template[:20_000]}
                for prompt in plan.suite.prompts
            ),
            providers=tuple(provider.label for provider in plan.suite.providers),
            case_count=len(plan.cases),
            cell_count=plan.cell_count,
            shards=plan.shards,
            create_time=now,
            expire_time=now + self._evaluations.keep,
            suite=suite,
            warnings=plan.suite.warnings[:100],
        )

    async def _message(self, record: EvaluationRecord) -> pb.Evaluation:
        return evaluation_to_pb(record, await self._evaluations.counts(record))


def _id(name: str) -> str:
    return name.removeprefix("evaluations/")
