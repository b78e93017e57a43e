"""What a judge answered, read with care: the one JSON object that is its own and fits the schema.

Judges wrap their verdict in code fences and prose, and quote what they judge. What they quote must not be taken for
what they say, so an object that stands in the material counts for nothing, nor does one inside of something that cannot
be read, and two different objects that both fit are no answer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from jsonschema import Draft202012Validator

from ..model import JSON

__all__ = ["Unreadable", "clipped", "read_answer"]

_THOUGHTS = re.compile(r"\s*<think>.*</think>", re.DOTALL)
_PROSE_BRACES = re.compile(r"\{[^{}\"]*\}")
"""`{x}` in prose: neither JSON nor a part of it."""
_MOST_OBJECTS = 500
"""Objects looked for in material; a text with more braces is searched no further."""
_LONGEST = 200


class Unreadable(ValueError):
    """The judge's answer holds no verdict; the message says why, and quotes nothing."""

    def __init__(self, problem: str, *, prose: bool) -> None:
        super().__init__(problem)
        self.prose = prose
        """Whether there is no JSON object at all."""


def read_answer(text: str, schema: Mapping[str, JSON], material: Sequence[str] = ()) -> Mapping[str, JSON]:
    """The object in `text` that fits `schema`, without members that the schema does not know.

    `material` are the texts that the judge saw and did not write. Raises Unreadable.
    """
    text = _THOUGHTS.sub("", text, count=1)
    objects, broken = _objects(text)
    if not objects:
        raise Unreadable("there is no whole JSON object in it", prose=not broken)
    foreign = _foreign(material)
    own = [found for found in objects if not any(_same(found, other) for other in foreign)]
    if not own:
        raise Unreadable("it only repeats an object from the text to judge", prose=False)
    validator = Draft202012Validator(schema)
    fitting: list[Mapping[str, JSON]] = []
    problem = ""
    for found in own:
        known = _known(found, schema)
        error = next(iter(sorted(validator.iter_errors(known), key=lambda error: list(map(str, error.path)))), None)
        if error is None:
            fitting.append(known)
        else:
            at = ".".join(map(str, error.path))
            problem = problem or f"{at + ': ' if at else ''}{clipped(error.message)}"
    if not fitting:
        raise Unreadable(problem, prose=False)
    if any(not _same(fitting[0], other) for other in fitting[1:]):
        raise Unreadable("it holds more than one verdict, and they differ", prose=False)
    return fitting[0]


def clipped(text: str, most: int = _LONGEST) -> str:
    """A text on one line, cut to `most` characters."""
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1] + "…"


def _objects(text: str) -> tuple[list[dict[str, Any]], bool]:
    """The outermost objects up to the first that cannot be read, and whether there was one."""
    found: list[dict[str, Any]] = []
    at = text.find("{")
    while at >= 0:
        prose = _PROSE_BRACES.match(text, at)
        read = _decoded(text, at)
        if read is not None:
            found.append(read[0])
            at = text.find("{", read[1])
        elif prose is not None:
            at = text.find("{", prose.end())
        else:
            # What stands inside of something broken may be a quotation.
            return found, True
    return found, False


def _foreign(material: Sequence[str]) -> list[dict[str, Any]]:
    """All objects in the material at any depth, also those written as JSON strings."""
    found: list[dict[str, Any]] = []
    for text in material:
        for form in {text, text.replace("\\", "")}:
            for start in _starts(form):
                read = _decoded(form, start)
                if read is not None:
                    found.append(read[0])
    return found


def _starts(text: str) -> Iterator[int]:
    at = -1
    for _ in range(_MOST_OBJECTS):
        at = text.find("{", at + 1)
        if at < 0:
            return
        yield at


def _decoded(text: str, at: int) -> tuple[dict[str, Any], int] | None:
    try:
        value, end = _DECODER.raw_decode(text, at)
    except (ValueError, RecursionError):
        return None
    return (value, end) if isinstance(value, dict) else None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a member stands there twice")
    return found


def _constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON number")


def _known(found: Mapping[str, Any], schema: Mapping[str, JSON]) -> dict[str, Any]:
    properties = schema.get("properties")
    names = properties if isinstance(properties, Mapping) else found
    return {name: value for name, value in found.items() if name in names}


def _same(one: object, other: object) -> bool:
    """Equal as JSON: `true` is not 1, members have no order."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


_DECODER = json.JSONDecoder(object_pairs_hook=_once, parse_constant=_constant)
