"""Filters in the language of AIP-160: read, checked against the fields there are, made a predicate.

`OR` binds tighter than `AND`; words beside each other are joined by AND. A field inside a message that
is not set matches nothing, whatever the comparator. `:` asks a list for an element, a map for a key, any
field for being set (`price:*`), and a text for a part of it, without regard to case.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from enum import Enum
from functools import cache
from typing import Any, Final, TypeAlias

from lark import Lark, Token, Tree, UnexpectedCharacters, UnexpectedInput

from adwright_servicekit.errors import InvalidInput

from .similarity import closest

__all__ = ["FieldType", "Fields", "ListOf", "MapOf", "Predicate", "Scalar", "compile_filter"]

MAX_LENGTH: Final = 2000
MAX_DEPTH: Final = 20


class Scalar(Enum):
    """A field with one value."""

    TEXT = "text"
    NUMBER = "number"
    BOOLEAN = "boolean"
    TIME = "time"


_UNSET: Final = {Scalar.TEXT: "", Scalar.NUMBER: 0, Scalar.BOOLEAN: False, Scalar.TIME: None}
"""What a field is where it is not set; a time then is nothing."""


@dataclass(frozen=True, slots=True)
class ListOf:
    """A repeated field."""

    element: FieldType


@dataclass(frozen=True, slots=True)
class MapOf:
    """A map from texts."""

    value: FieldType


Fields: TypeAlias = "Mapping[str, FieldType]"
FieldType: TypeAlias = "Scalar | ListOf | MapOf | Fields"
Predicate: TypeAlias = Callable[[Any], bool]

_GRAMMAR: Final = r"""
    start: expression?
    expression: sequence ("AND" sequence)*
    sequence: factor+
    factor: term ("OR" term)*
    ?term: ("NOT" | "-") simple -> negated
         | simple
    ?simple: restriction
           | "(" expression ")"
    restriction: member (COMPARATOR arg)?
    member: value ("." value)*
    arg: MINUS? value ("." value)*
    ?value: WORD | STRING
    MINUS: "-"
    COMPARATOR: "<=" | ">=" | "!=" | "=" | "<" | ">" | ":"
    STRING: /"(\\.|[^"\\])*"|'(\\.|[^'\\])*'/
    WORD: /[^\s"'()=!<>:.,\-][^\s"'()=!<>:.,]*/
    %ignore /\s+/
"""
_STRING: Final = re.compile(r""""(\\.|[^"\\])*"|'(\\.|[^'\\])*'""")
_COMPARE: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "=": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip


def compile_filter(fields: Fields, text: str) -> Predicate:
    """What tells whether a document, fields by name, matches; an empty text matches all.

    Raises InvalidInput, FILTER_INVALID, with the column of what cannot be read or the name of a
    field there is not.
    """
    if len(text) > MAX_LENGTH:
        raise _refused(f"has {len(text)} characters and {MAX_LENGTH} are the most: shorten it")
    depth = 0
    for sign in _STRING.sub("", text):
        depth += (sign == "(") - (sign == ")")
        if depth > MAX_DEPTH:
            raise _refused(f"nests more than {MAX_DEPTH} parentheses: simplify it")
    try:
        tree = _parser().parse(text)
    except UnexpectedInput as error:
        raise _unreadable(text, error) from None
    return _node(fields, tree)


@cache
def _parser() -> Lark:
    return Lark(_GRAMMAR, parser="lalr", propagate_positions=True)


def _unreadable(text: str, error: UnexpectedInput) -> InvalidInput:
    token = getattr(error, "token", None)
    if isinstance(token, Token) and token.type == "$END":
        return _refused(f"column {len(text) + 1}: ends too early: write field = value")
    sign = text[error.pos_in_stream] if error.pos_in_stream is not None else ""
    if isinstance(error, UnexpectedCharacters) and sign in ("'", '"'):
        return _refused(f"column {error.column}: the quote that is opened here is never closed")
    return _refused(f"column {error.column}: {sign!r} is not expected here; texts with other signs stand in quotes")


def _node(fields: Fields, node: Any) -> Predicate:
    if node.data == "restriction":
        return _restriction(fields, node)
    parts = [_node(fields, child) for child in node.children]
    if node.data == "negated":
        return lambda document: not parts[0](document)
    if len(parts) == 1:
        return parts[0]
    decide = any if node.data == "factor" else all
    return lambda document: decide(part(document) for part in parts)


def _restriction(fields: Fields, node: Tree[Token]) -> Predicate:
    member: Any = node.children[0]
    path = [_plain(token) for token in member.children]
    if len(node.children) == 1:
        word = ".".join(path).casefold()
        return lambda document: any(word in text.casefold() for text in _texts(document))
    comparator, arg = str(node.children[1]), node.children[2]
    assert isinstance(arg, Tree)
    tokens: list[Any] = arg.children
    quoted = ".".join("" + (str(t)[1:-1] if t.type == "STRING" else str(t)) for t in tokens if t.type != "MINUS")
    given = ("-" if tokens[0].type == "MINUS" else "") + quoted
    found = _resolve(fields, path, comparator)
    test = _test(found.type, ".".join(path), comparator, given, in_list=found.in_list)
    return lambda document: any(test(value) for value in found.values(document))


@dataclass(frozen=True, slots=True)
class _Found:
    type: FieldType
    values: Callable[[Any], Iterable[Any]]
    in_list: bool


def _resolve(fields: Fields, path: list[str], comparator: str) -> _Found:
    """Follows a path through the types, and makes what follows it through a document."""
    here: FieldType = fields
    steps: list[Callable[[Any], Iterator[Any]]] = []
    in_list = False
    for depth, name in enumerate(path):
        where = ".".join(path[:depth])
        if isinstance(here, ListOf):
            if comparator != ":":
                raise _refused(f"{where!r} is a list: ask it with {'.'.join(path)}:value")
            steps.append(iter)
            here, in_list = here.element, True
        if isinstance(here, MapOf):
            steps.append(_key(name, None))
            here = here.value
        elif isinstance(here, Scalar):
            raise _refused(f"{where!r} has no fields, so there is no {'.'.join(path)!r}")
        else:
            assert not isinstance(here, ListOf)
            if name not in here:
                near = closest(name, list(here))
                there = f"did you mean {near!r}?" if near else f"there are {', '.join(sorted(here))}"
                raise _refused(f"there is no field {'.'.join(path)!r}: {there}")
            here = here[name]
            steps.append(_key(name, _UNSET[here] if isinstance(here, Scalar) else None))

    def values(document: Any) -> Iterable[Any]:
        reached: Iterable[Any] = [document]
        for step in steps:
            reached = [inner for value in reached for inner in step(value)]
        return reached

    return _Found(here, values, in_list)


def _key(name: str, default: Any) -> Callable[[Any], Iterator[Any]]:
    def step(value: Any) -> Iterator[Any]:
        inner = value.get(name)
        if inner is None:
            inner = default
        if inner is not None:
            yield inner

    return step


def _test(kind: FieldType, path: str, comparator: str, given: str, *, in_list: bool) -> Predicate:
    if comparator == ":" and given == "*":
        return bool if not isinstance(kind, Scalar) or kind is not Scalar.NUMBER else lambda value: Decimal(value) != 0
    if isinstance(kind, ListOf):
        if comparator != ":":
            raise _refused(f"{path!r} is a list: ask it with {path}:value")
        inner = _test(kind.element, path, ":", given, in_list=True)
        return lambda value: any(map(inner, value))
    if isinstance(kind, MapOf):
        if comparator != ":":
            raise _refused(f"{path!r} is a map: ask it with {path}:key, or one of its values with {path}.key")
        return lambda value: given in value
    if not isinstance(kind, Scalar):
        raise _refused(f"{path!r} is no single value: ask one of its fields, {', '.join(sorted(kind))}, or {path}:*")
    if kind is Scalar.TEXT:
        return _text_test(comparator, given, in_list=in_list)
    compare = _COMPARE["=" if comparator == ":" else comparator]
    wanted = _value(kind, path, given)
    if kind is Scalar.NUMBER:
        # int64 is a text in protobuf JSON.
        return lambda value: compare(Decimal(str(value)), wanted)
    return lambda value: compare(value, wanted)


def _text_test(comparator: str, given: str, *, in_list: bool) -> Predicate:
    wanted = _unescaped(given)
    if comparator == ":" and not in_list and not _has_star(given):
        part = wanted.casefold()
        return lambda value: part in value.casefold()
    if comparator in ("=", "!=", ":") and _has_star(given):
        pattern = re.compile(".*".join(re.escape(_unescaped(piece)) for piece in _STAR.split(given)), re.DOTALL)
        return lambda value: (pattern.fullmatch(value) is None) == (comparator == "!=")
    compare = _COMPARE["=" if comparator == ":" else comparator]
    return lambda value: compare(value, wanted)


_STAR: Final = re.compile(r"(?<!\\)\*")


def _has_star(given: str) -> bool:
    return _STAR.search(given) is not None


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)


def _plain(token: Token) -> str:
    return _unescaped(token[1:-1]) if token.type == "STRING" else str(token)


def _value(kind: Scalar, path: str, given: str) -> Any:
    if kind is Scalar.BOOLEAN:
        if given not in ("true", "false"):
            raise _refused(f"{path!r} is true or false, not {given!r}")
        return given == "true"
    if kind is Scalar.NUMBER:
        try:
            number = Decimal(given)
        except InvalidOperation:
            number = Decimal("NaN")
        if not number.is_finite():
            raise _refused(f"{path!r} is a number and {given!r} is none")
        return number
    try:
        moment = datetime.fromisoformat(given)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise _refused(f'{path!r} is a time and {given!r} is none: write "2026-01-01T00:00:00Z"')
    return moment


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)


def _refused(why: str) -> InvalidInput:
    return InvalidInput.of("filter", why, reason="FILTER_INVALID")
