"""What callers do with an evaluator: run suites and read what became of them."""

import json
from typing import Any

import grpc
from google.longrunning import operations_pb2, operations_pb2_grpc

from adwright.evaluator.v1 import evaluation_pb2 as pb
from adwright.evaluator.v1 import evaluator_service_pb2_grpc, suite_pb2
from adwright_servicekit.testing import as_tenant

TENANT = as_tenant("demo")


def source(files: dict[str, str] | str) -> suite_pb2.SuiteSource:
    """The files of a suite; a text alone is its only one."""
    given = {"promptfooconfig.yaml": files} if isinstance(files, str) else files
    return suite_pb2.SuiteSource(
        files=[suite_pb2.SuiteFile(path=path, data=text.encode()) for path, text in given.items()],
        main=next(iter(given)),
    )


class Evaluating:
    """Calls an evaluator for the tenant demo."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self.stub: Any = evaluator_service_pb2_grpc.EvaluatorServiceStub(channel)
        self.operations: Any = operations_pb2_grpc.OperationsStub(channel)

    async def begin(self, files: dict[str, str] | str, **options: Any) -> str:
        """Begins a run and gives its name."""
        request = pb.RunEvaluationRequest(source=source(files), options=pb.EvaluationOptions(**options))
        operation = await self.stub.RunEvaluation(request, metadata=TENANT)
        return str(operation.name.replace("operations/evaluator-", "evaluations/"))

    async def run(self, files: dict[str, str] | str, **options: Any) -> pb.Evaluation:
        """Runs a suite to its end."""
        return await self.ended(await self.begin(files, **options))

    async def ended(self, name: str) -> pb.Evaluation:
        """A run once it has ended."""
        said = [now async for now in self.stub.WatchEvaluation(pb.WatchEvaluationRequest(name=name), metadata=TENANT)]
        last: pb.Evaluation = said[-1]
        return last

    async def get(self, name: str) -> pb.Evaluation:
        """A run as it is."""
        found: pb.Evaluation = await self.stub.GetEvaluation(pb.GetEvaluationRequest(name=name), metadata=TENANT)
        return found

    async def cells(self, name: str, **fields: Any) -> list[pb.CellResult]:
        """All cells of a run, page by page."""
        found: list[pb.CellResult] = []
        token = ""
        while True:
            page = await self.stub.ListResults(
                pb.ListResultsRequest(parent=name, page_token=token, **fields), metadata=TENANT
            )
            found += page.results
            token = page.next_page_token
            if not token:
                return found

    async def exported(self, name: str, report: str) -> bytes:
        """A run as a file."""
        request = pb.ExportEvaluationRequest(name=name, format=report)
        parts = [part.data async for part in self.stub.ExportEvaluation(request, metadata=TENANT)]
        return b"".join(parts)

    async def results(self, name: str) -> Any:
        """A run as promptfoo's JSON."""
        return json.loads(await self.exported(name, "json"))

    async def cancel(self, name: str) -> None:
        """Stops a run."""
        operation = name.replace("evaluations/", "operations/evaluator-")
        await self.operations.CancelOperation(operations_pb2.CancelOperationRequest(name=operation), metadata=TENANT)
