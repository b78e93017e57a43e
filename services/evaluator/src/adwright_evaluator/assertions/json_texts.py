"""`is-json` and `contains-json`: is the output, or a part of it, JSON, and does it follow a JSON Schema."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

from adwright_evaluator.model import Grading, Scorer, Verdict

from .common import clipped, holds, wrong

__all__ = ["SCORERS"]

_LONGEST: Final = 100_000
"""Characters of an object in a text."""
_MOST_STARTS: Final = 50
"""Openings looked at that turn out to open no object."""
_LONGEST_LOOSE: Final = 20_000
_MOST_NESTED_LOOSE: Final = 200
"""Bounds of what is read as YAML, whose parser takes time with the square of the depth."""
_BRACE: Final = re.compile(r"[{}]")


def _is_json(grading: Grading) -> Verdict:
    validator = _schema(grading)
    try:
        found = _parsed(grading.text)
    except (ValueError, RecursionError) as error:
        return holds(False, f"The output is no JSON: {clipped(str(error))}.")
    problem = _problem(grading, validator, found)
    return holds(problem is None, f"The JSON does not follow the schema: {clipped(problem or '')}.")


def _contains_json(grading: Grading) -> Verdict:
    """Objects only, as loosely written as YAML allows: unquoted keys, single quotes, braces missing at the end."""
    validator, first = _schema(grading), ""
    for found in _objects(grading.text):
        problem = _problem(grading, validator, found)
        if problem is None:
            return holds(True, "")
        first = first or f"The JSON does not follow the schema: {clipped(problem)}."
    return holds(False, first or "There is no JSON object in the output.")


def _parsed(text: str) -> Any:
    def refused(name: str) -> Any:
        raise ValueError(f"{name} is no number of JSON")

    return json.loads(text, parse_constant=refused)


def _objects(text: str) -> Iterator[Any]:
    at, tries = text.find("{"), 0
    while at >= 0 and tries < _MOST_STARTS:
        end, depth = _closing(text, at)
        # A brace that is the last character opens nothing.
        found = _loosely(text[at:end] + "}" * depth) if end > at + 1 else None
        if found is None:
            tries += 1
            at = text.find("{", at + 1)
        else:
            yield found
            at = text.find("{", end)


def _closing(text: str, at: int) -> tuple[int, int]:
    """Where the braces opened at `at` are all closed, or the text ends; and how many are open there."""
    depth, end = 0, min(len(text), at + _LONGEST)
    for brace in _BRACE.finditer(text, at, end):
        depth += 1 if brace[0] == "{" else -1
        if not depth:
            return brace.end(), 0
    return end, depth


def _loosely(text: str) -> Any:
    try:
        return _parsed(text)
    except (ValueError, RecursionError):
        pass
    if "&" in text or "*" in text or len(text) > _LONGEST_LOOSE or text.count("{") > _MOST_NESTED_LOOSE:
        # Anchors of YAML can blow a short text up to any size.
        return None
    import yaml

    try:
        found = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are safe
        return json.loads(json.dumps(found)) if isinstance(found, dict) else None
    except (yaml.YAMLError, ValueError, TypeError, RecursionError):
        return None


def _schema(grading: Grading) -> Any:
    """The value's validator, None without a value. Raises InvalidInput."""
    schema = grading.assertion.value
    if schema is None or schema == "":
        return None
    if not isinstance(schema, str | Mapping):
        raise wrong(grading, "`value` must be a JSON Schema")
    found = _validator(schema if isinstance(schema, str) else json.dumps(schema, default=str))
    if isinstance(found, str):
        raise wrong(grading, f"`value` is no JSON Schema: {clipped(found)}")
    return found


def _problem(grading: Grading, validator: Any, found: Any) -> str | None:
    if validator is None:
        return None
    from jsonschema.exceptions import best_match
    from referencing.exceptions import Unresolvable

    try:
        error = best_match(validator.iter_errors(found))
    except Unresolvable as unknown:
        raise wrong(grading, f"`value` refers to {unknown.ref!r}, which is not in it; no schemas are fetched") from None
    return None if error is None else f"{error.json_path}: {error.message}"


@lru_cache(maxsize=256)
def _validator(schema: str) -> Any:
    """A validator of draft 7 unless the schema says otherwise, or what is wrong with it. It never fetches schemas."""
    import yaml
    from jsonschema import Draft7Validator
    from jsonschema.exceptions import SchemaError
    from jsonschema.validators import validator_for
    from jsonschema_specifications import REGISTRY

    try:
        loaded = json.loads(json.dumps(yaml.safe_load(schema)))
        kind: Any = validator_for(loaded, default=Draft7Validator)
        kind.check_schema(loaded)
    except (yaml.YAMLError, TypeError, AttributeError) as error:
        return str(error).splitlines()[0]
    except SchemaError as error:
        return f"{error.json_path}: {error.message}"
    return kind(loaded, registry=REGISTRY, format_checker=kind.FORMAT_CHECKER)


SCORERS: Final[Mapping[str, Scorer]] = {"is-json": _is_json, "contains-json": _contains_json}
