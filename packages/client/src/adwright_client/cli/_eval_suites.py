"""Suites that are kept, from the command line."""

from __future__ import annotations

import gzip
import sys
from pathlib import Path, PurePosixPath

from adwright.evaluator.v1.suite_pb2 import SuiteFile
from adwright_servicekit.errors import InvalidInput
from adwright_servicekit.names import short_id

from ..client import AsyncClient
from ..suite_files import suite_source
from ._eval_tables import show_table
from ._files import written
from ._output import json_line
from ._words import printable

__all__ = ["create_suite", "delete_suite", "show_suite", "show_suites"]


async def show_suites(client: AsyncClient, *, as_json: bool) -> int:
    """All suites by name."""
    rows = []
    async for suite in client.suites.list():
        if as_json:
            sys.stdout.buffer.write(json_line(suite))
            continue
        when = suite.create_time.ToDatetime().isoformat(sep=" ", timespec="minutes")
        rows.append([short_id(suite.name), str(suite.case_count), when, suite.description])
    if not as_json:
        show_table("suites", ["suite", "cases", "made (UTC)", "description"], rows)
    return 0


async def show_suite(client: AsyncClient, name: str, output: str, *, as_json: bool) -> int:
    """One suite; with `output` its files are written into that folder. Raises InvalidInput where they cannot be."""
    suite = await client.suites.get(name)
    if output:
        paths = [_inside(Path(output), file.path) for file in suite.source.files]
        for path, file in zip(paths, suite.source.files, strict=True):
            _write(path, _data(file))
        print(f"{len(suite.source.files)} files of {suite.name} written to {output}")
        return 0
    if as_json:
        sys.stdout.buffer.write(json_line(suite))
        sys.stdout.buffer.flush()
        return 0
    print(printable(f"{suite.name}: {suite.description or 'no description'}, {suite.case_count} cases"))
    for warning in suite.warnings:
        print(f"note: {printable(warning)}")
    main = suite.source.main
    rows = [[file.path, str(len(_data(file))), "main" if file.path == main else ""] for file in suite.source.files]
    show_table("files", ["file", "bytes", ""], rows)
    return 0


async def create_suite(client: AsyncClient, name: str, path: str) -> int:
    """Keeps the suite at `path`."""
    suite = await client.suites.create(name, suite_source(path))
    for warning in suite.warnings:
        print(f"note: {printable(warning)}", file=sys.stderr)
    print(f"{suite.name} made, with {suite.case_count} cases: adwright eval run {suite.name}")
    return 0


async def delete_suite(client: AsyncClient, name: str) -> int:
    """Forgets a suite."""
    await client.suites.delete(name)
    print(f"{name} deleted; runs of it stay")
    return 0


def _inside(folder: Path, given: str) -> Path:
    # What others sent is not to be written beside the folder.
    path = PurePosixPath(given)
    if path.is_absolute() or ".." in path.parts or "\\" in given:
        problem = f"{printable(given)} lies outside of the folder: read the suite with --json"
        raise InvalidInput(problem, reason="OUTSIDE")
    return folder / path


def _write(path: Path, data: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidInput(f"cannot write {path}: {error.strerror}", reason="FILE_UNWRITABLE") from None
    with written(str(path)) as out:
        out.write(data)


def _data(file: SuiteFile) -> bytes:
    return gzip.decompress(file.data) if file.gzip else file.data
