"""Nunjucks templates of promptfoo, rendered by Jinja in a sandbox with bounds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import jinja2
from jinja2 import meta, nodes
from rapidfuzz import process

from adwright_evaluator.model import JSON
from adwright_servicekit.errors import InvalidInput

from .compiling import compiled
from .nunjucks import Environment
from .shown import shown
from .work import TooMuch, bounded

__all__ = ["is_template", "render", "render_value", "variables"]

_MOST_CHARACTERS: Final = 1_000_000
_GLOBALS: Final = frozenset({"range"})


def is_template(text: str) -> bool:
    """Whether there is anything to fill in."""
    return "{{" in text or "{%" in text or "{#" in text


def render(template: str, values: Mapping[str, JSON], *, lenient: bool = False) -> str:
    """The template with its variables filled in; texts stay texts, other values are as JavaScript prints them.

    `lenient`: what nobody defines is empty, and so are its members.
    Raises InvalidInput for what is no template, for a variable that nobody defines, and for one that goes on too long.
    """
    if not is_template(template):
        return template
    plain = _plain(template)
    if plain is not None and plain.names <= values.keys():
        return plain.filled(values)
    found = _compiled(template, lenient)
    try:
        with bounded():
            parts: list[str] = []
            size = 0
            for part in found.root_render_func(found.new_context(dict(values))):
                size += len(part)
                if size > _MOST_CHARACTERS:
                    raise _too_long()
                parts.append(part)
            return "".join(parts)
    except TooMuch:
        raise InvalidInput.of(
            "template", "goes on too long: its loops have too many rounds, or make too much text", reason="TOO_LONG"
        ) from None
    except jinja2.UndefinedError as error:
        raise InvalidInput.of("template", _undefined(str(error), values), reason="VARIABLE_MISSING") from None
    except (jinja2.TemplateError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError) as error:
        raise _unfilled(str(error)) from None
    except (RecursionError, MemoryError):
        raise _unfilled("it is nested too deeply") from None


def render_value(value: JSON, values: Mapping[str, JSON]) -> JSON:
    """The same for every text in a value."""
    if isinstance(value, str):
        return render(value, values) if is_template(value) else value
    if isinstance(value, Mapping):
        return {key: render_value(each, values) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [render_value(each, values) for each in value]
    return value


def variables(template: str) -> frozenset[str]:
    """The variables that it asks for. Raises InvalidInput for what is no template."""
    return _variables(template) if is_template(template) else frozenset()


_STRICT: Final = Environment()
_LENIENT: Final = Environment(jinja2.ChainableUndefined)


@dataclass(frozen=True, slots=True)
class _Plain:
    """A template of texts and names alone, as most are: filled in without a context of Jinja, to the same text."""

    parts: tuple[str | nodes.Name, ...]
    names: frozenset[str]

    def filled(self, values: Mapping[str, JSON]) -> str:
        """Every name is one of `values`."""
        said = [part if isinstance(part, str) else shown(values[part.name]) for part in self.parts]
        if sum(map(len, said)) > _MOST_CHARACTERS:
            raise _too_long()
        return "".join(said)


@lru_cache(maxsize=4096)
def _plain(template: str) -> _Plain | None:
    parts: list[str | nodes.Name] = []
    body = _parsed(template).body
    for each in [inner for node in body for inner in (node.nodes if isinstance(node, nodes.Output) else [node])]:
        if isinstance(each, nodes.TemplateData):
            parts.append(each.data)
        elif isinstance(each, nodes.Name):
            parts.append(each)
        else:
            return None
    return _Plain(tuple(parts), frozenset(part.name for part in parts if isinstance(part, nodes.Name)))


@lru_cache(maxsize=4096)
def _variables(template: str) -> frozenset[str]:
    plain = _plain(template)
    if plain is not None:
        return plain.names
    # Compiled first: what is not taken is told then.
    _compiled(template, False)
    return frozenset(meta.find_undeclared_variables(_parsed(template))) - _GLOBALS


@lru_cache(maxsize=4096)
def _compiled(template: str, lenient: bool) -> jinja2.Template:
    try:
        return compiled(_LENIENT if lenient else _STRICT, template)
    except jinja2.TemplateSyntaxError as error:
        raise _syntax(error) from None


def _parsed(template: str) -> nodes.Template:
    try:
        return _STRICT.parse(template)
    except jinja2.TemplateSyntaxError as error:
        raise _syntax(error) from None
    except RecursionError:
        raise _unfilled("it is nested too deeply") from None


def _syntax(error: jinja2.TemplateSyntaxError) -> InvalidInput:
    return InvalidInput.of(
        "template", f"is no template: {error.message} (line {error.lineno} of it)", reason="TEMPLATE_INVALID"
    )


def _unfilled(problem: str) -> InvalidInput:
    return InvalidInput.of("template", f"cannot be filled in: {problem}", reason="TEMPLATE_INVALID")


def _too_long() -> InvalidInput:
    return InvalidInput.of("template", f"gives more than {_MOST_CHARACTERS} characters", reason="TOO_LONG")


def _undefined(message: str, values: Mapping[str, JSON]) -> str:
    """Jinja's message is `'name' is undefined`, or `'dict object' has no attribute 'name'`."""
    first, *more = message.split("'")[1::2] or [message]
    if more and "has no" in message:
        kind = first.removesuffix(" object")
        return f"there is no {more[0]!r} in what is a {kind}"
    if first == "env":
        return "there is no `env`: name what the suite needs under `env`; the environment of the service is not read"
    nearest = process.extractOne(first, list(values), score_cutoff=60)
    hint = f"did you mean {nearest[0]}?" if nearest else f"there are {', '.join(list(values)[:20]) or 'none'}"
    return f"there is no variable {first!r}: {hint}"
