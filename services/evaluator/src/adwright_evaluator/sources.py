"""The files of a suite as they come in: unpacked, bounded, inside of their folder."""

from __future__ import annotations

import posixpath
import zlib
from typing import Final

from adwright.evaluator.v1 import suite_pb2
from adwright_servicekit.errors import InvalidInput

__all__ = ["DEFAULT_MAIN", "main_of", "unpacked"]

DEFAULT_MAIN: Final = "promptfooconfig.yaml"
_MOST_BYTES: Final = 64 * 1024 * 1024
"""Of all files together, unpacked."""


def main_of(source: suite_pb2.SuiteSource) -> str:
    """The file that names the others."""
    return posixpath.normpath(source.main or (source.files[0].path if len(source.files) == 1 else DEFAULT_MAIN))


def unpacked(source: suite_pb2.SuiteSource) -> dict[str, bytes]:
    """The files by their paths. Raises InvalidInput that names the file."""
    found: dict[str, bytes] = {}
    left = _MOST_BYTES
    for index, file in enumerate(source.files):
        where = f"source.files[{index}]"
        path = posixpath.normpath(file.path)
        if posixpath.isabs(path) or "\\" in path or "\0" in path:
            raise InvalidInput.of(f"{where}.path", f"{file.path!r} must be relative to the folder of the suite")
        if path in found:
            raise InvalidInput.of(f"{where}.path", f"{file.path!r} comes twice")
        data = _gunzipped(file.data, left, where) if file.gzip else file.data
        left -= len(data)
        if left < 0:
            raise _too_much(where)
        found[path] = data
    if (main := main_of(source)) not in found:
        raise InvalidInput.of("source.main", f"no file {main!r} came along", reason="FILE_NOT_FOUND")
    return found


def _gunzipped(data: bytes, most: int, where: str) -> bytes:
    try:
        reader = zlib.decompressobj(wbits=31)
        plain = reader.decompress(data, most + 1)
    except zlib.error:
        raise InvalidInput.of(f"{where}.data", "is not what gzip makes") from None
    if len(plain) > most:
        raise _too_much(where)
    if not reader.eof:
        raise InvalidInput.of(f"{where}.data", "is cut off: gzip's end is missing")
    return plain


def _too_much(where: str) -> InvalidInput:
    return InvalidInput.of(f"{where}.data", f"the files have more than {_MOST_BYTES // 1024**2} MiB together")
