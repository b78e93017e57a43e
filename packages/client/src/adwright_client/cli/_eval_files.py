"""Files that `adwright eval` writes and reads: results of runs."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from adwright_servicekit.errors import InvalidInput

from ..client import AsyncClient
from ._files import written

__all__ = ["EXPORT_TIMEOUT", "check_outputs", "read_results", "write_outputs"]

EXPORT_TIMEOUT: Final = 600.0
"""Seconds that the file of a run may take."""
_FORMATS: Final = ("json", "html", "csv", "xml", "jsonl")
_MOST_RESULTS: Final = 2_000_000
"""Bytes of results that a request carries, both files together."""


def check_outputs(outputs: Sequence[str]) -> list[Path]:
    """The files. Raises InvalidInput for an ending that says nothing, and a folder that is not there."""
    for output in outputs:
        if _format(output) not in _FORMATS:
            known = ", ".join(f".{each}" for each in _FORMATS)
            raise InvalidInput(f"--output {output}: the ending says the format, one of {known}", reason="USAGE")
        if not Path(output).absolute().parent.is_dir():
            problem = f"--output {output}: there is no folder {Path(output).parent}"
            raise InvalidInput(problem, reason="FILE_UNWRITABLE")
        if Path(output).is_dir():
            raise InvalidInput(f"--output {output}: is a folder", reason="FILE_UNWRITABLE")
    return [Path(output) for output in outputs]


async def write_outputs(client: AsyncClient, name: str, outputs: Sequence[Path]) -> None:
    """Each file whole, or as it was before."""
    for output in outputs:
        with written(str(output)) as file:
            async for data in client.evaluations.export(name, _format(str(output)), timeout=EXPORT_TIMEOUT):
                file.write(data)
        print(f"wrote {output}", file=sys.stderr)


def read_results(*given: str) -> list[bytes | None]:
    """The results in files, and None for what is the name of a run. Raises InvalidInput where they cannot be sent."""
    found = [_results(each) for each in given]
    if sum(len(data) for data in found if data) > _MOST_RESULTS:
        files = " and ".join(name for name, data in zip(given, found, strict=True) if data)
        raise InvalidInput(
            f"{files}: at most {_MOST_RESULTS:,} bytes of results are sent: compare runs by name, or fewer cases",
            reason="RESULTS_TOO_LARGE",
        )
    return found


def _results(given: str) -> bytes | None:
    path = Path(given)
    if path.is_file():
        try:
            return path.read_bytes()
        except OSError as error:
            raise InvalidInput(f"cannot read {given}: {error.strerror}", reason="FILE_UNREADABLE") from None
    if path.suffix or "/" in given.removeprefix("evaluations/"):
        raise InvalidInput(f"there is no file {given}", reason="FILE_NOT_FOUND")
    return None


def _format(output: str) -> str:
    return Path(output).suffix.removeprefix(".").lower()
