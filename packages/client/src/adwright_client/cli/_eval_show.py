"""Runs looked at, compared, and changed from the command line."""

from __future__ import annotations

import sys

from google.protobuf.message import Message

from adwright.evaluator.v1.evaluation_pb2 import CellResult, ColumnComparison, Evaluation
from adwright_servicekit.errors import NotFound

from ..client import AsyncClient
from ..evaluations import evaluation_name
from ._eval_compared import show_agreement, show_differences
from ._eval_files import read_results
from ._eval_run import Wanted, finish
from ._eval_tables import (
    WRONG,
    progress_line,
    run_id,
    show_cells,
    show_columns,
    show_failures,
    show_table,
)
from ._eval_watch import follow
from ._output import json_line

__all__ = ["cancel", "delete", "resolved", "resume", "show_calibration", "show_comparison", "show_run", "show_runs"]


async def resolved(client: AsyncClient, name: str) -> str:
    """The full name of a run; `latest` is the newest one, `previous` the one before it of the same suite.

    Raises NotFound.
    """
    if name not in ("latest", "previous"):
        return evaluation_name(name)
    latest: Evaluation | None = None
    async for run in client.evaluations.list():
        if name == "latest":
            return run.name
        if latest is None:
            latest = run
        elif (run.suite, run.description) == (latest.suite, latest.description):
            return run.name
    if latest is None:
        raise NotFound("there is no run yet: adwright eval run SUITE", reason="EVALUATION_NOT_FOUND")
    raise NotFound(
        f"{latest.name} is the first run of its suite ({latest.description or 'without a description'}): name another "
        "run, adwright eval list has them",
        reason="EVALUATION_NOT_FOUND",
    )


async def show_run(client: AsyncClient, name: str, *, cells: bool, failed: bool, as_json: bool) -> int:
    """A run; one that runs is followed to its end. As JSON it is shown as it stands: the run, or its cells."""
    run = await client.evaluations.get(await resolved(client, name))
    if as_json and (cells or failed):
        async for cell in client.evaluations.results(run.name, statuses=_statuses(failed=failed)):
            _write(cell)
        return 0
    if as_json:
        _write(run)
        return 0
    if run.state == Evaluation.STATE_RUNNING:
        run = await follow(client, run)
    show_columns(run)
    if cells or failed:
        await show_cells(run, client.evaluations.results(run.name, statuses=_statuses(failed=failed)))
    else:
        await show_failures(client, run)
    print(progress_line(run))
    return 0


async def show_runs(client: AsyncClient, *, as_json: bool) -> int:
    """All runs."""
    rows = []
    async for run in client.evaluations.list():
        if as_json:
            _write(run)
            continue
        when = run.create_time.ToDatetime().isoformat(sep=" ", timespec="minutes")
        rows.append([run_id(run), when, run.description[:50], progress_line(run)])
    if not as_json:
        show_table("runs", ["id", "begun (UTC)", "description", "state"], rows)
    return 0


async def show_comparison(
    client: AsyncClient, baseline: str, candidate: str, column: tuple[str, str], *, as_json: bool, fail: bool
) -> int:
    """Two runs, by name or as files; with `fail` the exit code is 1 when something is shown to be worse."""
    before, after = read_results(baseline, candidate)
    said = await client.evaluations.compare(
        await resolved(client, baseline) if before is None else before,
        await resolved(client, candidate) if after is None else after,
        baseline_column=column[0],
        candidate_column=column[1],
    )
    if as_json:
        _write(said)
    else:
        show_differences(said)
    worse = any(each.verdict == ColumnComparison.VERDICT_WORSE for each in said.columns)
    return 1 if fail and worse else 0


async def show_calibration(client: AsyncClient, name: str, metric: str, *, as_json: bool) -> int:
    """How well a judge agrees with people."""
    said = await client.evaluations.calibrate(await resolved(client, name), metric)
    if as_json:
        _write(said)
    else:
        show_agreement(said)
    return 0


async def cancel(client: AsyncClient, name: str) -> int:
    """Ends a run as it is."""
    run = await client.evaluations.get(await resolved(client, name))
    if run.state != Evaluation.STATE_RUNNING:
        print(f"{run.name} had ended before; {progress_line(run)}")
        return 0
    await client.evaluations.cancel(run.name)
    print(f"{run.name} cancelled; what is done is kept, and adwright eval resume {run_id(run)} goes on")
    return 0


async def resume(client: AsyncClient, name: str, budget: float, wanted: Wanted) -> int:
    """Goes on with a run, and follows it. Exit codes as of a run."""
    return await finish(
        client, await client.evaluations.resume(await resolved(client, name), budget_usd=budget), wanted
    )


async def delete(client: AsyncClient, name: str) -> int:
    """Forgets a run."""
    full = await resolved(client, name)
    await client.evaluations.delete(full)
    print(f"{full} deleted")
    return 0


def _statuses(*, failed: bool) -> tuple[CellResult.Status.ValueType, ...]:
    return WRONG if failed else ()


def _write(message: Message) -> None:
    sys.stdout.buffer.write(json_line(message))
    sys.stdout.buffer.flush()
