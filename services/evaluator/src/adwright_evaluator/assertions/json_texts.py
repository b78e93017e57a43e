"""`is-json` and `contains-json`: is the output, or a part of it, JSON, and does it follow a JSON Schema."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

from adwright_evaluator.model import Grading, Scorer, Verdict

from .common import clipped, holds, wrong

__all__ = ["SCORERS"]

_LONGEST: Final = 100_000
"""Characters of an object in a text."""
_MOST_STARTS: Final = 200
"""Openings of objects looked at in a text that closes none of them."""


def _is_json(grading: Grading) -> Verdict:
    try:
        found = _parsed(grading.text)
    except (ValueError, RecursionError) as error:
        return holds(False, f"The output is no JSON: {clipped(str(error))}.")
    problem = _problem(grading, found)
    return holds(problem is None, f"The JSON does not follow the schema: {clipped(problem or '')}.")


def _contains_json(grading: Grading) -> Verdict:
    """Objects only, as loosely written as YAML allows: unquoted keys, single quotes, braces missing at the end."""
    first = ""
    for found in _objects(grading.text):
        problem = _problem(grading, found)
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
    for index in range(at, end):
        if text[index] == "{":
            depth += 1
        elif text[index] == "}":
            depth -= 1
            if not depth:
                return index + 1, 0
    return end, depth


def _loosely(text: str) -> Any:
    try:
        return _parsed(text)
    except (ValueError, RecursionError):
        pass
    if "&" in text or "*" in text:
        # Anchors of YAML can blow a short text up to any size.
        return None
    import yaml

    try:
        found = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are safe
        return json.loads(json.dumps(found)) if isinstance(found, dict) else None
    except (yaml.YAMLError, ValueError, TypeError, RecursionError):
        return None


def _problem(grading: Grading, found: Any) -> str | None:
    schema = grading.assertion.value
    if schema is None or schema == "":
        return None
    if not isinstance(schema, str | Mapping):
        raise wrong(grading, "`value` must be a JSON Schema")
    given = schema if isinstance(schema, str) else json.dumps(schema, default=str)
    validator = _validator(given)
    if isinstance(validator, str):
        raise wrong(grading, f"`value` is no JSON Schema: {clipped(validator)}")
    from jsonschema.exceptions import best_match

    error = best_match(validator.iter_errors(found))
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
