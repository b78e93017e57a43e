"""Runs as tables, on a terminal and in plain lines."""

from __future__ import annotations

from collections.abc import AsyncIterable, Sequence
from typing import Final

from adwright.evaluator.v1.evaluation_pb2 import AssertionResult, CellResult, ColumnSummary, Evaluation
from adwright.evaluator.v1.label_pb2 import Estimate
from adwright_servicekit.names import short_id

from ..client import AsyncClient
from ._output import terminal
from ._words import printable

__all__ = [
    "WRONG",
    "flat",
    "progress_line",
    "run_id",
    "show_cells",
    "show_columns",
    "show_failures",
    "show_table",
]

WRONG: Final = (CellResult.STATUS_FAILED, CellResult.STATUS_ERROR)
"""Cells that somebody should look at."""
_MOST_FAILURES: Final = 10
_HEADS: Final = ("passed", "score", "errors", "cost", "p50 / p95", "best")
_STATES = {
    Evaluation.STATE_RUNNING: "runs",
    Evaluation.STATE_SUCCEEDED: "done",
    Evaluation.STATE_CANCELLED: "cancelled",
    Evaluation.STATE_OUT_OF_BUDGET: "out of budget",
}
_MARKS = {CellResult.STATUS_PASSED: "✓", CellResult.STATUS_FAILED: "✗", CellResult.STATUS_ERROR: "!"}
_UNKNOWN: Final = "–"
"""Where nothing is told, which is neither free nor fast."""


def run_id(run: Evaluation) -> str:
    """`01j…`."""
    return short_id(run.name)


def progress_line(run: Evaluation) -> str:
    """`done: 58 passed, 2 failed, 0 errors of 60`."""
    counts = run.counts
    cost = f", ${counts.cost_usd:.4f}" if counts.cost_usd else ""
    cached = f", {counts.cached} from the cache" if counts.cached else ""
    return (
        f"{_STATES.get(run.state, '?')}: {counts.passed} passed, {counts.failed} failed, {counts.errors} errors"
        f" of {counts.cells}{cached}{cost}"
    )


def show_table(title: str, heads: list[str], rows: Sequence[Sequence[str | tuple[str, str]]]) -> None:
    """A table on a terminal, where a pair stands on two lines; lines with tabs elsewhere.

    Models and suites may have written what is in it.
    """
    console = terminal()
    cells = [[tuple(map(flat, (cell,) if isinstance(cell, str) else cell)) for cell in row] for row in rows]
    if console is None:
        print(f"-- {flat(title)} --")
        print("\t".join(heads))
        for row in cells:
            print("\t".join(" ".join(filter(None, cell)) for cell in row))
        return
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(title=Text(flat(title)), title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for place, head in enumerate(heads):
        table.add_column(head, style="cyan" if place == 0 else "", overflow="fold")
    for row in cells:
        table.add_row(*(Text("\n".join(filter(None, cell))) for cell in row))
    console.print(table)


def show_columns(run: Evaluation) -> None:
    """What each provider made of each prompt."""
    rows = [
        [
            _where(run, column.prompt, column.provider),
            *_quality(column),
            str(column.errors),
            f"${column.cost_usd:.5f}" if column.HasField("cost_usd") else _UNKNOWN,
            (f"{_time(column.latency_p50_ms)} /", _time(column.latency_p95_ms))
            if column.HasField("latency_p50_ms")
            else _UNKNOWN,
            "●" if column.pareto and len(run.columns) > 1 else "",
        ]
        for column in run.columns
    ]
    show_table(run.description or run.name, ["prompt × provider", *_HEADS], rows)
    if any(column.pareto for column in run.columns) and len(run.columns) > 1:
        print("(–) 95 % interval   ● no other is better in quality, cost or latency without being worse in another")
    means = [
        [name, _where(run, column.prompt, column.provider), f"{mean.value:.3f}", _interval(mean)]
        for column in run.columns
        for name, mean in column.metrics.items()
    ]
    if means:
        show_table("metrics", ["metric", "prompt × provider", "mean", "95 %"], sorted(means))


async def show_failures(client: AsyncClient, run: Evaluation) -> None:
    """The first cells that failed, and why."""
    left = run.counts.failed + run.counts.errors
    if not left:
        return
    shown = 0
    async for cell in client.evaluations.results(run.name, statuses=WRONG):
        if shown == _MOST_FAILURES:
            print(f"… and {left - shown} more: adwright eval show {run_id(run)} --failed")
            return
        for line in _cell_lines(run, cell):
            print(line)
        shown += 1


async def show_cells(run: Evaluation, cells: AsyncIterable[CellResult]) -> None:
    """Cells as they come, each with its output and what is said of it."""
    async for cell in cells:
        for line in _cell_lines(run, cell, output=True):
            print(line)


def _cell_lines(run: Evaluation, cell: CellResult, *, output: bool = False) -> list[str]:
    """A line for the cell, and one below it for each thing that is wrong with it."""
    mark = _MARKS.get(cell.status, "?")
    repeat = f" repeat {cell.cell.repeat + 1}" if cell.cell.repeat else ""
    where = _where(run, cell.cell.prompt, cell.cell.provider)
    lines = [f"{mark} case {cell.cell.case + 1}{repeat} · {where}: {_short(cell.description, 120)}".rstrip(": ")]
    if output:
        lines.append(f"    → {_short(cell.output, 200)}")
    failed = {each.reason for each in cell.assertions if each.outcome == AssertionResult.OUTCOME_FAILED}
    if cell.error and cell.error not in failed:
        lines.append(f"    {flat(cell.error)}")
    for each in cell.assertions:
        told = each.outcome != AssertionResult.OUTCOME_FAILED
        if told and (getattr(each, "pass") or each.outcome == AssertionResult.OUTCOME_NOT_APPLICABLE):
            continue
        lines.append(f"    {flat(each.type)}{'' if told else ' (could not be told)'}: {flat(each.reason)}")
    return lines


def _where(run: Evaluation, prompt: int, provider: int) -> str:
    label = run.prompts[prompt].label if prompt < len(run.prompts) else f"prompt {prompt}"
    of = run.providers[provider] if provider < len(run.providers) else f"provider {provider}"
    return f"{_short(label, 60)} × {_short(of, 60)}"


def flat(text: str) -> str:
    """On one line, and nothing in it that a terminal obeys."""
    return printable(" ".join(text.split()))


def _short(text: str, most: int) -> str:
    said = flat(text)
    return said if len(said) <= most else f"{said[: most - 1]}…"


def _quality(column: ColumnSummary) -> list[str | tuple[str, str]]:
    if not column.scored:
        return [f"{_UNKNOWN} of 0", _UNKNOWN]
    return [
        (f"{100 * column.pass_rate.value:.1f} % of {column.scored}", _interval(column.pass_rate, 100, 0)),
        (f"{column.score.value:.3f}", _interval(column.score)),
    ]


def _interval(estimate: Estimate, times: int = 1, digits: int = 2) -> str:
    if not estimate.HasField("low"):
        return ""
    return f"({times * estimate.low:.{digits}f}–{times * estimate.high:.{digits}f})"


def _time(milliseconds: float) -> str:
    return f"{milliseconds / 1000:.2f} s" if milliseconds >= 1000 else f"{milliseconds:.0f} ms"
