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
from dataclasses import dataclass
from itertools import islice
from typing import Any, Protocol

__all__ = ["rest_pattern"]

_MAX_PARTS = 4096
"""Keys, values and punctuation of a document; more would make a pattern that no model server compiles."""
_MAX_DEPTH = 16

_SPACE = "[ ]?"
_WHITE = re.compile(r"[ \t\n\r]*")
_CHARACTER = r'(?:[^"\\\x00-\x1F\x7F-\x9F]|\\["\\])'

# The escapes of JSON (RFC 8259, section 7), character by character. Half a surrogate pair is no character, so a string
# with one could not be sent on as UTF-8.
_HEX = "[0-9a-fA-F]"
_ESCAPES: tuple[tuple[str, ...], ...] = (
    (r"\\", r'["\\/bfnrt]'),
    (r"\\", "u", "[0-9abcefABCEF]", _HEX, _HEX, _HEX),
    (r"\\", "u", "[dD]", "[0-7]", _HEX, _HEX),
    (r"\\", "u", "[dD]", "[89abAB]", _HEX, _HEX, r"\\", "u", "[dD]", "[c-fC-F]", _HEX, _HEX),
)
_ESCAPE = re.compile("|".join(map("".join, _ESCAPES)))
_CHARACTERS = re.compile(rf'(?:[^"\\\x00-\x1F]|{_ESCAPE.pattern})*')

_WHOLE = "(?:0|[1-9][0-9]*)"
_EXPONENT = r"(?:[eE][+-]?[0-9]+)?"
_FRACTION = r"(?:\.[0-9]+)?"
_INTEGER_RESTS = (
    ("-", _WHOLE),
    ("-?0", ""),
    ("-?[1-9][0-9]*", "[0-9]*"),
)
_NUMBER_RESTS = (
    *((begun, rest + _FRACTION + _EXPONENT) for begun, rest in _INTEGER_RESTS),
    (rf"-?{_WHOLE}\.", f"[0-9]+{_EXPONENT}"),
    (rf"-?{_WHOLE}\.[0-9]+", f"[0-9]*{_EXPONENT}"),
    (rf"-?{_WHOLE}{_FRACTION}[eE]", "[+-]?[0-9]+"),
    (rf"-?{_WHOLE}{_FRACTION}[eE][+-]", "[0-9]+"),
    (rf"-?{_WHOLE}{_FRACTION}[eE][+-]?[0-9]+", "[0-9]*"),
)
_NUMBER_CHARACTERS = re.compile(r"[-+.0-9eE]*")

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


class _Part(Protocol):
    """A piece of the document with white space around it, never within."""

    @property
    def pattern(self) -> str:
        """Of the whole part."""
        ...

    def take(self, text: str, at: int) -> int | str | None:
        """Where the part that starts at `at` ends; or the pattern of its rest, where the text ends before it does or
        may do; or None where the text has something else."""
        ...


@dataclass(frozen=True, slots=True)
class _Literal:
    """One of several texts. Those that some writers spell with escapes are only gone on with so, never begun so."""

    texts: tuple[str, ...]
    escaped: tuple[str, ...] = ()

    @property
    def pattern(self) -> str:
        return _one_of(self.texts)

    def take(self, text: str, at: int) -> int | str | None:
        begun = text[at:]
        texts = self.texts + self.escaped if "\\" in begun else self.texts
        if rests := [item[len(begun) :] for item in texts if item.startswith(begun)]:
            return _one_of(rests)
        # The longest, because numbers can begin with one another.
        whole = [len(item) for item in self.texts + self.escaped if begun.startswith(item)]
        return at + max(whole) if whole else None


@dataclass(frozen=True, slots=True)
class _String:
    """A string of `shortest` to `longest` code points; an escape, or a pair of them for one code point, is one."""

    shortest: int = 0
    longest: int | None = None

    @property
    def pattern(self) -> str:
        return f'"{self._characters(0)}"'

    def take(self, text: str, at: int) -> int | str | None:
        if text[at] != '"':
            return None
        run = _CHARACTERS.match(text, at + 1)
        assert run is not None
        length = len(_ESCAPE.sub("x", run[0]))
        end = run.end()
        if self.longest is not None and length > self.longest:
            return None
        if end == len(text):
            return f'{self._characters(length)}"'
        if text[end] == '"':
            return end + 1 if length >= self.shortest else None
        escape = _escape_rest(text[end:])
        if escape is None or length == self.longest:
            return None
        return f'{escape}{self._characters(length + 1)}"'

    def _characters(self, length: int) -> str:
        least = max(self.shortest - length, 0)
        if self.longest is None:
            return f"{_CHARACTER}{{{least},}}" if least else f"{_CHARACTER}*"
        return f"{_CHARACTER}{{{least},{self.longest - length}}}" if self.longest > length else ""


@dataclass(frozen=True, slots=True)
class _Number:
    """A number of any size."""

    pattern: str
    rests: tuple[tuple[str, str], ...]

    def take(self, text: str, at: int) -> int | str | None:
        run = _NUMBER_CHARACTERS.match(text, at)
        assert run is not None
        if run.end() < len(text):
            return run.end() if re.fullmatch(self.pattern, run[0]) else None
        return next((rest for begun, rest in self.rests if re.fullmatch(begun, run[0])), None)


def _document(schema: Any, depth: int) -> Iterator[_Part]:
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
        yield _Number(f"-?{_WHOLE}", _INTEGER_RESTS)
    elif kind == "number":
        _allow(schema, "type")
        yield _Number(f"-?{_WHOLE}{_FRACTION}{_EXPONENT}", _NUMBER_RESTS)
    elif kind == "boolean":
        _allow(schema, "type")
        yield _Literal(("true", "false"))
    elif kind == "null":
        _allow(schema, "type")
        yield _Literal(("null",))
    else:
        raise _UnsupportedError


def _object(schema: Mapping[str, Any], depth: int) -> Iterator[_Part]:
    _allow(schema, "type", "properties", "required", "additionalProperties")
    properties = schema.get("properties", {})
    if schema.get("additionalProperties") is not False or not isinstance(properties, Mapping):
        raise _UnsupportedError
    required = schema.get("required", ())
    if not isinstance(required, Sequence) or not all(isinstance(name, str) for name in required):
        raise _UnsupportedError
    if set(required) != set(properties):
        raise _UnsupportedError
    yield _Literal(("{",))
    for place, (name, value) in enumerate(properties.items()):
        if place:
            yield _Literal((",",))
        yield _choice([name], "string")
        yield _Literal((":",))
        yield from _document(value, depth + 1)
    yield _Literal(("}",))


def _array(schema: Mapping[str, Any], depth: int) -> Iterator[_Part]:
    _allow(schema, "type", "items", "minItems", "maxItems")
    count = _count(schema, "minItems")
    if count is None or count != _count(schema, "maxItems"):
        raise _UnsupportedError
    yield _Literal(("[",))
    for place in range(count):
        if place:
            yield _Literal((",",))
        yield from _document(schema.get("items"), depth + 1)
    yield _Literal(("]",))


def _string(schema: Mapping[str, Any]) -> _String:
    _allow(schema, "type", "minLength", "maxLength", "pattern")
    shortest, longest = _count(schema, "minLength"), _count(schema, "maxLength")
    if shortest is None and longest is None and "pattern" in schema:
        raise _UnsupportedError
    if longest is not None and longest < (shortest or 0):
        raise _UnsupportedError
    return _String(shortest or 0, longest)


def _choice(values: Any, kind: Any) -> _Literal:
    types = (str, bool, int, float, type(None)) if kind is None else _SCALARS.get(str(kind))
    if types is None or not isinstance(values, Sequence) or isinstance(values, str) or not values:
        raise _UnsupportedError
    for value in values:
        if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
            raise _UnsupportedError
    try:
        return _Literal(
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


def _escape_rest(begun: str) -> str | None:
    """The pattern of what makes an escape of `begun`, a backslash and what comes behind it."""
    rests = [
        "".join(escape[len(begun) :])
        for escape in _ESCAPES
        if len(begun) < len(escape) and re.fullmatch("".join(escape[: len(begun)]), begun)
    ]
    return _group(rests) if rests else None


def _one_of(texts: Sequence[str]) -> str:
    # By hand: `re.escape` also escapes what older Rust regexes let nobody escape.
    return _group([re.sub(r"[\\.+*?()|\[\]{}^$]", r"\\\g<0>", text) for text in dict.fromkeys(texts)])


def _group(patterns: Sequence[str]) -> str:
    some = [pattern for pattern in patterns if pattern]
    if len(some) == len(patterns) == 1:
        return some[0]
    # Not an empty alternative, which some engines refuse.
    return f"(?:{'|'.join(some)}){'' if len(some) == len(patterns) else '?'}" if some else ""


def _patterns(parts: Sequence[_Part]) -> str:
    return "".join(_SPACE + part.pattern for part in parts)


def _skip_white(text: str, at: int) -> int:
    white = _WHITE.match(text, at)
    assert white is not None
    return white.end()
