"""The part of EvaluatorService that hears what people say, and holds judges against it."""

from __future__ import annotations

import asyncio
from typing import Any, TypeAlias

import grpc

from adwright.evaluator.v1 import evaluator_service_pb2_grpc
from adwright.evaluator.v1 import label_pb2 as pb
from adwright_evaluator.judge_calibration import calibrated
from adwright_evaluator.labels import Label, Labels
from adwright_evaluator.runs.evaluations import Evaluations
from adwright_evaluator.runs.hearing import Hearing
from adwright_evaluator.stored_cells import StoredCells
from adwright_servicekit.call import current_tenant

__all__ = ["LabelServicer"]

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"


class LabelServicer(evaluator_service_pb2_grpc.EvaluatorServiceServicer):
    """Serves the tenant that the call's metadata names."""

    def __init__(self, evaluations: Evaluations, labels: Labels, hearing: Hearing) -> None:
        self._evaluations = evaluations
        self._labels = labels
        self._hearing = hearing

    async def CreateLabels(self, request: pb.CreateLabelsRequest, context: Context) -> pb.CreateLabelsResponse:
        record = await self._evaluations.get(current_tenant(), _id(request.parent))
        now = self._evaluations.now()
        labels = [
            Label(
                each.cell.case,
                each.cell.provider,
                each.cell.prompt,
                each.cell.repeat,
                each.labeler or "anonymous",
                each.metric,
                getattr(each, "pass"),
                each.score if each.HasField("score") else None,
                each.comment,
                now,
            )
            for each in request.labels
        ]
        await self._labels.write(record, labels)
        await self._hearing.labelled(record, labels)
        return pb.CreateLabelsResponse(created_count=len(labels))

    async def ListLabels(self, request: pb.ListLabelsRequest, context: Context) -> pb.ListLabelsResponse:
        record = await self._evaluations.get(current_tenant(), _id(request.parent))
        page, token = await self._labels.page(record, request.page_size, request.page_token)
        return pb.ListLabelsResponse(labels=map(_message, page), next_page_token=token)

    async def CalibrateJudge(self, request: pb.CalibrateJudgeRequest, context: Context) -> pb.CalibrateJudgeResponse:
        record = await self._evaluations.get(current_tenant(), _id(request.parent))
        labels = [label async for label in self._labels.all(record)]
        cells = await StoredCells.of(self._evaluations, record)
        return await asyncio.to_thread(calibrated, record, cells, labels, request.metric)


def _id(name: str) -> str:
    return name.removeprefix("evaluations/")


def _message(label: Label) -> pb.Label:
    message = pb.Label(
        cell=pb.CellKey(case=label.case, provider=label.provider, prompt=label.prompt, repeat=label.repeat),
        labeler=label.labeler,
        metric=label.metric,
        score=label.score,
        comment=label.comment,
        **{"pass": label.passed},  # type: ignore[arg-type]
    )
    message.create_time.FromDatetime(label.create_time)
    return message
