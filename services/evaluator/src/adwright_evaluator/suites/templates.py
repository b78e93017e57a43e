"""Nunjucks templates of promptfoo, rendered by Jinja in a sandbox with bounds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import jinja2
from jinja2 import meta, nodes
from jinja2.ext import Extension
from jinja2.sandbox import ImmutableSandboxedEnvironment
from rapidfuzz import process

from adwright_evaluator.model import JSON
from adwright_servicekit.errors import InvalidInput

__all__ = ["is_template", "render", "render_value", "variables"]

_MOST_CHARACTERS: Final = 1_000_000
_MOST_STEPS: Final = 100_000


def is_template(text: str) -> bool:
    """Whether there is anything to fill in."""
    return "{{" in text or "{%" in text or "{#" in text


def render(template: str, values: Mapping[str, JSON]) -> str:
    """The template with its variables filled in; texts stay texts, other values are as in JSON.

    Raises InvalidInput for what is no template, for a variable that nobody defines, and for one that goes on too long.
    """
    if not is_template(template):
        return template
    plain = _plain(template)
    if plain is not None and plain.names <= values.keys():
        return plain.filled(values)
    found = _compiled(template)
    try:
        parts: list[str] = []
        size = 0
        for steps, part in enumerate(found.generate(dict(values))):
            size += len(part)
            if size > _MOST_CHARACTERS or steps > _MOST_STEPS:
                raise InvalidInput.of("template", f"gives more than {_MOST_CHARACTERS} characters")
            parts.append(part)
        return "".join(parts)
    except jinja2.UndefinedError as error:
        raise InvalidInput.of("template", _undefined(str(error), values), reason="VARIABLE_MISSING") from None
    except (jinja2.TemplateError, TypeError, ValueError, ArithmeticError, RecursionError, OverflowError) as error:
        raise InvalidInput.of("template", f"cannot be filled in: {error}", reason="TEMPLATE_INVALID") from None


def render_value(value: JSON, values: Mapping[str, JSON]) -> JSON:
    """The same for every text in a value."""
    if isinstance(value, str):
        return render(value, values) if is_template(value) else value
    if isinstance(value, Mapping):
        return {key: render_value(each, values) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [render_value(each, values) for each in value]
    return value


def variables(template: str) -> set[str]:
    """The variables that it asks for. Raises InvalidInput for what is no template."""
    if not is_template(template):
        return set()
    try:
        return set(meta.find_undeclared_variables(_ENVIRONMENT.parse(template))) - {"env", "range"}
    except jinja2.TemplateSyntaxError as error:
        raise _syntax(error) from None


class _RawJson(Extension):
    """`dump` is Nunjucks' name of `tojson`."""

    def __init__(self, environment: jinja2.Environment) -> None:
        super().__init__(environment)
        environment.filters["dump"] = lambda value, indent=None: json.dumps(value, ensure_ascii=False, indent=indent)


class _Missing(jinja2.Undefined):
    """May be asked whether it is there, but not be shown."""

    def __str__(self) -> str:
        return str(self._fail_with_undefined_error())

    __iter__ = __len__ = jinja2.Undefined._fail_with_undefined_error


def _shown(value: Any) -> Any:
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, Mapping | list | tuple):
        return json.dumps(value, ensure_ascii=False)
    return "" if value is None else value


def _limited_range(*arguments: int) -> range:
    found = range(*arguments)
    if len(found) > _MOST_STEPS:
        raise ValueError(f"a range has at most {_MOST_STEPS} numbers")
    return found


def _environment() -> jinja2.Environment:
    environment = ImmutableSandboxedEnvironment(
        undefined=_Missing, finalize=_shown, extensions=[_RawJson, "jinja2.ext.loopcontrols"]
    )
    environment.globals = {"range": _limited_range, "env": {}}
    return environment


_ENVIRONMENT: Final = _environment()


@dataclass(frozen=True, slots=True)
class _Plain:
    """A template of texts and names alone, as most are: filled in without a context of Jinja, to the same text."""

    parts: tuple[str | nodes.Name, ...]
    names: frozenset[str]

    def filled(self, values: Mapping[str, JSON]) -> str:
        """Every name is one of `values`."""
        text = "".join([part if isinstance(part, str) else str(_shown(values[part.name])) for part in self.parts])
        if len(text) > _MOST_CHARACTERS:
            raise InvalidInput.of("template", f"gives more than {_MOST_CHARACTERS} characters")
        return text


@lru_cache(maxsize=4096)
def _plain(template: str) -> _Plain | None:
    try:
        body = _ENVIRONMENT.parse(template).body
    except jinja2.TemplateSyntaxError as error:
        raise _syntax(error) from None
    parts: list[str | nodes.Name] = []
    for each in [inner for node in body for inner in (node.nodes if isinstance(node, nodes.Output) else [node])]:
        if isinstance(each, nodes.TemplateData):
            parts.append(each.data)
        elif isinstance(each, nodes.Name):
            parts.append(each)
        else:
            return None
    return _Plain(tuple(parts), frozenset(part.name for part in parts if isinstance(part, nodes.Name)))


@lru_cache(maxsize=4096)
def _compiled(template: str) -> jinja2.Template:
    try:
        parsed = _ENVIRONMENT.parse(template)
        if any(isinstance(node, nodes.Pow) for node in parsed.find_all(nodes.Pow)):
            raise InvalidInput.of("template", "powers are not taken", reason="TEMPLATE_INVALID")
        return _ENVIRONMENT.from_string(template)
    except jinja2.TemplateSyntaxError as error:
        raise _syntax(error) from None


def _syntax(error: jinja2.TemplateSyntaxError) -> InvalidInput:
    return InvalidInput.of(
        "template", f"is no template: {error.message} (line {error.lineno} of it)", reason="TEMPLATE_INVALID"
    )


def _undefined(message: str, values: Mapping[str, JSON]) -> str:
    name = message.split("'")[1] if "'" in message else message
    nearest = process.extractOne(name, list(values), score_cutoff=60)
    hint = f"did you mean {nearest[0]}?" if nearest else f"there are {', '.join(values) or 'none'}"
    return f"there is no variable {name!r}: {hint}"
