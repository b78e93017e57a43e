"""What judges are asked: YAML files beside this module, each with a version, messages and the schema of the answer.

A file is never changed once scores were published with it: a new wording is a new version, and verdicts name theirs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml
from jinja2 import StrictUndefined, TemplateError
from jinja2.meta import find_undeclared_variables
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from ..model import JSON
from .material import Material, fenced, texts_of

__all__ = ["Asked", "PromptFile", "PromptFileError", "load_prompts", "parse_prompt", "prompt_file"]

_KEYS = frozenset({"id", "version", "notes", "trusted", "material", "messages", "schema"})
_ROLES = ("system", "user", "assistant")
_ENVIRONMENT = ImmutableSandboxedEnvironment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)


class PromptFileError(ValueError):
    """A prompt file is wrong; the message names the file and the key."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a judge is sent, and what of it nobody vouches for."""

    name: str
    """`llm-rubric/v1`."""
    messages: tuple[Mapping[str, str], ...]
    schema: Mapping[str, JSON]
    material: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PromptFile:
    """One version of a prompt for judges."""

    id: str
    version: int
    notes: str
    trusted: frozenset[str]
    """Variables that the suite's author wrote."""
    material: frozenset[str]
    """Variables that are put between marks."""
    messages: tuple[tuple[str, str], ...]
    """Roles and Jinja templates."""
    schema: Mapping[str, JSON]

    @property
    def name(self) -> str:
        """`llm-rubric/v1`."""
        return f"{self.id}/v{self.version}"

    def fill(self, trusted: Mapping[str, JSON], material: Mapping[str, Material]) -> Asked:
        """The messages with the variables in them. Raises ValueError where a variable is missing or unknown."""
        if trusted.keys() != self.trusted or material.keys() != self.material:
            wanted, given = sorted(self.trusted | self.material), sorted({**trusted, **material})
            raise ValueError(f"{self.name}: needs {wanted}, not {given}")
        fence, between = fenced(material)
        values = {**trusted, **between, "fence": fence}
        messages = tuple(
            {"role": role, "content": _ENVIRONMENT.from_string(template).render(values).strip()}
            for role, template in self.messages
        )
        return Asked(self.name, messages, self.schema, texts_of(material))


def parse_prompt(text: str, file: str) -> PromptFile:
    """One file's prompt. Raises PromptFileError naming `file` and what is wrong in it."""
    try:
        read = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise PromptFileError(f"{file}: is not YAML: {error}") from None
    if not isinstance(read, dict) or read.keys() != _KEYS:
        raise PromptFileError(f"{file}: needs exactly the keys {', '.join(sorted(_KEYS))}")
    id, version = read["id"], read["version"]
    if not isinstance(version, int) or file != f"{id}.v{version}.yaml":
        raise PromptFileError(f"{file}: id and version: the file should be called {id}.v{version}.yaml")
    prompt = PromptFile(
        id,
        version,
        str(read["notes"]),
        _names(read["trusted"], f"{file}: trusted"),
        _names(read["material"], f"{file}: material"),
        _messages(read["messages"], file),
        _schema(read["schema"], file),
    )
    _check_variables(prompt, file)
    return prompt


@cache
def load_prompts() -> Mapping[str, PromptFile]:
    """Every packaged prompt by its name: `llm-rubric/v1`. Raises PromptFileError where one is wrong."""
    found: dict[str, PromptFile] = {}
    for file in files(__package__).joinpath("prompts").iterdir():
        if file.name.endswith(".yaml"):
            prompt = parse_prompt(file.read_text("utf-8"), file.name)
            found[prompt.name] = prompt
    return dict(sorted(found.items()))


def prompt_file(name: str) -> PromptFile:
    """The prompt `llm-rubric/v1`. Raises KeyError where there is none."""
    return load_prompts()[name]


def _names(value: Any, where: str) -> frozenset[str]:
    if not isinstance(value, list) or not all(isinstance(name, str) and name.isidentifier() for name in value):
        raise PromptFileError(f"{where}: is a list of names of variables")
    return frozenset(value)


def _messages(value: Any, file: str) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, list) or not value:
        raise PromptFileError(f"{file}: messages: is a list with one message or more")
    found = []
    for at, message in enumerate(value):
        where = f"{file}: messages[{at}]"
        if not isinstance(message, dict) or message.keys() != {"role", "content"}:
            raise PromptFileError(f"{where}: has role and content")
        if message["role"] not in _ROLES or not isinstance(message["content"], str):
            raise PromptFileError(f"{where}: role is one of {', '.join(_ROLES)}, content a text")
        found.append((message["role"], message["content"]))
    return tuple(found)


def _schema(value: Any, file: str) -> Mapping[str, JSON]:
    try:
        Draft202012Validator.check_schema(value)
    except SchemaError as error:
        raise PromptFileError(f"{file}: schema: {error.message}") from None
    if not isinstance(value, dict) or value.get("type") != "object" or value.get("additionalProperties") is not False:
        raise PromptFileError(f"{file}: schema: is of an object without additional properties")
    properties = list(value.get("properties", {}))
    if value.get("required") != properties:
        raise PromptFileError(f"{file}: schema: requires all its properties, in their order")
    if "reason" in properties[1:]:
        raise PromptFileError(f"{file}: schema: the reason comes first, or it only defends what is said already")
    return value


def _check_variables(prompt: PromptFile, file: str) -> None:
    used: set[str] = set()
    for at, (_, template) in enumerate(prompt.messages):
        try:
            used |= find_undeclared_variables(_ENVIRONMENT.parse(template))
        except TemplateError as error:
            raise PromptFileError(f"{file}: messages[{at}]: {error}") from None
    declared: Sequence[str] = [*prompt.trusted, *prompt.material, *(["fence"] if prompt.material else [])]
    if used != set(declared):
        odd = ", ".join(sorted(used ^ set(declared)))
        raise PromptFileError(f"{file}: declared and used variables differ in: {odd}")
