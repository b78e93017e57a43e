"""A suite on disk as the files that go with a request: the main one, and what it and the others name."""

from __future__ import annotations

import glob
import gzip
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml

from adwright.evaluator.v1.suite_pb2 import SuiteFile, SuiteSource
from adwright_servicekit.errors import InvalidInput

__all__ = ["suite_source"]

_MAIN: Final = ("promptfooconfig.yaml", "promptfooconfig.yml", "promptfooconfig.json")
_DATA: Final = (".yaml", ".yml", ".json")
_ROWS: Final = (".csv", ".jsonl")
# A string without `file://` is taken for a path where it ends like one.
_PATHS: Final = (*_DATA, *_ROWS, ".txt", ".md", ".j2", ".njk")
_SCHEME: Final = "file://"
_FUNCTION: Final = re.compile(r"(\.(?:py|js|cjs|mjs|ts)):\w+$")
_IN_TEXT: Final = re.compile(r"""file://([^"'\r\n\t,;]+)""")
_WILD: Final = re.compile(r"[*?\[]|\{[^{}]*,[^{}]*\}")
_BRACES: Final = re.compile(r"\{([^{}]*,[^{}]*)\}")
_MOST_BRACES: Final = 100
_LONGEST: Final = 400
_MOST_FILES: Final = 1000
_MOST_SENT: Final = 1_900_000
"""Bytes that a request carries, compressed."""
_MOST_BYTES: Final = 64 * 1024 * 1024
"""Bytes of all files, as they are on disk."""
# libyaml is twenty times as fast; PyYAML may have been built without it.
_LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def suite_source(path: str | Path) -> SuiteSource:
    """The files of the suite at `path`: a YAML or JSON file, or a folder with promptfooconfig.yaml.

    Files are named relative to the folder of the main one, with `../` where they lie beside it. One that is named and
    not there is left to the evaluator, which names the line.
    Raises InvalidInput for what cannot be read, absolute paths, and more than a request carries.
    """
    main = _main(Path(path))
    found = _Collected(main.parent)
    found.take(main.name)
    files = [SuiteFile(path=name, data=gzip.compress(data, mtime=0), gzip=True) for name, data in found.sorted()]
    sent = sum(len(file.data) for file in files)
    if sent > _MOST_SENT:
        raise _too_large(main, f"{sent:,} bytes, compressed, and at most {_MOST_SENT:,} are sent")
    return SuiteSource(main=main.name, files=files)


def _main(path: Path) -> Path:
    if path.is_dir():
        for name in _MAIN:
            if (path / name).is_file():
                return path / name
        raise InvalidInput(f"{path} has no {_MAIN[0]}: name the file", reason="FILE_NOT_FOUND")
    if not path.is_file():
        raise InvalidInput(f"there is no file {path}", reason="FILE_NOT_FOUND")
    if path.suffix not in _DATA:
        raise InvalidInput(f"{path}: a suite is a .yaml or .json file", reason="NOT_SUPPORTED")
    return path


class _Collected:
    """The files so far, each read once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[str, bytes] = {}
        self._size = 0

    def sorted(self) -> list[tuple[str, bytes]]:
        return sorted(self._files.items())

    def take(self, name: str) -> None:
        """The file, and all that it names in turn."""
        waiting = [name]
        while waiting:
            name = waiting.pop()
            if name in self._files:
                continue
            self._read(name)
            for text in _strings(name, self._files[name]):
                waiting += self._named(text, name)

    def _read(self, name: str) -> None:
        path = self._folder / name
        try:
            self._size += path.stat().st_size
            if self._size > _MOST_BYTES:
                raise _too_large(path, f"more than {_MOST_BYTES // 1024**2} MiB with the files before it")
            self._files[name] = path.read_bytes()
        except OSError as error:
            raise InvalidInput(f"cannot read {path}: {error.strerror}", reason="FILE_UNREADABLE") from None
        if len(self._files) > _MOST_FILES:
            raise _too_large(path, f"more than {_MOST_FILES} files with those before it")

    def _named(self, text: str, by: str) -> list[str]:
        """The files that a string names, from the suite's folder; none for most strings."""
        given = _FUNCTION.sub(r"\1", text.removeprefix(_SCHEME).strip())
        named = text.startswith(_SCHEME)
        if not given or len(given) > _LONGEST or "\n" in given or "\0" in given:
            return []
        if not named and not any(each.endswith(_PATHS) for each in _unbraced(given)):
            return []
        if Path(given).is_absolute():
            if named:
                raise self._absolute(given, by)
            return []
        # The evaluator compares names, and knows nothing of folders that are not there.
        path = Path(os.path.normpath(given)).as_posix()
        paths = [path]
        if _WILD.search(path) and not (self._folder / path).is_file():
            # Not Path.glob, which takes no `..`.
            found = {name for one in _unbraced(path) for name in glob.iglob(one, root_dir=self._folder, recursive=True)}  # noqa: PTH207
            paths = sorted(found)
        return [Path(each).as_posix() for each in paths if (self._folder / each).is_file()]

    def _absolute(self, given: str, by: str) -> InvalidInput:
        relative = Path(os.path.relpath(given, self._folder.absolute())).as_posix()
        return InvalidInput(
            f"{self._folder / by} names {_SCHEME}{given}: write {_SCHEME}{relative}, relative to the suite's folder",
            reason="ABSOLUTE_PATH",
        )


def _unbraced(pattern: str) -> list[str]:
    """`a.{yaml,yml}` as the two that it is."""
    done: list[str] = []
    waiting = [pattern]
    while waiting and len(done) + len(waiting) <= _MOST_BRACES:
        each = waiting.pop()
        match = _BRACES.search(each)
        if match is None:
            done.append(each)
        else:
            waiting += [each[: match.start()] + part + each[match.end() :] for part in match[1].split(",")]
    return done


def _strings(name: str, data: bytes) -> Iterator[str]:
    """What may be names of files. Text that cannot be parsed is searched for `file://`: its errors are found later."""
    if not name.endswith((*_DATA, *_ROWS)):
        return
    text = data.decode("utf-8-sig", "replace")
    if name.endswith(".json"):
        try:
            yield from _leaves(json.loads(text))
            return
        except (ValueError, RecursionError):
            pass
    elif name.endswith(_DATA):
        try:
            # Events, not values: an alias is not followed, a tag is not looked up.
            for event in yaml.parse(text, Loader=_LOADER):
                if isinstance(event, yaml.ScalarEvent):
                    yield event.value
            return
        except yaml.YAMLError:
            pass
    for match in _IN_TEXT.finditer(text):
        yield match[0]


def _leaves(value: Any) -> Iterator[str]:
    waiting = [value]
    while waiting:
        match waiting.pop():
            case str() as text:
                yield text
            case dict() as mapping:
                waiting += [*mapping.keys(), *mapping.values()]
            case list() as items:
                waiting += items


def _too_large(path: Path, what: str) -> InvalidInput:
    return InvalidInput(f"{path}: the files of this suite have {what}", reason="SUITE_TOO_LARGE")
