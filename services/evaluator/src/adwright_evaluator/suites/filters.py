"""Filters of templates, as Nunjucks 3.2 has them, with what each makes taken from the template's bound first.

What Jinja does alike is Jinja's. Filters that are not here are told by name before a run begins.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from functools import wraps
from typing import Any, Final
from urllib.parse import quote

from jinja2 import Undefined
from jinja2.filters import FILTERS as JINJA

from .shown import json_text, number_of, shown
from .work import STEP, size_of, take, weigh

__all__ = ["FILTERS", "charged"]

_ESCAPED: Final = str.maketrans({"&": "&amp;", '"': "&quot;", "'": "&#39;", "<": "&lt;", ">": "&gt;", "\\": "&#92;"})
_TAG: Final = re.compile(r"</?[a-z][a-z0-9]*\b[^>]*>", re.IGNORECASE | re.ASCII)
_COMMENT: Final = re.compile(r"<!--.*?-->", re.DOTALL)
_MOST_PARTS: Final = 10_000
_MOST_DIGITS: Final = 20


def charged(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same filter or test, which takes what it reads and what it makes; generators become lists."""

    @wraps(function)
    def filtered(*arguments: Any, **named: Any) -> Any:
        take(STEP + sum(map(size_of, arguments)))
        found = function(*arguments, **named)
        if isinstance(found, Iterator):
            found = list(_counted(found))
        return weigh(found)

    return filtered


def _counted(items: Iterator[Any]) -> Iterator[Any]:
    for each in items:
        take(STEP)
        yield each


def _text(value: Any) -> str:
    """Raises UndefinedError for what is not there."""
    return str(value) if isinstance(value, Undefined) else shown(value)


def _whole(value: Any, most: int) -> int:
    number = int(number_of(value))
    if not -most <= number <= most:
        raise ValueError(f"{number} is more than {most} here")
    return number


def _capitalize(value: Any) -> str:
    text = _text(value).lower()
    return text[:1].upper() + text[1:]


def _title(value: Any) -> str:
    return " ".join(map(_capitalize, _text(value).split(" ")))


def _center(value: Any, width: Any = 80) -> str:
    text = _text(value)
    spaces = max(0, _whole(width, _MOST_PARTS) - len(text))
    return " " * max(0, math.ceil(spaces / 2 - spaces % 2)) + text + " " * math.ceil(spaces / 2) if spaces else text


def _indent(value: Any, width: Any = 4, indentfirst: Any = False) -> str:
    text = _text(value)
    space = " " * _whole(width or 4, 100)
    take(len(space) * text.count("\n"))
    return (space if indentfirst and text else "") + text.replace("\n", f"\n{space}")


def _replace(value: Any, old: Any, new: Any, count: Any = -1) -> Any:
    if not isinstance(old, str | int | float) or not isinstance(value, str | int | float) or isinstance(value, bool):
        return value
    text, old, new, most = _text(value), _text(old), _text(new), _whole(count, 2**31)
    found = text.count(old) if old else len(text) + 1
    take((found if most < 0 else min(found, most)) * len(new))
    return text.replace(old, new, most)


def _join(value: Any, between: Any = "", attribute: Any = None) -> str:
    items = list(value)
    if attribute:
        items = [each.get(attribute) if isinstance(each, Mapping) else None for each in items]
    said = [_text(each) for each in items]
    take(sum(map(len, said)) + len(said) * len(_text(between or "")))
    return _text(between or "").join(said)


def _dump(value: Any, indent: Any = None) -> str:
    if isinstance(value, Undefined):
        str(value)
    if isinstance(indent, str):
        return json_text(value, indent[:10])
    return json_text(value, None if indent is None else max(0, min(10, int(number_of(indent)))))


def _round(value: Any, precision: Any = 0, method: Any = "common") -> float:
    factor = 10.0 ** _whole(precision or 0, _MOST_DIGITS)
    number = number_of(value) * factor
    if method == "ceil":
        return math.ceil(number) / factor
    # JavaScript rounds halves up, also -2.5 to -2.
    return math.floor(number if method == "floor" else number + 0.5) / factor


def _sum(value: Any, attribute: Any = None, start: Any = 0) -> float:
    items = list(value)
    if attribute:
        items = [each.get(attribute, 0) if isinstance(each, Mapping) else 0 for each in items]
    return math.fsum(map(number_of, items)) + number_of(start)


def _batch(value: Any, linecount: Any, fill: Any = None) -> list[list[Any]]:
    items, size = list(value), max(1, _whole(linecount, _MOST_PARTS))
    found = [items[at : at + size] for at in range(0, len(items), size)]
    if found and fill:
        found[-1] += [fill] * (size - len(found[-1]))
    return found


def _slice(value: Any, slices: Any, fill: Any = None) -> list[list[Any]]:
    items, parts = list(value), max(1, _whole(slices, _MOST_PARTS))
    size, extra = divmod(len(items), parts)
    found, at = [], 0
    for number in range(parts):
        end = at + size + (number < extra)
        found.append(items[at:end] + ([fill] if fill and number >= extra else []))
        at = end
    return found


def _list(value: Any) -> list[Any]:
    if isinstance(value, Mapping):
        return [{"key": key, "value": each} for key, each in value.items()]
    return list(value)


def _striptags(value: Any, preserve: Any = False) -> str:
    text = _text(value)
    # Nothing after the last end of one can be one: without it, each `<` would be tried to the end of the text.
    for pattern, end in ((_COMMENT, "-->"), (_TAG, ">")):
        last = text.rfind(end) + len(end)
        text = pattern.sub("", text[:last]) + text[last:] if last >= len(end) else text
    text = text.strip()
    if not preserve:
        return " ".join(text.split())
    text = re.sub(r"^ +| +$", "", text, flags=re.MULTILINE)
    return re.sub(r"\n{3,}", "\n\n", re.sub(" +", " ", text).replace("\r\n", "\n"))


def _truncate(value: Any, length: Any = 255, killwords: Any = False, end: Any = None) -> str:
    text, most = _text(value), max(0, int(number_of(length or 255)))
    if len(text) <= most:
        return text
    at = -1 if killwords else text.rfind(" ", 0, most + 1)
    return text[: most if at < 0 else at] + ("..." if end is None else _text(end))


def _urlencode(value: Any) -> str:
    if isinstance(value, Mapping | list):
        pairs = value.items() if isinstance(value, Mapping) else value
        return "&".join(f"{_urlencode(key)}={_urlencode(each)}" for key, each in pairs)
    return quote(_text(value), safe="!~*'()")


def _default(value: Any, otherwise: Any = "", boolean: Any = False) -> Any:
    if isinstance(value, Undefined):
        return otherwise
    return otherwise if boolean and not isinstance(value, list | dict) and not value else value


def _int(value: Any, otherwise: Any = 0, base: Any = 10) -> Any:
    found = JINJA["int"](value, otherwise, _whole(base, 36))
    return found if not isinstance(found, int) or abs(found) < 10**37 else float(found)


_KEPT: Final = (
    *("abs", "dictsort", "first", "float", "groupby", "last", "length", "random", "reject", "rejectattr", "reverse"),
    *("select", "selectattr", "sort", "map", "unique", "min", "max", "count", "items"),
)
_OWN: Final[Mapping[str, Callable[..., Any]]] = {
    "batch": _batch,
    "capitalize": _capitalize,
    "center": _center,
    "d": _default,
    "default": _default,
    "dump": _dump,
    "e": lambda value: _text(value).translate(_ESCAPED),
    "escape": lambda value: _text(value).translate(_ESCAPED),
    "forceescape": lambda value: _text(value).translate(_ESCAPED),
    "indent": _indent,
    "int": _int,
    "join": _join,
    "list": _list,
    # promptfoo's own: JSON as data.
    "load": lambda value: json.loads(_text(value)),
    "lower": lambda value: _text(value).lower(),
    "nl2br": lambda value: re.sub(r"\r?\n", "<br />\n", _text(value)),
    "replace": _replace,
    "round": _round,
    "safe": _text,
    "slice": _slice,
    "string": _text,
    "striptags": _striptags,
    "sum": _sum,
    "title": _title,
    "tojson": _dump,
    "trim": lambda value: _text(value).strip(),
    "truncate": _truncate,
    "upper": lambda value: _text(value).upper(),
    "urlencode": _urlencode,
    "wordcount": lambda value: len(re.findall(r"\w+", _text(value), re.ASCII)) or None,
}
FILTERS: Final[Mapping[str, Callable[..., Any]]] = {
    name: charged(function) for name, function in {**{name: JINJA[name] for name in _KEPT}, **_OWN}.items()
}
