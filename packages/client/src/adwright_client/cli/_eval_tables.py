"""Runs as tables, on a terminal and in plain lines."""

from __future__ import annotations

import sys

from adwright.evaluator.v1.evaluation_pb2 import (
    CellResult,
    ColumnComparison,
    ColumnSummary,
    CompareEvaluationsResponse,
    Evaluation,
)
from adwright.evaluator.v1.label_pb2 import Estimate

from ..client import AsyncClient
from ._output import terminal

__all__ = ["progress_line", "show_cells", "show_columns", "show_differences", "show_failures", "show_table"]

_MOST_FAILURES = 10
_STATES = {
    Evaluation.STATE_RUNNING: "runs",
    Evaluation.STATE_SUCCEEDED: "done",
    Evaluation.STATE_CANCELLED: "cancelled",
    Evaluation.STATE_OUT_OF_BUDGET: "out of budget",
}
_MARKS = {CellResult.STATUS_PASSED: "✓", CellResult.STATUS_FAILED: "✗", CellResult.STATUS_ERROR: "!"}
_VERDICTS = {
    ColumnComparison.VERDICT_BETTER: "better",
    ColumnComparison.VERDICT_WORSE: "worse",
    ColumnComparison.VERDICT_NO_DIFFERENCE_SHOWN: "no difference shown",
}


def progress_line(run: Evaluation) -> str:
    """`done: 58 passed, 2 failed, 0 errors of 60`."""
    counts = run.counts
    cost = f", ${counts.cost_usd:.4f}" if counts.cost_usd else ""
    cached = f", {counts.cached} from the cache" if counts.cached else ""
    return (
        f"{_STATES.get(run.state, '?')}: {counts.passed} passed, {counts.failed} failed, {counts.errors} errors"
        f" of {counts.cells}{cached}{cost}"
    )


def show_table(title: str, heads: list[str], rows: list[list[str]]) -> None:
    """A table on a terminal, lines with tabs elsewhere."""
    console = terminal()
    if console is None:
        print(f"-- {title} --")
        print("\t".join(heads))
        for row in rows:
            print("\t".join(row))
        return
    from rich.table import Table

    table = Table(title=title, title_justify="left", header_style="bold")
    for head in heads:
        table.add_column(head, overflow="fold")
    for row in rows:
        table.add_row(*row)
    console.print(table)


def show_columns(run: Evaluation) -> None:
    """What each provider made of each prompt."""
    metrics = sorted({name for column in run.columns for name in column.metrics})
    heads = ["prompt × provider", "passed", "score", *metrics, "errors", "cost", "p50", "p95", "best"]
    rows = [
        [
            _column(run, column),
            f"{_percent(column.pass_rate)}  {column.passed}/{column.scored}",
            _number(column.score),
            *(_number(column.metrics[name]) if name in column.metrics else "" for name in metrics),
            str(column.errors),
            f"${column.cost_usd:.5f}" if column.cost_usd else "",
            _time(column.latency_p50_ms),
            _time(column.latency_p95_ms),
            "●" if column.pareto and len(run.columns) > 1 else "",
        ]
        for column in run.columns
    ]
    show_table(run.description or run.name, heads, rows)


async def show_failures(client: AsyncClient, run: Evaluation) -> None:
    """The first cells that failed, and why."""
    if not (run.counts.failed or run.counts.errors):
        return
    shown = 0
    wrong = (CellResult.STATUS_FAILED, CellResult.STATUS_ERROR)
    async for cell in client.evaluations.results(run.name, statuses=wrong):
        print(_cell_line(run, cell))
        shown += 1
        if shown == _MOST_FAILURES:
            break
    left = run.counts.failed + run.counts.errors - shown
    if left:
        print(f"… and {left} more")


async def show_cells(client: AsyncClient, run: Evaluation, *, failed: bool) -> None:
    """Every cell in a line."""
    wrong = (CellResult.STATUS_FAILED, CellResult.STATUS_ERROR)
    async for cell in client.evaluations.results(run.name, statuses=wrong if failed else ()):
        print(_cell_line(run, cell, output=True))


def show_differences(said: CompareEvaluationsResponse) -> None:
    """Two runs, and what they mean."""
    rows = [
        [
            each.candidate if each.candidate == each.baseline else f"{each.baseline} → {each.candidate}",
            each.metric,
            f"{each.before.value:.3f}",
            f"{each.after.value:.3f}",
            _signed(each.difference),
            f"{each.adjusted_p_value:.3f}",
            _VERDICTS.get(each.verdict, "?"),
            f"about {each.cases_needed}" if each.cases_needed else "",
            str(each.cases),
        ]
        for each in said.columns
    ]
    heads = ["column", "of", "before", "after", "difference (95 %)", "p", "verdict", "cases to show it", "cases"]
    show_table("comparison", heads, rows)
    for each in said.columns:
        for word, names in (("fixed", each.fixed), ("broken", each.broken)):
            for name in names[:5]:
                print(f"{word}: {name}")
            if len(names) > 5:
                print(f"{word}: … and {len(names) - 5} more")
    print(said.summary, file=sys.stdout)


def _cell_line(run: Evaluation, cell: CellResult, *, output: bool = False) -> str:
    where = f"{run.prompts[cell.cell.prompt].label} × {run.providers[cell.cell.provider]}"
    failed = next((each.reason for each in cell.assertions if not getattr(each, "pass")), "")
    why = cell.error or failed
    said = f" → {' '.join(cell.output.split())[:160]}" if output else ""
    mark = _MARKS.get(cell.status, "?")
    return f"{mark} #{cell.cell.case + 1} {cell.description[:60]} [{where[:60]}]{said} {why}".rstrip()


def _column(run: Evaluation, column: ColumnSummary) -> str:
    return f"{run.prompts[column.prompt].label} × {run.providers[column.provider]}"


def _percent(estimate: Estimate) -> str:
    interval = f" ({100 * estimate.low:.0f}–{100 * estimate.high:.0f})" if estimate.HasField("low") else ""
    return f"{100 * estimate.value:.1f} %{interval}"


def _number(estimate: Estimate) -> str:
    interval = f" ({estimate.low:.2f}–{estimate.high:.2f})" if estimate.HasField("low") else ""
    return f"{estimate.value:.3f}{interval}"


def _signed(estimate: Estimate) -> str:
    interval = f" ({estimate.low:+.3f} to {estimate.high:+.3f})" if estimate.HasField("low") else ""
    return f"{estimate.value:+.3f}{interval}"


def _time(milliseconds: float) -> str:
    if not milliseconds:
        return ""
    return f"{milliseconds / 1000:.2f} s" if milliseconds >= 1000 else f"{milliseconds:.0f} ms"
