"""Versioned prompts: `<name>/<version>.jinja` beside its input schema and its sampling settings.

A template has three blocks: `system`, `request` (what a user turn says: once for each example, once for the real ad)
and `repair` (appended to the real request when some texts have to be written again).
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

import yaml
from babel import Locale, UnknownLocaleError
from jinja2 import StrictUndefined, Template
from jinja2.sandbox import SandboxedEnvironment
from jsonschema import Draft202012Validator

from adwright_checks import Format, Output
from adwright_servicekit.errors import InvalidInput, NotFound

from ..backends.base import Message
from ..job import Example, Job

__all__ = ["Prompt", "PromptLibrary", "language_name"]

_VERSION = re.compile(r"v(\d+)")


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


@dataclass(frozen=True)
class Prompt:
    """One version of one prompt."""

    version: str
    """`ad/v1@` and the first 12 hex digits of the SHA-256 over its files."""
    template: Template
    schema: Draft202012Validator
    temperature: float
    top_p: float
    max_examples: int

    def messages(self, job: Job, paths: Sequence[str], kept: Mapping[str, str]) -> tuple[Message, ...]:
        """The conversation that asks for the texts at `paths`; `kept` are texts of this variant that stay."""
        shared = {
            "brand": {
                "display_name": job.brand.display_name,
                "voice": job.voice,
                "style_guide": job.style_guide,
                "banned_terms": list(job.brand.banned_terms),
                "competitors": list(job.brand.competitors),
            },
            "language": language_name(job.language),
            "format": job.format.display_name,
            "fields": [
                {
                    "id": f.id,
                    "count": job.counts[f.id],
                    "max_length": f.max_length,
                    "instruction": f.instruction,
                }
                for f in job.format.fields
                if job.counts[f.id]
            ],
            "json": job.format.output is Output.JSON,
        }
        turns = [Message("system", self._render("system", shared))]
        for example in [e for e in job.examples if e.same_format][: self.max_examples]:
            asked = {
                "products": [asdict(example.product)] if example.product else [],
                "brief": example.brief,
                "audience": "",
                "tone": "",
            }
            turns.append(Message("user", self._render("request", shared | asked)))
            turns.append(Message("assistant", _answer(job.format, example)))
        asked = {
            "products": [asdict(sheet) for sheet in job.sheets],
            "brief": job.brief,
            "audience": job.audience,
            "tone": job.tone,
        }
        request = self._render("request", shared | asked)
        if kept:
            wanted = _count_by_field(job.format, paths)
            request += "\n" + self._render("repair", shared | asked | {"kept": list(kept.values()), "wanted": wanted})
        return (*turns, Message("user", request))

    def _render(self, block: str, values: Mapping[str, Any]) -> str:
        self.schema.validate(json.loads(json.dumps(values)))
        return "".join(self.template.blocks[block](self.template.new_context(dict(values)))).strip()


def _answer(ad_format: Format, example: Example) -> str:
    if ad_format.output is Output.TEXT:
        return next(iter(example.texts.values()), "")
    fields: dict[str, str | list[str]] = {}
    for path, text in example.texts.items():
        field = ad_format.field_for(path)
        if field is None:
            continue
        if field.repeated:
            items = fields.setdefault(field.id, [])
            assert isinstance(items, list)
            items.append(text)
        else:
            fields[field.id] = text
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":"))


def _count_by_field(ad_format: Format, paths: Sequence[str]) -> list[dict[str, Any]]:
    counts: dict[str, int] = {}
    for path in paths:
        field = ad_format.field_for(path)
        if field is not None:
            counts[field.id] = counts.get(field.id, 0) + 1
    return [{"id": field, "count": count} for field, count in counts.items()]


class PromptLibrary:
    """All prompts of a directory, loaded once."""

    def __init__(self, directory: Traversable | None = None) -> None:
        root = directory or files(__name__)
        environment = SandboxedEnvironment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
        self._prompts: dict[str, Prompt] = {}
        for folder in sorted((f for f in root.iterdir() if f.is_dir()), key=lambda f: f.name):
            for file in folder.iterdir():
                if file.name.endswith(".jinja"):
                    version = file.name.removesuffix(".jinja")
                    self._prompts[f"{folder.name}/{version}"] = _load(folder, version, environment)

    def get(self, version: str = "") -> Prompt:
        """`ad/v1`, also with its hash; empty: the newest of `ad`. Raises NotFound."""
        if not version:
            version = max((v for v in self._prompts if v.startswith("ad/")), key=_number)
        prompt = self._prompts.get(version.partition("@")[0])
        if prompt is None or ("@" in version and prompt.version != version):
            known = ", ".join(p.version for p in self._prompts.values())
            raise NotFound(f"there is no prompt '{version}'; there are {known}", reason="PROMPT_NOT_FOUND")
        return prompt


def _number(version: str) -> int:
    match = _VERSION.search(version.partition("/")[2])
    return int(match[1]) if match else 0


def _load(folder: Traversable, version: str, environment: SandboxedEnvironment) -> Prompt:
    sources = [(folder / f"{version}{suffix}").read_text("utf-8") for suffix in (".jinja", ".schema.json", ".yaml")]
    digest = hashlib.sha256("\0".join(sources).encode()).hexdigest()[:12]
    schema = json.loads(sources[1])
    Draft202012Validator.check_schema(schema)
    sampling = yaml.safe_load(sources[2])
    return Prompt(
        version=f"{folder.name}/{version}@{digest}",
        template=environment.from_string(sources[0]),
        schema=Draft202012Validator(schema),
        temperature=float(sampling["temperature"]),
        top_p=float(sampling["top_p"]),
        max_examples=int(sampling["max_examples"]),
    )
