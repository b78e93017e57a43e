"""A suite run from the command line: begun, watched, summed up, written to files."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from adwright.evaluator.v1.evaluation_pb2 import Evaluation, EvaluationOptions
from adwright.evaluator.v1.suite_pb2 import SuiteSource
from adwright_servicekit.errors import NotFound
from adwright_servicekit.names import ID_PATTERN

from ..client import AsyncClient
from ..suite_files import suite_source
from ._eval_files import write_outputs
from ._eval_tables import progress_line, run_id, show_columns, show_failures
from ._eval_watch import follow
from ._interrupted import Interrupted
from ._output import json_line
from ._words import printable

__all__ = ["Wanted", "finish", "run_and_show"]

_KEPT: Final = re.compile(rf"suites/{ID_PATTERN}")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to become of a run."""

    outputs: Sequence[Path] = ()
    dry_run: bool = False
    detach: bool = False
    table: bool = True
    as_json: bool = False


async def run_and_show(client: AsyncClient, suite: str, options: EvaluationOptions, wanted: Wanted) -> int:
    """Exit code 1 when an assertion failed, a cell could not be told, or the run did not come to its end."""
    begun = await _begun(client, suite, options, wanted)
    for warning in begun.warnings:
        print(f"note: {printable(warning)}", file=sys.stderr)
    if wanted.dry_run:
        _tell_plan(begun, wanted)
        return 0
    return await finish(client, begun, wanted)


async def finish(client: AsyncClient, begun: Evaluation, wanted: Wanted) -> int:
    """Follows a run to its end, and shows it. The same exit codes."""
    if wanted.detach:
        print(begun.name)
        return 0
    ended = await follow(client, begun)
    await write_outputs(client, ended.name, wanted.outputs)
    if wanted.as_json:
        sys.stdout.buffer.write(json_line(ended))
        sys.stdout.buffer.flush()
    else:
        if wanted.table:
            show_columns(ended)
            await show_failures(client, ended)
        print(progress_line(ended))
        print(f"{ended.name}: adwright eval show {run_id(ended)} --cells")
    done = ended.state == Evaluation.STATE_SUCCEEDED
    return 0 if done and not (ended.counts.failed or ended.counts.errors) else 1


async def _begun(client: AsyncClient, suite: str, options: EvaluationOptions, wanted: Wanted) -> Evaluation:
    what: str | SuiteSource = suite if _KEPT.fullmatch(suite) else suite_source(suite)
    try:
        return await client.evaluations.run(what, options, validate_only=wanted.dry_run)
    except NotFound as error:
        if isinstance(what, str) and _is_there(suite):
            error.message = f"{error.message}; for the folder write ./{suite}"
        raise
    except asyncio.CancelledError:
        if wanted.dry_run:
            raise
        how = "adwright eval list shows whether the run had begun"
        raise Interrupted(f"interrupted before the server answered: {how}") from None


def _tell_plan(plan: Evaluation, wanted: Wanted) -> None:
    if wanted.as_json:
        sys.stdout.buffer.write(json_line(plan))
        sys.stdout.buffer.flush()
        return
    prompts, providers, cases = len(plan.prompts), len(plan.providers), plan.case_count
    print(
        f"{_of(prompts, 'prompt')}, {_of(providers, 'provider')}, {_of(cases, 'case')}: "
        f"{_of(plan.counts.cells, 'cell')} would be run"
    )


def _of(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _is_there(path: str) -> bool:
    return Path(path).exists()
