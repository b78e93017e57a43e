"""A gateway that runs no suites, but says what the test wrote down: real gRPC on loopback."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from types import TracebackType
from typing import Any, Self

from google.longrunning.operations_pb2 import Operation
from google.longrunning.operations_pb2_grpc import OperationsServicer, add_OperationsServicer_to_server
from google.protobuf.empty_pb2 import Empty
from google.protobuf.message import Message

from adwright.evaluator.v1 import evaluation_pb2 as pb
from adwright.evaluator.v1 import label_pb2, suite_pb2
from adwright.evaluator.v1.evaluator_service_pb2_grpc import (
    EvaluatorServiceServicer,
    add_EvaluatorServiceServicer_to_server,
)
from adwright_servicekit.call import Identity
from adwright_servicekit.errors import AdwrightError, AlreadyExists, NotFound, Unauthenticated
from adwright_servicekit.server import Server
from adwright_servicekit.settings import ServerSettings
from adwright_servicekit.telemetry import Telemetry

__all__ = ["PASSED", "EvalGateway", "a_cell", "a_run"]

RUNNING, SUCCEEDED = pb.Evaluation.STATE_RUNNING, pb.Evaluation.STATE_SUCCEEDED
PASSED, FAILED, ERROR = pb.CellResult.STATUS_PASSED, pb.CellResult.STATUS_FAILED, pb.CellResult.STATUS_ERROR


def estimate(value: float, low: float, high: float) -> label_pb2.Estimate:
    return label_pb2.Estimate(value=value, low=low, high=high)


def a_run(id: str = "01jnew", state: Any = SUCCEEDED, *, failed: int = 0, errors: int = 0, done: int = 4) -> Any:
    """A run of two providers, one prompt and two cases; `failed` and `errors` of its cells."""
    counts = pb.Counts(cells=4, done=done, passed=done - failed - errors, failed=failed, errors=errors, cost_usd=0.25)
    run = pb.Evaluation(
        name=f"evaluations/{id}",
        description="Launch copy",
        state=state,
        counts=counts,
        prompts=[pb.EvaluatedPrompt(id="p", label="short", template="{{x}}")],
        providers=["small", "large"],
        case_count=2,
    )
    run.create_time.FromJsonString("2026-11-24T08:00:00Z")
    if state != RUNNING:
        for provider, best in enumerate((False, True)):
            run.columns.add(
                prompt=0,
                provider=provider,
                scored=2,
                passed=2,
                pass_rate=estimate(0.9, 0.6, 0.98),
                score=estimate(0.85, 0.7, 0.95),
                metrics={"tone": label_pb2.Estimate(value=0.5)},
                cost_usd=0.0125,
                latency_p50_ms=120,
                latency_p95_ms=2300,
                pareto=best,
            )
    return run


def a_cell(case: int, provider: int = 0, status: Any = PASSED, *, output: str = "", why: str = "") -> Any:
    """A cell with one assertion."""
    cell = pb.CellResult(
        cell=label_pb2.CellKey(case=case, provider=provider),
        status=status,
        description=f"tent {case}",
        prompt="Write of tents",
        output=output or f"Output {case}.{provider}",
        error=why if status == ERROR else "",
    )
    if status != ERROR:
        passed = status == PASSED
        cell.assertions.add(type="contains", outcome=pb.AssertionResult.OUTCOME_SCORED, reason=why, **{"pass": passed})
    return cell


class EvalGateway:
    """Serves on a free loopback port while it is entered."""

    def __init__(self) -> None:
        self.api_key = "adw_test"
        self.address = ""
        self.requests: list[Message] = []
        self.runs: list[Any] = [a_run(), a_run("01jold", failed=1)]
        """Newest first."""
        self.watched: list[Any] = []
        """What each call to WatchEvaluation sends next: runs, errors to end in, or seconds to wait."""
        self.begun: Any = None
        """What RunEvaluation and ResumeEvaluation answer; None: the newest run."""
        self.failures: list[AdwrightError] = []
        """What the next calls to RunEvaluation end in."""
        self.cells = [a_cell(0), a_cell(0, 1), a_cell(1), a_cell(1, 1)]
        self.exported: list[bytes | AdwrightError] = [b"one,", b"two\n"]
        self.comparison = pb.CompareEvaluationsResponse()
        self.agreement = label_pb2.CalibrateJudgeResponse()
        self.labels: list[label_pb2.Label] = []
        self.suites: list[suite_pb2.Suite] = []
        self._server: Server | None = None

    def asked(self, kind: type[Message]) -> list[Any]:
        """The requests of one kind."""
        return [request for request in self.requests if isinstance(request, kind)]

    def find(self, name: str) -> Any:
        for run in self.runs:
            if run.name == name:
                return run
        raise NotFound(f"there is no {name}", reason="EVALUATION_NOT_FOUND")

    async def identify(self, _method: str, metadata: Iterable[tuple[str, str | bytes]]) -> Identity:
        if dict(metadata).get("authorization") != f"Bearer {self.api_key}":
            raise Unauthenticated("this API key is not known")
        return Identity(tenant="demo")

    async def __aenter__(self) -> Self:
        await self.start("127.0.0.1:0")
        return self

    async def start(self, listen: str) -> None:
        self._server = Server(listen, [], ServerSettings.load({}), Telemetry("fake"), identify=self.identify)
        add_EvaluatorServiceServicer_to_server(_Evaluator(self), self._server.grpc)  # type: ignore[abstract]
        add_OperationsServicer_to_server(_Operations(self), self._server.grpc)
        await self._server.start()
        self.address = self._server.address

    async def stop(self) -> None:
        """Ends everything at once, like a gateway that crashes."""
        if self._server is not None:
            await self._server.stop(grace=0)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()


def _operation(run: Any) -> Any:
    operation = Operation(name=run.name.replace("evaluations/", "operations/evaluator-"))
    operation.metadata.Pack(run)
    return operation


class _Evaluator(EvaluatorServiceServicer):
    def __init__(self, fake: EvalGateway) -> None:
        self._fake = fake

    async def RunEvaluation(self, request: Any, _: Any) -> Any:
        self._fake.requests.append(request)
        if self._fake.failures:
            raise self._fake.failures.pop(0)
        return _operation(self._fake.begun or self._fake.runs[0])

    async def ResumeEvaluation(self, request: Any, _: Any) -> Any:
        self._fake.requests.append(request)
        return _operation(self._fake.begun or self._fake.find(request.name))

    async def GetEvaluation(self, request: Any, _: Any) -> Any:
        return self._fake.find(request.name)

    async def ListEvaluations(self, request: Any, _: Any) -> Any:
        at = int(request.page_token or 0)
        token = str(at + 1) if at + 1 < len(self._fake.runs) else ""
        return pb.ListEvaluationsResponse(evaluations=self._fake.runs[at : at + 1], next_page_token=token)

    async def DeleteEvaluation(self, request: Any, _: Any) -> Empty:
        self._fake.runs.remove(self._fake.find(request.name))
        return Empty()

    async def WatchEvaluation(self, request: Any, _: Any) -> AsyncIterator[Any]:
        self._fake.requests.append(request)
        while self._fake.watched:
            match self._fake.watched.pop(0):
                case AdwrightError() as error:
                    raise error
                case float() as seconds:
                    await asyncio.sleep(seconds)
                case None:
                    return
                case run:
                    yield run
        yield self._fake.find(request.name)

    async def ListResults(self, request: Any, _: Any) -> Any:
        self._fake.requests.append(request)
        there = [cell for cell in self._fake.cells if not request.statuses or cell.status in request.statuses]
        at = int(request.page_token or 0)
        token = str(at + 3) if at + 3 < len(there) else ""
        return pb.ListResultsResponse(results=there[at : at + 3], next_page_token=token)

    async def CompareEvaluations(self, request: Any, _: Any) -> Any:
        self._fake.requests.append(request)
        return self._fake.comparison

    async def ExportEvaluation(self, request: Any, _: Any) -> AsyncIterator[Any]:
        self._fake.requests.append(request)
        for part in self._fake.exported:
            if isinstance(part, AdwrightError):
                raise part
            yield pb.ExportEvaluationResponse(data=part)

    async def CreateLabels(self, request: Any, _: Any) -> Any:
        self._fake.requests.append(request)
        self._fake.labels += request.labels
        return label_pb2.CreateLabelsResponse(created_count=len(request.labels))

    async def ListLabels(self, request: Any, _: Any) -> Any:
        return label_pb2.ListLabelsResponse(labels=self._fake.labels)

    async def CalibrateJudge(self, request: Any, _: Any) -> Any:
        self._fake.requests.append(request)
        return self._fake.agreement

    async def CreateSuite(self, request: Any, _: Any) -> Any:
        self._fake.requests.append(request)
        name = f"suites/{request.suite_id}"
        if any(suite.name == name for suite in self._fake.suites):
            raise AlreadyExists(f"there is a {name} already")
        suite = suite_pb2.Suite(name=name, source=request.suite.source, case_count=3, description="Kept")
        self._fake.suites.append(suite)
        return suite

    async def GetSuite(self, request: Any, _: Any) -> Any:
        for suite in self._fake.suites:
            if suite.name == request.name:
                return suite
        raise NotFound(f"there is no {request.name}")

    async def ListSuites(self, request: Any, _: Any) -> Any:
        return suite_pb2.ListSuitesResponse(suites=self._fake.suites)

    async def DeleteSuite(self, request: Any, context: Any) -> Empty:
        self._fake.suites.remove(await self.GetSuite(request, context))
        return Empty()

    async def AddCase(self, request: Any, context: Any) -> Any:
        self._fake.requests.append(request)
        return suite_pb2.Suite(name=request.suite, case_count=1)


class _Operations(OperationsServicer):  # type: ignore[misc]
    def __init__(self, fake: EvalGateway) -> None:
        self._fake = fake

    async def CancelOperation(self, request: Any, _: Any) -> Empty:
        self._fake.requests.append(request)
        self._fake.find(request.name.replace("operations/evaluator-", "evaluations/"))
        return Empty()
