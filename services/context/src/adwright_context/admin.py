"""What an operator does to the store: set it up, and fill it from files."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from adwright_docstore import StoreError
from adwright_resources.table_admin import TABLE_COMMANDS, add_table_commands, set_up_table
from adwright_servicekit.errors import AdwrightError
from adwright_servicekit.settings import SettingsError

from .app import build_catalog
from .catalog import Catalog
from .import_model import FileFormat, ImportReport
from .importing import import_file
from .kinds import BRAND, KINDS, Kind
from .settings import StoreSettings

__all__ = ["SeedFile", "run", "seed_files"]

_READ_BYTES = 256 * 1024
_SHOWN_PROBLEMS = 20


@dataclass(frozen=True, slots=True)
class SeedFile:
    """One file of a seed directory; `brand_id` is empty for a file of brands."""

    path: Path
    kind: Kind
    brand_id: str
    file_format: FileFormat


class _BadDirectory(Exception):
    pass


def run(arguments: list[str], environ: Mapping[str, str]) -> int:
    """Runs `admin …` and returns the exit code: 0 done, 1 failed, 2 bad input."""
    parser = argparse.ArgumentParser(prog="python -m adwright_context admin", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    add_table_commands(commands)
    seed = commands.add_parser("seed", help="import brands, products and exemplars; repeatable")
    seed.add_argument("directory", type=Path, help="brands.jsonl and a folder a brand, or as CSV")
    seed.add_argument("--tenant", default="demo", help="whose they are (default: %(default)s)")
    try:
        options = parser.parse_args(arguments)
    except SystemExit as stop:
        return int(stop.code or 0)
    try:
        settings = StoreSettings.load(environ)
        if options.command in TABLE_COMMANDS:
            return asyncio.run(set_up_table(settings.place, options))
        return asyncio.run(_seed(settings, options.directory, options.tenant))
    except (SettingsError, _BadDirectory) as error:
        print(f"adwright_context admin: {error}", file=sys.stderr)
        return 2
    except (AdwrightError, StoreError, OSError) as error:
        print(f"adwright_context admin: {error}", file=sys.stderr)
        return 1


async def _seed(settings: StoreSettings, directory: Path, tenant: str) -> int:
    files = list(seed_files(directory))
    failed = shown = 0
    async with await settings.place.open() as store:
        catalog = build_catalog(store)
        for file in files:
            label = file.path.relative_to(directory)
            try:
                report = await _import(catalog, tenant, file)
            except AdwrightError as error:
                raise _BadDirectory(f"{label}: {error.message}") from error
            print(f"{label}: {report.imported} imported, {report.failed} refused")
            failed += report.failed
            for problem in report.problems[: _SHOWN_PROBLEMS - shown]:
                shown += 1
                field = f"{problem.field}: " if problem.field else ""
                print(f"{label}:{problem.line}: {field}{problem.message}", file=sys.stderr)
    return 2 if failed else 0


async def _import(catalog: Catalog, tenant: str, file: SeedFile) -> ImportReport:
    return await import_file(
        catalog,
        tenant,
        file.kind,
        file.brand_id,
        file.file_format,
        _pieces(file.path),
    )


async def _pieces(path: Path) -> AsyncIterator[bytes]:
    with path.open("rb") as stream:
        while piece := stream.read(_READ_BYTES):
            yield piece


def seed_files(directory: Path) -> Iterator[SeedFile]:
    """The files of a seed directory in the order in which they must be imported.

    Raises an error with one line where there is no file of brands.
    """
    found = list(_files_of(directory, BRAND, ""))
    if not found:
        raise _BadDirectory(f"{directory}: has neither brands.jsonl nor brands.csv")
    yield from found
    for folder in sorted(path for path in directory.iterdir() if path.is_dir()):
        for kind in KINDS:
            if kind.in_brand:
                yield from _files_of(folder, kind, folder.name)


def _files_of(folder: Path, kind: Kind, brand_id: str) -> Iterator[SeedFile]:
    for file_format in FileFormat:
        path = folder / f"{kind.plural}.{file_format.value}"
        if path.is_file():
            yield SeedFile(path, kind, brand_id, file_format)
