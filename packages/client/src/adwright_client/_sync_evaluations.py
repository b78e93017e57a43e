"""Runs of suites, and suites that are kept, without async."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from adwright.evaluator.v1.evaluation_pb2 import CellResult, CompareEvaluationsResponse, Evaluation, EvaluationOptions
from adwright.evaluator.v1.label_pb2 import CalibrateJudgeResponse, Label
from adwright.evaluator.v1.suite_pb2 import Suite, SuiteSource

from ._loop import LoopThread
from .evaluations import Evaluations
from .suites import Suites

__all__ = ["SyncEvaluations", "SyncSuites"]


class SyncEvaluations:
    """The tenant's runs; see `Evaluations`."""

    def __init__(self, loop: LoopThread, evaluations: Evaluations) -> None:
        self._loop = loop
        self._evaluations = evaluations

    def run(
        self,
        suite: SuiteSource | Path | str,
        options: EvaluationOptions | None = None,
        *,
        validate_only: bool = False,
        request_id: str = "",
    ) -> Evaluation:
        """Begins a run of a suite: its files, the path of its main file or folder, or the name of one that is kept.

        With `validate_only` nothing begins. `request_id` (a UUID) begins one run however often it is sent.
        Raises InvalidInput, NotFound.
        """
        return self._loop.run(
            lambda: self._evaluations.run(suite, options, validate_only=validate_only, request_id=request_id)
        )

    def watch(self, name: str) -> Iterator[Evaluation]:
        """The run whenever more of it is done, until it has ended; goes on where a connection breaks."""
        return self._loop.iterate(self._evaluations.watch(name))

    def get(self, name: str) -> Evaluation:
        """One run. Raises NotFound."""
        return self._loop.run(lambda: self._evaluations.get(name))

    def list(self) -> Iterator[Evaluation]:
        """All runs, the newest first."""
        return self._loop.iterate(self._evaluations.list())

    def results(self, name: str, *, statuses: Iterable[CellResult.Status.ValueType] = ()) -> Iterator[CellResult]:
        """The cells of a run. Raises NotFound."""
        return self._loop.iterate(self._evaluations.results(name, statuses=statuses))

    def export(self, name: str, format: str, *, timeout: float | None = None) -> Iterator[bytes]:
        """A run as a file: `json`, `html`, `csv`, `xml` or `jsonl`. Raises NotFound."""
        return self._loop.iterate(self._evaluations.export(name, format, timeout=timeout))

    def compare(
        self,
        baseline: str | bytes,
        candidate: str | bytes,
        *,
        baseline_column: str = "",
        candidate_column: str = "",
    ) -> CompareEvaluationsResponse:
        """Two runs case by case, by name or as files of results. Raises NotFound, InvalidInput."""
        return self._loop.run(
            lambda: self._evaluations.compare(
                baseline, candidate, baseline_column=baseline_column, candidate_column=candidate_column
            )
        )

    def cancel(self, name: str) -> None:
        """Has a run end as it is. Raises NotFound."""
        self._loop.run(lambda: self._evaluations.cancel(name))

    def resume(self, name: str, *, budget_usd: float = 0.0) -> Evaluation:
        """Has a run that was cancelled, or ran out of its budget, go on. Raises NotFound, FailedPrecondition."""
        return self._loop.run(lambda: self._evaluations.resume(name, budget_usd=budget_usd))

    def delete(self, name: str) -> None:
        """Forgets a run. Raises NotFound."""
        self._loop.run(lambda: self._evaluations.delete(name))

    def label(self, name: str, labels: Iterable[Label]) -> int:
        """Writes down what people say of cells; returns how many that are. Raises NotFound."""
        said = tuple(labels)
        return self._loop.run(lambda: self._evaluations.label(name, said))

    def labels(self, name: str) -> Iterator[Label]:
        """What people said. Raises NotFound."""
        return self._loop.iterate(self._evaluations.labels(name))

    def calibrate(self, name: str, metric: str = "") -> CalibrateJudgeResponse:
        """A judge's scores held against people's labels. Raises NotFound, FailedPrecondition."""
        return self._loop.run(lambda: self._evaluations.calibrate(name, metric))


class SyncSuites:
    """The tenant's suites; see `Suites`."""

    def __init__(self, loop: LoopThread, suites: Suites) -> None:
        self._loop = loop
        self._suites = suites

    def create(self, name: str, source: SuiteSource | Path) -> Suite:
        """Keeps a suite: its files, or the path of its main file or folder. Raises InvalidInput, AlreadyExists."""
        return self._loop.run(lambda: self._suites.create(name, source))

    def get(self, name: str) -> Suite:
        """One suite with its files. Raises NotFound."""
        return self._loop.run(lambda: self._suites.get(name))

    def list(self) -> Iterator[Suite]:
        """All suites by name, without their files."""
        return self._loop.iterate(self._suites.list())

    def delete(self, name: str) -> None:
        """Forgets a suite; runs of it stay. Raises NotFound."""
        self._loop.run(lambda: self._suites.delete(name))

    def add_case(self, name: str, case: Mapping[str, Any]) -> Suite:
        """Adds a case, spelled as a test of promptfoo; makes the suite where there is none. Raises InvalidInput."""
        return self._loop.run(lambda: self._suites.add_case(name, case))
