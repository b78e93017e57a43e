"""Runs and their cells as the API shows them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from google.longrunning import operations_pb2
from google.protobuf import json_format, struct_pb2

from adwright.evaluator.v1 import evaluation_pb2 as pb
from adwright.evaluator.v1 import label_pb2
from adwright_evaluator.model import JSON, AssertionSet, CellResult, CellStatus, Outcome, Usage, Verdict
from adwright_evaluator.runs.plan import Choices
from adwright_evaluator.runs.records import Counts, EvaluationRecord, State

__all__ = ["cell_to_pb", "choices_from", "estimate", "evaluation_to_pb", "operation_of", "output_text"]

_STATES: Final = {
    State.RUNNING: pb.Evaluation.STATE_RUNNING,
    State.SUCCEEDED: pb.Evaluation.STATE_SUCCEEDED,
    State.CANCELLED: pb.Evaluation.STATE_CANCELLED,
    State.OUT_OF_BUDGET: pb.Evaluation.STATE_OUT_OF_BUDGET,
}
_STATUSES: Final = {
    CellStatus.PASSED: pb.CellResult.STATUS_PASSED,
    CellStatus.FAILED: pb.CellResult.STATUS_FAILED,
    CellStatus.ERROR: pb.CellResult.STATUS_ERROR,
}
_OUTCOMES: Final = {
    Outcome.SCORED: pb.AssertionResult.OUTCOME_SCORED,
    Outcome.NOT_APPLICABLE: pb.AssertionResult.OUTCOME_NOT_APPLICABLE,
    Outcome.FAILED: pb.AssertionResult.OUTCOME_FAILED,
}


def choices_from(options: pb.EvaluationOptions) -> Choices:
    """What a request wants otherwise than the suite says."""
    given = {name: getattr(options, name) for name in Choices.__slots__}
    return Choices(**given | {"providers": tuple(options.providers)})


def evaluation_to_pb(record: EvaluationRecord, counts: Counts) -> pb.Evaluation:
    """The run."""
    message = pb.Evaluation(
        name=record.name,
        description=record.description,
        suite=record.suite,
        state=_STATES[record.state],
        counts=pb.Counts(cells=record.cell_count, **counts.packed()),  # type: ignore[arg-type]
        prompts=[pb.EvaluatedPrompt(**prompt) for prompt in record.prompts],  # type: ignore[arg-type]
        providers=record.providers,
        case_count=record.case_count,
        options=pb.EvaluationOptions(**record.choices.packed()),  # type: ignore[arg-type]
        columns=[json_format.ParseDict(dict(column), pb.ColumnSummary()) for column in record.columns],
        warnings=record.warnings,
    )
    message.create_time.FromDatetime(record.create_time)
    message.expire_time.FromDatetime(record.expire_time)
    if record.end_time is not None:
        message.end_time.FromDatetime(record.end_time)
    return message


def operation_of(evaluation: pb.Evaluation) -> Any:
    """The google.longrunning.Operation of a run."""
    done = evaluation.state != pb.Evaluation.STATE_RUNNING
    name = f"operations/evaluator-{evaluation.name.removeprefix('evaluations/')}"
    message = operations_pb2.Operation(name=name, done=done)
    message.metadata.Pack(evaluation)
    if done:
        # Also when it was cancelled: what is done is there, and can be gone on with.
        message.response.Pack(evaluation)
    return message


def cell_to_pb(cell: CellResult) -> pb.CellResult:
    """A cell."""
    answer, verdict = cell.answer, cell.verdict
    used = answer.usage + (verdict.usage if verdict else Usage())
    translation, language = cell.back_translation
    return pb.CellResult(
        cell=label_pb2.CellKey(case=cell.case, provider=cell.provider, prompt=cell.prompt, repeat=cell.repeat),
        status=_STATUSES[cell.status],
        score=cell.score,
        description=cell.title,
        vars=_struct(cell.vars),
        prompt=cell.prompt_text,
        output=output_text(answer.output),
        assertions=[_assertion(each) for each in (verdict.components if verdict else ())],
        error=cell.error,
        latency_ms=answer.latency_ms or 0.0,
        cost_usd=(answer.cost_usd or 0.0) + (verdict.cost_usd if verdict else 0.0),
        input_tokens=used.input_tokens,
        output_tokens=used.output_tokens,
        cached=answer.cached,
        trace_id=answer.trace_id,
        model=answer.model,
        named_scores=verdict.named_scores if verdict else {},
        back_translation=translation,
        back_translation_language=language,
    )


def output_text(output: JSON) -> str:
    """Texts as they are, nothing as nothing, all else as JSON."""
    if output is None:
        return ""
    return output if isinstance(output, str) else json.dumps(output, ensure_ascii=False)


def estimate(value: float, low: float | None, high: float | None) -> label_pb2.Estimate:
    """A number and its interval."""
    return label_pb2.Estimate(value=value, low=low, high=high)


def _assertion(verdict: Verdict) -> pb.AssertionResult:
    assertion = verdict.assertion
    name = "assert-set" if isinstance(assertion, AssertionSet) else assertion.name if assertion else ""
    return pb.AssertionResult(
        type=name,
        outcome=_OUTCOMES[verdict.outcome],
        score=verdict.score,
        reason=verdict.reason,
        metric=assertion.metric if assertion else "",
        weight=assertion.weight if assertion else 1.0,
        **{"pass": verdict.passed},
    )


def _struct(values: Mapping[str, JSON]) -> struct_pb2.Struct:
    message = struct_pb2.Struct()
    # By way of JSON: tuples become lists, and what a Struct cannot hold is a text.
    message.update(json.loads(json.dumps(values, default=str)))
    return message
