"""Summaries of columns as they are stored and sent: the fields of ColumnSummary in proto's JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from adwright_evaluator.comparison import ColumnSummary, Measure

__all__ = ["packed_columns"]


def packed_columns(columns: Sequence[ColumnSummary]) -> tuple[dict[str, Any], ...]:
    """One mapping a column."""
    return tuple(
        {
            "prompt": each.prompt,
            "provider": each.provider,
            "scored": each.scored,
            "passed": each.passed,
            "errors": each.errors,
            "passRate": _measure(each.pass_rate),
            "score": _measure(each.score),
            "metrics": {name: _measure(measure) for name, measure in each.metrics.items()},
            "costUsd": each.cost_usd,
            "latencyP50Ms": each.latency_p50_ms,
            "latencyP95Ms": each.latency_p95_ms,
            "pareto": each.pareto,
        }
        for each in columns
    )


def _measure(measure: Measure) -> dict[str, float]:
    ends = {"low": measure.interval.low, "high": measure.interval.high} if measure.interval else {}
    return {"value": measure.value, **ends}
