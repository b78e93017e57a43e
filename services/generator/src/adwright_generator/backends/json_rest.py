"""What may follow the beginning of a JSON text, as a regular expression.

Model servers hold only the tokens they generate themselves to a grammar. One that goes on behind text which another
has written needs the grammar of the rest.

Two halves that differ on purpose: the beginning is read as any JSON that fits the schema, with white space and escapes
wherever RFC 8259 has them; the rest is what the outlines-core of TGI lets a model write for the same schema
(`STRING_INNER` and `WHITESPACE` in its `json_schema/types.rs`): at most a single space between tokens, and no escapes
in strings but those of quote and backslash. All escapes would let a model say only control characters more, and the
automaton, which TGI builds anew for every pattern, would have eight times the states.

The patterns keep to what outlines' two parsers (interegular and Rust's regex) and Python's `re` read alike: no
anchors, look-around, lazy quantifiers or named groups.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from ._json_parts import INTEGER, NUMBER, Literal, Part, String

__all__ = ["rest_pattern"]

_MAX_PARTS = 4096
"""Keys, values and punctuation of a document; more would make a pattern that no model server compiles."""
_MAX_DEPTH = 16

_SPACE = "[ ]?"
_WHITE = re.compile(r"[ \t\n\r]*")

_ANNOTATIONS = {"$comment", "$id", "$schema", "default", "description", "examples", "title"}
_SCALARS: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "boolean": (bool,),
    "null": (type(None),),
    "integer": (int,),
    "number": (int, float),
}


def rest_pattern(schema: Mapping[str, Any], prefix: str) -> str | None:
    """The pattern of what may follow `prefix` so that both together are one JSON text of `schema`.

    It is empty exactly when `prefix` is a whole document already, with or without white space behind it; an empty
    `prefix` gives the pattern of a whole document. None when no document begins with `prefix`, or when the schema says
    more than this can: then the generation has to begin anew.

    Known are objects whose properties are all required and the only ones, which come in the order of the schema;
    arrays of as many items as must be; strings with lengths in code points; integers, numbers, booleans and null
    without limits; `enum` and `const` of these. As in outlines, `pattern` counts for nothing beside a length; alone
    it is not known.
    """
    try:
        parts = list(islice(_document(schema, 0), _MAX_PARTS + 1))
    except _UnsupportedError:
        return None
    if len(parts) > _MAX_PARTS:
        return None
    at = 0
    for place, part in enumerate(parts):
        start = _skip_white(prefix, at)
        if start == len(prefix):
            gap = _SPACE if place and start == at else ""
            return gap + part.pattern + _patterns(parts[place + 1 :])
        taken = part.take(prefix, start)
        if taken is None:
            return None
        if isinstance(taken, str):
            return taken + _patterns(parts[place + 1 :])
        at = taken
    return "" if _skip_white(prefix, at) == len(prefix) else None


class _UnsupportedError(Exception):
    """The schema says something that no part stands for."""


def _document(schema: Any, depth: int) -> Iterator[Part]:
    """The parts of every document of `schema`. Raises _UnsupportedError."""
    if not isinstance(schema, Mapping) or depth > _MAX_DEPTH:
        raise _UnsupportedError
    kind = schema.get("type")
    if "enum" in schema or "const" in schema:
        _allow(schema, "type", "enum" if "enum" in schema else "const")
        yield _choice(schema["enum"] if "enum" in schema else [schema["const"]], kind)
    elif kind == "object":
        yield from _object(schema, depth)
    elif kind == "array":
        yield from _array(schema, depth)
    elif kind == "string":
        yield _string(schema)
    elif kind == "integer":
        _allow(schema, "type")
        yield INTEGER
    elif kind == "number":
        _allow(schema, "type")
        yield NUMBER
    elif kind == "boolean":
        _allow(schema, "type")
        yield Literal(("true", "false"))
    elif kind == "null":
        _allow(schema, "type")
        yield Literal(("null",))
    else:
        raise _UnsupportedError


def _object(schema: Mapping[str, Any], depth: int) -> Iterator[Part]:
    _allow(schema, "type", "properties", "required", "additionalProperties")
    properties = schema.get("properties", {})
    if schema.get("additionalProperties") is not False or not isinstance(properties, Mapping):
        raise _UnsupportedError
    required = schema.get("required", ())
    if not isinstance(required, Sequence) or not all(isinstance(name, str) for name in required):
        raise _UnsupportedError
    if set(required) != set(properties):
        raise _UnsupportedError
    yield Literal(("{",))
    for place, (name, value) in enumerate(properties.items()):
        if place:
            yield Literal((",",))
        yield _choice([name], "string")
        yield Literal((":",))
        yield from _document(value, depth + 1)
    yield Literal(("}",))


def _array(schema: Mapping[str, Any], depth: int) -> Iterator[Part]:
    _allow(schema, "type", "items", "minItems", "maxItems")
    count = _count(schema, "minItems")
    if count is None or count != _count(schema, "maxItems"):
        raise _UnsupportedError
    yield Literal(("[",))
    for place in range(count):
        if place:
            yield Literal((",",))
        yield from _document(schema.get("items"), depth + 1)
    yield Literal(("]",))


def _string(schema: Mapping[str, Any]) -> String:
    _allow(schema, "type", "minLength", "maxLength", "pattern")
    shortest, longest = _count(schema, "minLength"), _count(schema, "maxLength")
    if shortest is None and longest is None and "pattern" in schema:
        raise _UnsupportedError
    if longest is not None and longest < (shortest or 0):
        raise _UnsupportedError
    return String(shortest or 0, longest)


def _choice(values: Any, kind: Any) -> Literal:
    types = (str, bool, int, float, type(None)) if kind is None else _SCALARS.get(str(kind))
    if types is None or not isinstance(values, Sequence) or isinstance(values, str) or not values:
        raise _UnsupportedError
    for value in values:
        if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
            raise _UnsupportedError
    try:
        return Literal(
            tuple(json.dumps(value, ensure_ascii=False, allow_nan=False) for value in values),
            tuple(json.dumps(value, allow_nan=False) for value in values if isinstance(value, str)),
        )
    except ValueError:
        raise _UnsupportedError from None


def _allow(schema: Mapping[str, Any], *keywords: str) -> None:
    if not schema.keys() <= _ANNOTATIONS.union(keywords):
        raise _UnsupportedError


def _count(schema: Mapping[str, Any], keyword: str) -> int | None:
    count = schema.get(keyword)
    if count is not None and (type(count) is not int or count < 0):
        raise _UnsupportedError
    return count


def _patterns(parts: Sequence[Part]) -> str:
    return "".join(_SPACE + part.pattern for part in parts)


def _skip_white(text: str, at: int) -> int:
    white = _WHITE.match(text, at)
    assert white is not None
    return white.end()
