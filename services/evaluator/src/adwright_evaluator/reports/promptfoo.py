"""promptfoo's result JSON (version 3 of its output files); what is ours is under `adwright`."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, Final

from adwright_evaluator.model import (
    Assertion,
    AssertionSet,
    CellResult,
    CellStatus,
    Outcome,
    Usage,
    Verdict,
)

from .view import RunView

__all__ = ["FAILURES", "promptfoo_json", "result_of"]

FAILURES: Final = {CellStatus.PASSED: 0, CellStatus.FAILED: 1, CellStatus.ERROR: 2}
"""promptfoo's ResultFailureReason: none, assertion, error."""


def promptfoo_json(view: RunView) -> Iterator[bytes]:
    """The file, a cell at a time."""
    time = view.create_time.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    prompts, stats = _sums(view)
    head = {"version": 3, "timestamp": time, "prompts": prompts, "stats": stats}
    config = {
        "description": view.description,
        "prompts": [text for _, text in view.prompts],
        "providers": list(view.providers),
    }
    yield f'{{"evalId":{json.dumps(view.name)},"results":'.encode()
    yield json.dumps(head, ensure_ascii=False)[:-1].encode() + b',"results":['
    for index, cell in enumerate(view.cells):
        yield (b",\n" if index else b"\n") + json.dumps(result_of(view, cell), ensure_ascii=False).encode()
    rest = {"config": config, "shareableUrl": None, "metadata": {"exportedAt": time, "author": None}}
    yield b"\n]}," + json.dumps(rest | {"adwright": {"name": view.name}}, ensure_ascii=False)[1:].encode() + b"\n"


def result_of(view: RunView, cell: CellResult) -> dict[str, Any]:
    """One of promptfoo's `EvaluateResult`."""
    label, template = view.prompts[cell.prompt]
    provider, answer, verdict = view.providers[cell.provider], cell.answer, cell.verdict
    names = dict(verdict.named_scores) if verdict else {}
    return {
        "promptIdx": cell.prompt,
        "testIdx": cell.case,
        "testCase": {"description": cell.title, "vars": dict(cell.vars)},
        "promptId": template,
        "provider": {"id": provider, "label": provider},
        "prompt": {"raw": cell.prompt_text, "label": label},
        "vars": dict(cell.vars),
        "response": {
            "output": answer.output,
            "tokenUsage": _tokens(answer.usage),
            "cached": answer.cached,
            "finishReason": answer.finish_reason,
            "metadata": dict(answer.metadata),
        },
        "error": cell.error or None,
        "failureReason": FAILURES[cell.status],
        "success": cell.status is CellStatus.PASSED,
        "score": cell.score,
        "latencyMs": answer.latency_ms,
        "gradingResult": _grading(verdict) if verdict else None,
        "namedScores": names,
        "cost": answer.cost_usd or 0.0,
        "metadata": dict(answer.metadata),
        "adwright": {
            "repeat": cell.repeat,
            **({"varsHash": cell.vars_hash} if cell.vars_hash else {}),
            "providerIdx": cell.provider,
            "traceId": answer.trace_id,
            "model": answer.model,
        },
    }


def _grading(verdict: Verdict) -> dict[str, Any]:
    found: dict[str, Any] = {
        "pass": verdict.passed,
        "score": verdict.score,
        "reason": verdict.reason,
        "namedScores": dict(verdict.named_scores),
        "tokensUsed": _tokens(verdict.usage),
    }
    if verdict.components:
        found["componentResults"] = [_grading(each) for each in verdict.components]
    assertion = verdict.assertion
    if isinstance(assertion, Assertion):
        given = {"value": assertion.value, "threshold": assertion.threshold, "metric": assertion.metric or None}
        found["assertion"] = {"type": assertion.name, "weight": assertion.weight} | {
            name: value for name, value in given.items() if value is not None
        }
    elif isinstance(assertion, AssertionSet):
        found["assertion"] = {"type": "assert-set", "weight": assertion.weight}
    if verdict.outcome is not Outcome.SCORED:
        found["adwright"] = {"outcome": verdict.outcome.value}
    return found


class _Sums:
    """What cells have together."""

    def __init__(self) -> None:
        self.score = self.latency_ms = self.cost = 0.0
        self.counts = dict.fromkeys(CellStatus, 0)
        self.usage = Usage()

    def add(self, cell: CellResult) -> None:
        answer = cell.answer
        self.score += cell.score
        self.latency_ms += answer.latency_ms or 0.0
        self.cost += answer.cost_usd or 0.0
        self.counts[cell.status] += 1
        self.usage += answer.usage

    def counted(self, form: str, names: Sequence[str]) -> dict[str, int]:
        return {form.format(name): count for name, count in zip(names, self.counts.values(), strict=True)}


def _sums(view: RunView) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Of each column, and of the whole."""
    columns: dict[tuple[int, int], _Sums] = defaultdict(_Sums)
    whole = _Sums()
    for cell in view.cells:
        columns[cell.prompt, cell.provider].add(cell)
        whole.add(cell)
    prompts = [
        {
            "raw": view.prompts[prompt][1],
            "label": view.prompts[prompt][0],
            "provider": view.providers[provider],
            "metrics": {
                "score": sums.score,
                **sums.counted("test{}Count", ("Pass", "Fail", "Error")),
                "totalLatencyMs": sums.latency_ms,
                "tokenUsage": _tokens(sums.usage),
                "cost": sums.cost,
            },
        }
        for (prompt, provider), sums in sorted(columns.items())
    ]
    return prompts, {**whole.counted("{}", ("successes", "failures", "errors")), "tokenUsage": _tokens(whole.usage)}


def _tokens(usage: Usage) -> dict[str, int]:
    return {
        "total": usage.input_tokens + usage.output_tokens,
        "prompt": usage.input_tokens,
        "completion": usage.output_tokens,
        "numRequests": usage.calls,
    }
