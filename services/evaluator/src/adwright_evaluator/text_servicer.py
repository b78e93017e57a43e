"""The part of EvaluatorService that looks at single texts."""

from collections.abc import Mapping
from typing import Any, TypeAlias

import grpc

from adwright.evaluator.v1 import evaluator_service_pb2 as pb
from adwright.evaluator.v1 import evaluator_service_pb2_grpc
from adwright_checks import Format
from adwright_checks.convert import finding_to_pb, subject_from
from adwright_evaluator.evaluation import Evaluator
from adwright_servicekit.errors import InvalidInput, NotFound

__all__ = ["TextServicer"]

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"

_PLAIN = "formats/plain"


class TextServicer(evaluator_service_pb2_grpc.EvaluatorServiceServicer):
    """Serves any tenant: a request brings everything it is held against."""

    def __init__(self, evaluator: Evaluator, formats: Mapping[str, Format]) -> None:
        """`formats` are by id."""
        self._evaluator = evaluator
        self._formats = {item.name: item for item in formats.values()}

    async def EvaluateText(self, request: pb.EvaluateTextRequest, context: Context) -> pb.EvaluateTextResponse:
        """Holds an ad, or any text, against scorers."""
        format = self._format(request.format or _PLAIN)
        for index, field in enumerate(request.fields):
            if format.field_for(field.path) is None:
                known = ", ".join(item.path(0) for item in format.fields)
                raise InvalidInput.of(
                    f"fields[{index}].path",
                    f"{format.name} has no {field.path!r}: it has {known}",
                    reason="UNKNOWN_PATH",
                )
        subject = subject_from(
            request.fields,
            format,
            language=request.language,
            brand=request.brand if request.HasField("brand") else None,
            products=request.products,
            brief=request.brief,
        )
        evaluation = await self._evaluator.evaluate(subject, tuple(request.scorers))
        return pb.EvaluateTextResponse(
            checks=[finding_to_pb(finding) for finding in evaluation.findings],
            passed=evaluation.passed,
            score=evaluation.score,
        )

    async def ListScorers(self, request: pb.ListScorersRequest, context: Context) -> pb.ListScorersResponse:
        """Lists the scorers by name."""
        return pb.ListScorersResponse(
            scorers=[
                pb.Scorer(name=item.name, description=item.description, required=item.required)
                for item in self._evaluator.scorers
            ]
        )

    def _format(self, name: str) -> Format:
        try:
            return self._formats[name]
        except KeyError:
            available = ", ".join(self._formats)
            raise NotFound(
                f"there is no {name}: there are {available}",
                reason="FORMAT_NOT_FOUND",
                metadata={"format": name},
            ) from None
