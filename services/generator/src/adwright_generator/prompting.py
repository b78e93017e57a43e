"""Versioned prompts: `prompts/<name>/<version>.jinja` beside the schema of its input and its settings.

A template has the blocks `system` and `request` (a user turn: once for each example, once for the real ad). Its
settings say how to sample, and how many texts one call to the model asks for:

- `texts_per_call: all` shows approved ads of the brand and asks for all texts at once; `repair` is appended to the
  request when some have to be written again.
- `texts_per_call: 1` asks for one text a call, about one fact, after worked examples from the settings. Models of a
  hundred million parameters lose the thread of a whole ad, and follow this.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Annotated, Any, Literal

import yaml
from babel import Locale, UnknownLocaleError
from jinja2 import StrictUndefined, Template
from jinja2.sandbox import SandboxedEnvironment
from jsonschema import Draft202012Validator, TypeChecker, validators
from pydantic import BaseModel, ConfigDict, Field

from adwright_checks import FormatField, Output
from adwright_servicekit.errors import InvalidInput, NotFound

from .answers import answer, count_by_field
from .backends.base import Message
from .job import Job
from .points import points_for

__all__ = ["Ask", "Prompt", "PromptLibrary", "language_name"]

_VERSION = re.compile(r"v(\d+)")
_NEWEST_OF = "ad"


def _is_array(checker: TypeChecker, value: object) -> bool:
    return isinstance(value, (list, tuple))


# The input of prompts is frozen, so its lists are tuples.
_Validator: Any = validators.extend(  # type: ignore[no-untyped-call]
    Draft202012Validator, type_checker=Draft202012Validator.TYPE_CHECKER.redefine("array", _is_array)
)


def language_name(tag: str) -> str:
    """English name of a BCP-47 tag's language: `sv` → `Swedish`. Raises InvalidInput for one nobody knows."""
    try:
        return Locale.parse(tag, sep="-").english_name or tag
    except (UnknownLocaleError, ValueError):
        raise InvalidInput.of(
            "language",
            f"'{tag}' is no known language; expected a BCP-47 tag such as en or pt-BR",
            reason="UNKNOWN_LANGUAGE",
        ) from None


class Shot(BaseModel):
    """One worked example of a prompt that asks for one text a call."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    product: str
    fact: str
    text: str


class Shots(BaseModel):
    """Worked examples, by how long a text may be."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    short: tuple[Shot, ...]
    long: tuple[Shot, ...]
    long_from: int
    """Fields that may have so many characters, or any number, are `long`."""


class PromptSettings(BaseModel):
    """What stands in a prompt's YAML file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    temperature: Annotated[float, Field(ge=0, le=2)]
    top_p: Annotated[float, Field(gt=0, le=1)]
    repair_heat: Annotated[float, Field(ge=0, le=1)]
    """How much the temperature rises with every repair."""
    texts_per_call: Literal["all", 1]
    max_examples: Annotated[int, Field(ge=0)] = 0
    """Most approved ads to show."""
    shots: Shots | None = None


@dataclass(frozen=True, slots=True)
class Ask:
    """One call to the model: what it is asked, and which texts it answers with."""

    paths: tuple[str, ...]
    messages: tuple[Message, ...]


@dataclass(frozen=True)
class Prompt:
    """One version of one prompt."""

    version: str
    """`ad/v1@` and the first 12 hex digits of the SHA-256 over its files."""
    settings: PromptSettings
    template: Template
    schema: Any
    """Validator of the template's input."""

    @property
    def foreign_names(self) -> tuple[str, ...]:
        """Names of the goods in the worked examples, which no ad may speak of."""
        shots = self.settings.shots
        return tuple({shot.product.partition(",")[0]: 0 for shot in (*shots.short, *shots.long)}) if shots else ()

    def asks(self, job: Job, paths: Sequence[str], kept: Mapping[str, str], attempt: int) -> Iterator[Ask]:
        """The calls that give the texts at `paths`; `kept` are texts of this variant that stay."""
        if self.settings.texts_per_call == "all":
            yield Ask(tuple(paths), self._whole(job, paths, kept))
            return
        for path in paths:
            yield Ask((path,), self._single(job, path, attempt))

    def _whole(self, job: Job, paths: Sequence[str], kept: Mapping[str, str]) -> tuple[Message, ...]:
        fields = [field for field in job.format.fields if job.counts[field.id]]
        shared = _shared(job, [_field(field, job.counts[field.id]) for field in fields])
        turns = [Message("system", self._render("system", shared))]
        for example in [e for e in job.examples if e.same_format][: self.settings.max_examples]:
            products = [asdict(example.product)] if example.product else []
            asked = {"products": products, "brief": example.brief, "audience": "", "tone": ""}
            turns.append(Message("user", self._render("request", shared | asked)))
            turns.append(Message("assistant", answer(job.format, example.texts)))
        asked = {
            "products": [asdict(sheet) for sheet in job.sheets],
            "brief": job.brief,
            "audience": job.audience,
            "tone": job.tone,
        }
        request = self._render("request", shared | asked)
        if kept:
            wanted = count_by_field(job.format, paths)
            request += "\n" + self._render("repair", shared | asked | {"kept": list(kept.values()), "wanted": wanted})
        return (*turns, Message("user", request))

    def _single(self, job: Job, path: str, attempt: int) -> tuple[Message, ...]:
        field = job.format.field_for(path)
        shots = self.settings.shots
        assert field is not None
        assert shots is not None
        long = not field.max_length or field.max_length >= shots.long_from
        shared = _shared(job, [_field(field, 1)]) | {"long": long}
        turns = [Message("system", self._render("system", shared))]
        for shot in shots.long if long else shots.short:
            turns.append(
                Message("user", self._render("request", shared | {"product": shot.product, "fact": shot.fact}))
            )
            turns.append(Message("assistant", answer(job.format, {field.path(0): shot.text})))
        point = points_for(job, path, long=long, attempt=attempt)
        request = self._render("request", shared | {"product": point.product, "fact": point.fact})
        return (*turns, Message("user", request))

    def _render(self, block: str, values: Mapping[str, Any]) -> str:
        self.schema.validate(values)
        return "".join(self.template.blocks[block](self.template.new_context(dict(values)))).strip()


def _shared(job: Job, fields: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "brand": {"display_name": job.brand.display_name, "voice": job.voice, "style_guide": job.style_guide},
        "language": language_name(job.language),
        "format": job.format.display_name,
        "fields": fields,
        "json": job.format.output is Output.JSON,
    }


def _field(field: FormatField, count: int) -> dict[str, Any]:
    return {"id": field.id, "count": count, "max_length": field.max_length, "instruction": field.instruction}


class PromptLibrary:
    """All prompts of a directory, loaded once."""

    def __init__(self, directory: Traversable | None = None) -> None:
        root = directory or files("adwright_generator") / "prompts"
        environment = SandboxedEnvironment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
        self._prompts: dict[str, Prompt] = {}
        for folder in sorted((f for f in root.iterdir() if f.is_dir()), key=lambda f: f.name):
            for file in folder.iterdir():
                if file.name.endswith(".jinja"):
                    version = file.name.removesuffix(".jinja")
                    self._prompts[f"{folder.name}/{version}"] = _load(folder, version, environment)

    def get(self, version: str = "") -> Prompt:
        """`ad/v1`, also with its hash, or `ad` for its newest version; empty: the newest of `ad`. Raises NotFound."""
        name, _, digest = version.partition("@")
        if "/" not in name:
            versions = [v for v in self._prompts if v.startswith(f"{name or _NEWEST_OF}/")]
            name = max(versions, key=_number, default=name)
        prompt = self._prompts.get(name)
        if prompt is None or (digest and prompt.version != version):
            known = ", ".join(p.version for p in self._prompts.values())
            raise NotFound(f"there is no prompt '{version}'; there are {known}", reason="PROMPT_NOT_FOUND")
        return prompt


def _number(version: str) -> int:
    match = _VERSION.fullmatch(version.partition("/")[2])
    return int(match[1]) if match else 0


def _load(folder: Traversable, version: str, environment: SandboxedEnvironment) -> Prompt:
    sources = [(folder / f"{version}{suffix}").read_text("utf-8") for suffix in (".jinja", ".schema.json", ".yaml")]
    digest = hashlib.sha256("\0".join(sources).encode()).hexdigest()[:12]
    schema = json.loads(sources[1])
    Draft202012Validator.check_schema(schema)
    return Prompt(
        version=f"{folder.name}/{version}@{digest}",
        settings=PromptSettings.model_validate(yaml.safe_load(sources[2])),
        template=environment.from_string(sources[0]),
        schema=_Validator(schema),
    )
