"""Runs looked at, compared, and changed from the command line."""

from __future__ import annotations

import sys
from pathlib import Path

from adwright.evaluator.v1.evaluation_pb2 import Evaluation
from adwright_servicekit.errors import InvalidInput, NotFound

from ..client import AsyncClient
from ..evaluations import evaluation_name
from ._eval_run import follow
from ._eval_tables import progress_line, show_cells, show_columns, show_differences, show_failures, show_table
from ._output import json_line

__all__ = ["change", "resolved", "show_calibration", "show_comparison", "show_run", "show_runs"]

_PLACES = {"latest": 0, "previous": 1}


async def resolved(client: AsyncClient, name: str) -> str:
    """The full name of a run; `latest` and `previous` are the newest ones. Raises NotFound."""
    if name not in _PLACES:
        return evaluation_name(name)
    place = _PLACES[name]
    async for run in client.evaluations.list():
        if place == 0:
            return run.name
        place -= 1
    raise NotFound(f"there is no {name} run yet: adwright eval run SUITE", reason="EVALUATION_NOT_FOUND")


async def show_run(client: AsyncClient, name: str, *, cells: bool, failed: bool, as_json: bool) -> int:
    """A run; one that runs is followed to its end."""
    run = await client.evaluations.get(await resolved(client, name))
    if run.state == Evaluation.STATE_RUNNING and not as_json:
        run = await follow(client, run)
    if as_json:
        sys.stdout.buffer.write(json_line(run))
        return 0
    show_columns(run)
    if cells or failed:
        await show_cells(client, run, failed=failed)
    else:
        await show_failures(client, run)
    print(progress_line(run))
    return 0


async def show_runs(client: AsyncClient, *, as_json: bool) -> int:
    """All runs."""
    rows = []
    async for run in client.evaluations.list():
        if as_json:
            sys.stdout.buffer.write(json_line(run))
            continue
        when = run.create_time.ToDatetime().isoformat(sep=" ", timespec="minutes")
        rows.append([run.name.removeprefix("evaluations/"), when, run.description[:50], progress_line(run)])
    if not as_json:
        show_table("runs", ["id", "begun (UTC)", "description", "state"], rows)
    return 0


async def show_comparison(
    client: AsyncClient, baseline: str, candidate: str, column: tuple[str, str], *, as_json: bool
) -> int:
    """Two runs, by name or as files."""
    said = await client.evaluations.compare(
        await _side(client, baseline),
        await _side(client, candidate),
        baseline_column=column[0],
        candidate_column=column[1],
    )
    if as_json:
        sys.stdout.buffer.write(json_line(said))
    else:
        show_differences(said)
    return 0


async def show_calibration(client: AsyncClient, name: str, metric: str, *, as_json: bool) -> int:
    """How well a judge agrees with people."""
    said = await client.evaluations.calibrate(await resolved(client, name), metric)
    if as_json:
        sys.stdout.buffer.write(json_line(said))
        return 0
    names = ("agreement", "kappa", "alpha", "precision", "recall")
    rows = []
    for each in names:
        estimate = getattr(said, each)
        interval = f"{estimate.low:.2f} to {estimate.high:.2f}" if estimate.HasField("low") else ""
        rows.append([each, f"{estimate.value:.2f}", interval])
    show_table(f"{said.label_count} labels, threshold {said.threshold:.2f}", ["", "value", "95 %"], rows)
    print(said.summary)
    return 0


async def change(client: AsyncClient, verb: str, name: str, *, budget: float = 0.0) -> int:
    """Cancels, resumes or deletes a run."""
    full = await resolved(client, name)
    if verb == "resume":
        run = await follow(client, await client.evaluations.resume(full, budget_usd=budget))
        show_columns(run)
        print(progress_line(run))
        return 0 if run.state == Evaluation.STATE_SUCCEEDED else 1
    await (client.evaluations.cancel(full) if verb == "cancel" else client.evaluations.delete(full))
    print(f"{full} is {'cancelled' if verb == 'cancel' else 'deleted'}")
    return 0


async def _side(client: AsyncClient, given: str) -> str | bytes:
    data = _file(given)
    return await resolved(client, given) if data is None else data


def _file(given: str) -> bytes | None:
    path = Path(given)
    if path.is_file():
        return path.read_bytes()
    if path.suffix or "/" in given.removeprefix("evaluations/"):
        raise InvalidInput(f"there is no file {given}", reason="FILE_NOT_FOUND")
    return None
