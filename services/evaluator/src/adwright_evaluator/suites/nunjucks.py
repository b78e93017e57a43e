"""Templates of Nunjucks by way of Jinja: the same text where both know a construct, and an end to each of them.

Where Python would say or do something else than JavaScript, compiled templates call methods of the environment
(`compiling` puts them there): loops, comparisons and texts put together, which are counted as well (`work`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, cast

import jinja2
from jinja2 import pass_context
from jinja2.ext import Extension
from jinja2.lexer import Token, TokenStream
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.tests import TESTS

from .filters import FILTERS, charged
from .shown import number_of, shown
from .work import ROUND, STEP, size_of, take, weigh

__all__ = ["Environment", "Missing"]

_MOST_TOKENS: Final = 20_000
_METHODS: Final = frozenset(
    (
        *("split", "strip", "lstrip", "rstrip", "startswith", "endswith", "upper", "lower", "title", "capitalize"),
        *("count", "find", "index", "isdigit", "isalpha", "items", "keys", "values", "get", "splitlines"),
    )
)
_JAVASCRIPT: Final[Mapping[str, Any]] = {
    "toUpperCase": str.upper,
    "toLowerCase": str.lower,
    "trim": str.strip,
    "includes": str.__contains__,
    "startsWith": str.startswith,
    "endsWith": str.endswith,
    "indexOf": str.find,
}


class Missing(jinja2.Undefined):
    """May be asked whether it is there, but not be shown."""

    def __str__(self) -> str:
        return str(self._fail_with_undefined_error())

    __iter__ = __len__ = jinja2.Undefined._fail_with_undefined_error


class _FewTokens(Extension):
    """Stops before a template of endless expressions is parsed."""

    def filter_stream(self, stream: TokenStream) -> Iterator[Token]:
        for count, token in enumerate(stream):
            if count > _MOST_TOKENS:
                raise jinja2.TemplateSyntaxError(f"it has more than {_MOST_TOKENS} words and signs", token.lineno)
            yield token


@pass_context
def _finalized(_: Any, value: Any) -> str:
    # With the context asked for, nothing is worked out while a template is compiled.
    text = str(value) if isinstance(value, jinja2.Undefined) else shown(value)
    take(STEP + len(text))
    return text


class Environment(ImmutableSandboxedEnvironment):
    """What compiled templates call."""

    intercepted_binops = frozenset(["+", "-", "*", "/", "//", "%"])

    def __init__(self, undefined: type[jinja2.Undefined] = Missing) -> None:
        """`undefined` stands for variables that nobody defines."""
        super().__init__(
            undefined=undefined,
            finalize=_finalized,
            extensions=[_FewTokens, "jinja2.ext.loopcontrols"],
            optimized=False,
            keep_trailing_newline=True,
            cache_size=0,
        )
        self.filters = dict(FILTERS)
        self.tests = {name: charged(cast("Callable[..., Any]", test)) for name, test in TESTS.items()}
        self.tests |= {"truthy": charged(self.truthy), "falsy": charged(lambda value: not self.truthy(value))}
        self.globals = {"range": _limited_range}
        self._own = frozenset([self.counted, self.joined, self.compared, self.looked, self.truthy])

    def call(self, context: Any, called: Any, /, *arguments: Any, **named: Any) -> Any:
        """Every call goes through here."""
        if called in self._own:
            # Jinja tells what it calls in a loop about the loop; these do not ask.
            return called(*arguments)
        take(ROUND + sum(map(size_of, arguments)))
        found = super().call(context, called, *arguments, **named)
        return weigh(found)

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """As JavaScript counts: with texts that are numbers, and `+` for texts."""
        take(STEP)
        for each in (left, right):
            if isinstance(each, jinja2.Undefined):
                str(each)
        if operator == "+" and (isinstance(left, str) or isinstance(right, str)):
            return self.joined(left, right)
        one, other = number_of(left), number_of(right)
        # Beyond 2**53 JavaScript has no whole numbers, and texts of digits would grow without end.
        if abs(one) > 2**53 or abs(other) > 2**53:
            one, other = float(one), float(other)
        return _COUNTED[operator](one, other)

    def getattr(self, obj: Any, attribute: str) -> Any:
        """`length`, and what texts can do in JavaScript, beside what the sandbox allows."""
        if isinstance(obj, Mapping):
            # A key goes before a method, whatever it is called.
            if attribute in obj:
                return obj[attribute]
        elif isinstance(obj, str | list) and attribute == "length":
            return len(obj)
        elif isinstance(obj, str) and attribute in _JAVASCRIPT:
            method = _JAVASCRIPT[attribute]
            return lambda *arguments: method(obj, *arguments)
        return super().getattr(obj, attribute)

    def wrap_str_format(self, value: Any) -> None:
        """Texts have no `format` here: its widths are without bounds."""

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Of data, those methods alone that make nothing large."""
        if isinstance(obj, str | list | dict | tuple | int | float) and attr not in _METHODS:
            return False
        return super().is_safe_attribute(obj, attr, value)

    def counted(self, items: Any, data: int, pairs: bool) -> Iterator[Any]:
        """What a loop goes through; `data` are the letters in its body, `pairs`: it wants two of each."""
        found: Iterable[Any] = items.items() if pairs and isinstance(items, Mapping) else items
        for each in found:
            take(ROUND + data)
            yield each

    def joined(self, *parts: Any) -> str:
        """`a ~ b`."""
        said = [str(each) if isinstance(each, jinja2.Undefined) else shown(each) for each in parts]
        take(STEP + sum(map(len, said)))
        return "".join(said)

    def compared(self, operator: str, left: Any, right: Any) -> bool:
        """`==` and its like between a number and a text: the text counts as a number."""
        take(STEP)
        if isinstance(left, str) != isinstance(right, str) and all(
            isinstance(each, str | int | float) for each in (left, right)
        ):
            try:
                left, right = number_of(left), number_of(right)
            except ValueError:
                return operator == "ne"
        return bool(_COMPARED[operator](left, right))

    def looked(self, found: Any) -> Any:
        """A value that took work to find, or is made of others."""
        take(STEP)
        return weigh(found)

    def truthy(self, value: Any) -> bool:
        """Lists and mappings count as true, empty or not."""
        return isinstance(value, list | dict) or bool(value)


_COUNTED: Final[Mapping[str, Any]] = {
    "+": lambda one, other: one + other,
    "-": lambda one, other: one - other,
    "*": lambda one, other: one * other,
    "/": lambda one, other: one / other,
    "//": lambda one, other: one // other,
    # JavaScript's sign is that of the first.
    "%": lambda one, other: abs(one) % abs(other) * (-1 if one < 0 else 1),
}
_COMPARED: Final[Mapping[str, Any]] = {
    "eq": lambda one, other: one == other,
    "ne": lambda one, other: one != other,
    "lt": lambda one, other: one < other,
    "lteq": lambda one, other: one <= other,
    "gt": lambda one, other: one > other,
    "gteq": lambda one, other: one >= other,
}


def _limited_range(*arguments: Any) -> range:
    found = range(*(int(number_of(each)) for each in arguments))
    if len(found) > 100_000:
        raise ValueError("a range has at most 100000 numbers")
    return found
