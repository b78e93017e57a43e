"""A suite on disk as the files that go with a request: the main one, and what it and the others name."""

from __future__ import annotations

import glob
import gzip
import os
import re
from pathlib import Path

from adwright.evaluator.v1.suite_pb2 import SuiteFile, SuiteSource
from adwright_servicekit.errors import InvalidInput

__all__ = ["suite_source"]

_MAIN = ("promptfooconfig.yaml", "promptfooconfig.yml", "promptfooconfig.json")
_NAMED = re.compile(r"""file://([^\s"',\]}]+)|["']?((?:[\w.*-]+/)*[\w.*-]+\.(?:ya?ml|jsonl?|csv|txt|md|j2|njk))["']?""")
_READ_ON = (".yaml", ".yml", ".json")
_MOST_BYTES = 1_900_000
"""What a request may carry, compressed."""


def suite_source(path: str) -> SuiteSource:
    """The files of the suite at `path`: a YAML file, or a folder with promptfooconfig.yaml.

    Raises InvalidInput where it cannot be read, or is too large. A file that is named and not there is left to the
    evaluator, which names the line.
    """
    main = _main(Path(path))
    folder = main.parent
    found: dict[str, bytes] = {}
    _collect(folder, main.name, found)
    files = [
        SuiteFile(path=name, data=gzip.compress(data, 6, mtime=0), gzip=True) for name, data in sorted(found.items())
    ]
    size = sum(len(file.data) for file in files)
    if size > _MOST_BYTES:
        raise InvalidInput(
            f"{main}: the files of this suite have {size} bytes, compressed; at most {_MOST_BYTES} are sent",
            reason="SUITE_TOO_LARGE",
        )
    return SuiteSource(main=main.name, files=files)


def _main(path: Path) -> Path:
    if path.is_dir():
        for name in _MAIN:
            if (path / name).is_file():
                return path / name
        raise InvalidInput(f"{path} has no {_MAIN[0]}", reason="FILE_NOT_FOUND")
    if not path.is_file():
        raise InvalidInput(f"there is no file {path}", reason="FILE_NOT_FOUND")
    return path


def _collect(folder: Path, name: str, found: dict[str, bytes]) -> None:
    try:
        data = (folder / name).read_bytes()
    except OSError as error:
        raise InvalidInput(f"cannot read {folder / name}: {error.strerror}", reason="FILE_UNREADABLE") from None
    found[name] = data
    if not name.endswith(_READ_ON):
        return
    for match in _NAMED.finditer(data.decode("utf-8", "replace")):
        named = (match[1] or match[2]).split(":")[0]
        if Path(named).is_absolute():
            continue
        # Not Path.glob, which takes no `..`.
        for each in sorted(glob.glob(named, root_dir=folder, recursive=True)):  # noqa: PTH207
            path = os.path.normpath(each)
            if path not in found and (folder / path).is_file():
                _collect(folder, path, found)
