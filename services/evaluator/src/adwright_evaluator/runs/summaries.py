"""Summaries of columns as they are stored and sent: the fields of ColumnSummary in proto's JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from adwright_evaluator.summary import ColumnSummary, Measure

__all__ = ["packed_columns"]


def packed_columns(columns: Sequence[ColumnSummary]) -> tuple[dict[str, Any], ...]:
    """One mapping a column."""
    return tuple(map(_packed, columns))


def _packed(column: ColumnSummary) -> dict[str, Any]:
    told = {
        "costUsd": column.cost_usd,
        "latencyP50Ms": column.latency_p50_ms,
        "latencyP95Ms": column.latency_p95_ms,
    }
    return {
        "prompt": column.prompt,
        "provider": column.provider,
        "scored": column.scored,
        "passed": column.passed,
        "errors": column.errors,
        "passRate": _measure(column.pass_rate),
        "score": _measure(column.score),
        "metrics": {name: _measure(measure) for name, measure in column.metrics.items()},
        "pareto": column.pareto,
        **{name: value for name, value in told.items() if value is not None},
    }


def _measure(measure: Measure) -> dict[str, float]:
    ends = {"low": measure.interval.low, "high": measure.interval.high} if measure.interval else {}
    return {"value": measure.value, **ends}
