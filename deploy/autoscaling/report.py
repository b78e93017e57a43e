"""Figures of a replayed burst, as a table and as JSON."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from .simulation import Result

__all__ = ["rows", "show", "summary"]


def summary(result: Result) -> dict[str, Any]:
    """Seconds, shares from 0 to 1, USD."""
    served = [r for r in result.requests if r.first is not None and r.done is not None]
    first = sorted(r.first - r.at for r in served if r.first is not None)
    rates = sorted(r.output / (r.done - r.first) for r in served if r.done and r.first and r.done > r.first)
    spilled = Counter(r.spilled for r in result.requests if r.spilled)
    count = max(1, len(result.requests))
    usd = result.gpu_usd + result.api_usd
    return {
        "requests": len(result.requests),
        "refused": sum(r.refused for r in result.requests),
        "first_token_p50": _quantile(first, 0.5),
        "first_token_p95": _quantile(first, 0.95),
        "tokens_a_second_p50": _quantile(rates, 0.5),
        "tokens_a_second_p5": _quantile(rates, 0.05),
        "spilled": sum(spilled.values()) / count,
        "spilled_why": {why: spilled[why] / count for why in ("down", "wait", "slow")},
        "queue_most": max((value for _, value in result.series["queue"]), default=0.0),
        "replicas_most": max((value for _, value in result.series["serving"]), default=0.0),
        "gpu_hours": result.gpu_seconds / 3600,
        "gpu_usd": result.gpu_usd,
        "api_usd": result.api_usd,
        "usd": usd,
        "usd_a_thousand": 1000 * usd / count,
    }


def _quantile(values: Sequence[float], share: float) -> float:
    if not values:
        return 0.0
    return values[min(len(values) - 1, int(share * len(values)))]


_ROWS = (
    ("requests", "requests", "{:.0f}"),
    ("first token, median", "first_token_p50", "{:.2f} s"),
    ("first token, p95", "first_token_p95", "{:.2f} s"),
    ("tokens a second of a stream, median", "tokens_a_second_p50", "{:.0f}"),
    ("tokens a second of a stream, p5", "tokens_a_second_p5", "{:.0f}"),
    ("spilled to the API", "spilled", "{:.0%}"),
    ("refused", "refused", "{:.0f}"),
    ("longest queue", "queue_most", "{:.0f}"),
    ("most replicas", "replicas_most", "{:.0f}"),
    ("GPU hours", "gpu_hours", "{:.2f}"),
    ("GPU, USD", "gpu_usd", "{:.2f}"),
    ("API, USD", "api_usd", "{:.2f}"),
    ("USD a thousand requests", "usd_a_thousand", "{:.2f}"),
)


def rows(results: Sequence[Result]) -> list[tuple[str, list[str]]]:
    """Labels, and a cell for each result."""
    figures = [summary(result) for result in results]
    return [(label, [form.format(each[key]) for each in figures]) for label, key, form in _ROWS]


def show(results: Sequence[Result], console: Console) -> None:
    """Prints a column for each burst."""
    for result in results:
        console.print(f"{result.burst.name}: {result.burst.says}")
    table = Table("the manifests' numbers", *(result.burst.name for result in results))
    for label, cells in rows(results):
        table.add_row(label, *cells)
    console.print(table)
