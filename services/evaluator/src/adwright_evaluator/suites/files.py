"""The files that came along with a suite, as its references name them."""

from __future__ import annotations

import csv
import io
import json
import math
import posixpath
import re
from collections.abc import Mapping
from typing import Any, Final

from rapidfuzz import process

from adwright_evaluator.model import JSON, Place
from adwright_servicekit.errors import InvalidInput

from .document import Document, Parts, load_yaml
from .globs import is_pattern, matching
from .javascript import module_code

__all__ = ["CODE", "Files", "is_reference"]

_SCHEME: Final = "file://"
_DEEPEST: Final = 100
_ENV: Final = re.compile(r"""\{\{\s*env(?:\.(\w+)|\[\s*["'](\w+)["']\s*\])\s*\}\}""")
_MOST_FROM_ENV: Final = 10_000_000
_MODERN: Final = re.compile(r"^\s*export\s", re.MULTILINE)
_MOST_COLUMNS: Final = 1000
_LONGEST_LINE: Final = 4_000_000
CODE: Final = (".py", ".js", ".cjs", ".mjs", ".ts")


def is_reference(value: JSON) -> bool:
    """Whether a value stands for what is in a file."""
    return isinstance(value, str) and value.startswith(_SCHEME)


class Files:
    """Reads them; methods raise InvalidInput with the place that asks."""

    def __init__(self, files: Mapping[str, bytes], parts: Parts | None = None) -> None:
        """By their paths, relative to the suite's folder; `parts` bounds what they have together."""
        self._files = files
        self._documents: dict[str, Document] = {}
        self._parts = parts or Parts()
        self._env = _Env({})

    def set_env(self, env: Mapping[str, str], document: Document) -> None:
        """What `{{ env.NAME }}` stands for from here on, also in the document that says so."""
        self._env = _Env(env)
        self._env.put_in(document.data)

    def paths(self, reference: str, place: Place) -> list[str]:
        """The files that a reference names, with or without `file://`: several for a pattern, never none."""
        path = posixpath.normpath(reference.removeprefix(_SCHEME))
        found = [path] if path in self._files else []
        if not found and is_pattern(path):
            found = matching(path, self._files)
        if not found:
            nearest = process.extractOne(path, list(self._files), score_cutoff=70)
            hint = f": did you mean {nearest[0]}?" if nearest else ""
            raise InvalidInput.of(str(place), f"there is no file {path[:200]!r}{hint}", reason="FILE_NOT_FOUND")
        return found

    def text(self, reference: str, place: Place) -> str:
        """One file as text."""
        return self._env.put_into(self._text(reference, place))

    def _text(self, reference: str, place: Place) -> str:
        [path, *more] = self.paths(reference, place)
        if more:
            raise InvalidInput.of(str(place), f"{reference!r} names several files where one is needed")
        try:
            return self._files[path].decode("utf-8-sig")
        except UnicodeDecodeError:
            raise InvalidInput.of(str(place), f"{path} is not UTF-8 text", reason="FILE_NOT_TEXT") from None

    def document(self, reference: str, place: Place) -> Document:
        """One YAML or JSON file, with the places of its parts."""
        [path, *_] = self.paths(reference, place)
        if path not in self._documents:
            document = self._documents[path] = load_yaml(self._text(reference, place), path, self._parts)
            self._env.put_in(document.data)
        return self._documents[path]

    def value(self, reference: str, place: Place) -> JSON:
        """What a value stands for: data of YAML and JSON files, the text of others, and code as the reference it is."""
        path = reference.removeprefix(_SCHEME)
        stem = path.split(":")[0]
        if stem.endswith(CODE):
            if stem.endswith((".mjs", ".ts")):
                raise InvalidInput.of(
                    str(place), f"{stem}: code comes from .js, .cjs and .py files", reason="NOT_SUPPORTED"
                )
            self.module(stem, place)
            return reference
        if path.endswith((".yaml", ".yml", ".json")):
            return self.document(reference, place).data
        return self.text(reference, place).rstrip("\n")

    def transform(self, given: JSON, place: Place) -> str:
        """What is done to an output: JavaScript as it is, or the code that calls what a file exports."""
        if given is None:
            return ""
        if not isinstance(given, str):
            raise InvalidInput.of(str(place), "`transform` must be JavaScript, or name a file of it")
        if not is_reference(given):
            return given
        path, _, function = given.removeprefix(_SCHEME).partition(":")
        if not path.endswith((".js", ".cjs")):
            raise InvalidInput.of(
                str(place), f"{path}: transforms come from .js and .cjs files alone", reason="NOT_SUPPORTED"
            )
        return module_code(self.module(path, place), function)

    def module(self, path: str, place: Place) -> str:
        """A file of code; JavaScript has to be CommonJS."""
        source = self.text(path, place)
        if not path.endswith(".py") and _MODERN.search(source):
            raise InvalidInput.of(
                str(place), f"{path}: write `module.exports = …`; `export` is not taken here", reason="NOT_SUPPORTED"
            )
        return source

    def rows(self, path: str, place: Place) -> list[tuple[Place, dict[str, str]]]:
        """The rows of a CSV file by their headings, each with its line."""
        text = self.text(path, place)
        reader = csv.reader(io.StringIO(text), strict=True, delimiter=_delimiter(text))
        found: list[tuple[Place, dict[str, str]]] = []
        heading: list[str] | None = None
        try:
            for row in reader:
                if heading is None:
                    heading = [name.strip() for name in row]
                    if len(heading) > _MOST_COLUMNS:
                        raise InvalidInput.of(str(Place(path, 1)), f"has more than {_MOST_COLUMNS} columns")
                elif any(row):
                    padded = [*row, *[""] * (len(heading) - len(row))]
                    found.append((Place(path, reader.line_num), dict(zip(heading, padded, strict=False))))
        except csv.Error as error:
            raise InvalidInput.of(str(Place(path, reader.line_num)), f"is no CSV: {error}") from None
        return found

    def lines(self, path: str, place: Place) -> list[tuple[Place, Any]]:
        """The values of a JSONL file, each with its line."""
        found = []
        # Not splitlines: JSON may have U+2028 and its like in texts.
        for number, line in enumerate(self.text(path, place).split("\n"), 1):
            if line.strip():
                found.append((Place(path, number), _parsed(line, Place(path, number))))
        return found


def _parsed(line: str, place: Place) -> Any:
    """A line of JSON."""
    if len(line) > _LONGEST_LINE:
        raise InvalidInput.of(str(place), f"is longer than {_LONGEST_LINE:,} characters", reason="SUITE_TOO_LARGE")
    try:
        value = _DECODER.decode(line.strip())
    except RecursionError:
        raise _too_deep(place) from None
    except ValueError as error:
        raise InvalidInput.of(str(place), f"is no JSON: {error}") from None
    if line.count("[") + line.count("{") > _DEEPEST and _depth(value) > _DEEPEST:
        raise _too_deep(place)
    if "\\u" in line:
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise InvalidInput.of(
                str(place), "holds half of a pair of \\u escapes: write the whole letter", reason="FILE_NOT_TEXT"
            ) from None
    return value


def _too_deep(place: Place) -> InvalidInput:
    return InvalidInput.of(str(place), f"is nested too deeply: at most {_DEEPEST} levels are read")


def _depth(value: Any) -> int:
    """How many lists and mappings lie in each other at most; counted level by level."""
    depth = 0
    level = [value]
    while level:
        inner: list[Any] = []
        for each in level:
            inner += each.values() if isinstance(each, dict) else each if isinstance(each, list) else ()
        depth += any(isinstance(each, dict | list) for each in level)
        level = inner
    return depth


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is no finite number")
    return number


_DECODER: Final = json.JSONDecoder(parse_float=_finite, parse_constant=_finite)


class _Env:
    """What `{{ env.NAME }}` stands for."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values
        self._left = _MOST_FROM_ENV

    def put_into(self, text: str) -> str:
        """A text with it; names that it does not have stay. Raises InvalidInput."""
        return _ENV.sub(self._value, text) if self._values and "env" in text else text

    def put_in(self, data: Any) -> None:
        """In the texts of mappings and lists, which stay who they are."""
        if not self._values:
            return
        waiting, seen = [data], set()
        while waiting:
            part = waiting.pop()
            if not isinstance(part, dict | list) or id(part) in seen:
                continue
            seen.add(id(part))
            for key, value in part.items() if isinstance(part, dict) else enumerate(part):
                if isinstance(value, str):
                    # The key is there already: nothing is moved while it is gone through.
                    part[key] = self.put_into(value)
                else:
                    waiting.append(value)

    def _value(self, match: re.Match[str]) -> str:
        found = self._values.get(match[1] or match[2], match[0])
        self._left -= len(found)
        if self._left < 0:
            raise InvalidInput.of("env", f"gives more than {_MOST_FROM_ENV} characters in all", reason="TOO_LONG")
        return found


def _delimiter(text: str) -> str:
    first = text.partition("\n")[0]
    return max(",;\t", key=first.count)
