"""A suite run from the command line: begun, watched, summed up, written to files."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from adwright.evaluator.v1.evaluation_pb2 import Evaluation, EvaluationOptions
from adwright_servicekit.errors import InvalidInput

from ..client import AsyncClient
from ..suite_files import suite_source
from ._eval_tables import progress_line, show_columns, show_failures
from ._output import terminal

__all__ = ["Wanted", "check_outputs", "follow", "run_and_show", "write_outputs"]

_FORMATS = ("json", "html", "csv", "xml", "jsonl")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to become of a run."""

    outputs: Sequence[Path] = ()
    dry_run: bool = False
    detach: bool = False
    table: bool = True


def check_outputs(outputs: Sequence[str]) -> list[Path]:
    """The files. Raises InvalidInput for an ending that says nothing, and a folder that is not there."""
    for output in outputs:
        if Path(output).suffix.removeprefix(".") not in _FORMATS:
            known = ", ".join(f".{each}" for each in _FORMATS)
            raise InvalidInput(f"--output {output}: the ending says the format, one of {known}", reason="USAGE")
        if not Path(output).absolute().parent.is_dir():
            raise InvalidInput(f"--output {output}: there is no folder {Path(output).parent}", reason="USAGE")
    return [Path(output) for output in outputs]


async def run_and_show(client: AsyncClient, suite: str, options: EvaluationOptions, wanted: Wanted) -> int:
    """Exit code 1 when an assertion failed, a cell could not be told, or the run did not come to its end."""
    what = suite if suite.startswith("suites/") else suite_source(suite)
    begun = await client.evaluations.run(what, options, validate_only=wanted.dry_run)
    for warning in begun.warnings:
        print(f"note: {warning}", file=sys.stderr)
    if wanted.dry_run:
        print(f"{begun.case_count} cases, {begun.counts.cells} cells: it could be run")
        return 0
    if wanted.detach:
        print(begun.name)
        return 0
    ended = await follow(client, begun)
    if wanted.table:
        show_columns(ended)
        await show_failures(client, ended)
    await write_outputs(client, ended.name, wanted.outputs)
    print(progress_line(ended))
    print(f"{ended.name}: adwright eval show {ended.name.removeprefix('evaluations/')} --cells")
    done = ended.state == Evaluation.STATE_SUCCEEDED
    return 0 if done and not (ended.counts.failed or ended.counts.errors) else 1


async def follow(client: AsyncClient, begun: Evaluation) -> Evaluation:
    """The run once it has ended, its progress shown meanwhile."""
    console, last = terminal(), begun
    try:
        if console is None:
            async for now in client.evaluations.watch(begun.name):
                last = now
            return last
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
        with Progress(*columns, console=console, transient=True) as progress:
            task = progress.add_task("", total=begun.counts.cells)
            async for now in client.evaluations.watch(begun.name):
                last, counts = now, now.counts
                said = f"{counts.passed} passed, {counts.failed} failed, {counts.errors} errors"
                progress.update(task, completed=counts.done, description=said)
    except BaseException:
        print(f"{begun.name} goes on: adwright eval show {begun.name.removeprefix('evaluations/')}", file=sys.stderr)
        raise
    return last


async def write_outputs(client: AsyncClient, name: str, outputs: Sequence[Path]) -> None:
    """Each file whole, or as it was before."""
    for output in outputs:
        with _whole(output) as file:
            async for data in client.evaluations.export(name, output.suffix.removeprefix(".")):
                file.write(data)
        print(f"wrote {output}")


@contextmanager
def _whole(output: Path) -> Iterator[IO[bytes]]:
    """A file that takes its place when it is whole."""
    with tempfile.NamedTemporaryFile(dir=output.absolute().parent, prefix=f".{output.name}.", delete=False) as file:
        temporary = Path(file.name)
        try:
            yield file
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    # As `open` would have made it.
    umask = os.umask(0)
    os.umask(umask)
    temporary.chmod(0o666 & ~umask)
    temporary.replace(output)
