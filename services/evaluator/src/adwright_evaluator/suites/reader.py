"""A suite read from its files: promptfoo's YAML, with every fault named by file, line and column."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from adwright_evaluator.model import Place, Prompt, ProviderSpec, RunOptions, Suite
from adwright_servicekit.errors import InvalidInput

from .asserting import Assertions
from .cases import Cases
from .checking import checked
from .document import Document
from .files import Files, is_reference
from .prompts import check_prompt
from .shown import json_text, shown
from .templates import variables
from .values import Reader, as_mapping, number, provider_of

__all__ = ["read_suite"]

_KNOWN: Final = frozenset(
    [
        *("description", "prompts", "providers", "targets", "tests", "defaultTest", "scenarios", "evaluateOptions"),
        *("commandLineOptions", "tags", "assertionTemplates", "metadata", "$schema", "env"),
    ]
)
_LEFT_OUT: Final = {
    "outputPath": "name the file with --output",
    "sharing": "results stay here",
    "derivedMetrics": "metrics are not computed from others yet",
}
_REFUSED: Final = {
    "nunjucksFilters": "filters of your own are code: use those of Jinja",
    "extensions": "hooks are code that runs outside of a sandbox",
    "redteam": "red teaming is not what this evaluator does",
    "transformVars": "variables are not changed by code: write them as they are",
}
_PATHS: Final = (".txt", ".json", ".jsonl", ".yaml", ".yml", ".csv", ".md", ".j2", ".njk")
_SEPARATOR: Final = re.compile(r"^---\s*$", re.MULTILINE)


def read_suite(
    files: Mapping[str, bytes], main: str = "promptfooconfig.yaml", *, known_types: Collection[str] | None = None
) -> Suite:
    """The suite that `main` describes; all files are given, nothing is read from elsewhere.

    Raises InvalidInput that names file, line and column: broken YAML, missing files and variables, unknown assertion
    types (of `known_types`), and everything of promptfoo that cannot be run here.
    """
    reading = Files(files)
    document = reading.document(main, Place(main))
    data = as_mapping(document.data, Place(main, 1), "a suite must have `prompts`, `providers` and `tests`")
    warnings: list[str] = []
    top = Reader(document, data, Place(main, 1), warnings)
    for name, why in _REFUSED.items():
        if name in data:
            raise InvalidInput.of(str(top.place(name)), f"`{name}` is not supported: {why}", reason="NOT_SUPPORTED")
    top.known(_KNOWN | set(_LEFT_OUT))
    reading.set_env(_env(top), document)
    warnings += [
        f"{top.place(name)}: `{name}` was left out of account: {why}" for name, why in _LEFT_OUT.items() if name in data
    ]
    prompts = tuple(_prompts(reading, document, data, top, warnings))
    providers = tuple(_providers(reading, document, data, top))
    assertions = Assertions(reading, known_types, top.mapping("assertionTemplates"), warnings)
    cases = Cases(reading, assertions, warnings)
    cases.set_default(document, data.get("defaultTest"), top.place("defaultTest"))
    suite = Suite(
        description=top.text("description"),
        prompts=prompts,
        providers=providers,
        cases=cases.read_all(document, data.get("tests"), data.get("scenarios")),
        options=_options(document, data, top, warnings),
        warnings=tuple(warnings),
    )
    return checked(suite)


def _env(top: Reader) -> Mapping[str, str]:
    """What `{{ env.NAME }}` stands for: what the suite says, never the environment of the service."""
    env = top.mapping("env")
    for name, value in env.items():
        if isinstance(value, Mapping | list):
            raise InvalidInput.of(str(top.inner("env", name)), f"`env`: {name!r} must be a text")
    return {name: shown(value) for name, value in env.items()}


def _prompts(
    files: Files, document: Document, data: Mapping[str, Any], top: Reader, warnings: list[str]
) -> Iterator[Prompt]:
    given = data.get("prompts")
    if given is None:
        # promptfoo's default.
        given = ["{{prompt}}"] if data.get("tests") else None
    if not given:
        raise InvalidInput.of(str(top.place("prompts")), "a suite must have `prompts`", reason="PROMPTS_MISSING")
    listed = given if isinstance(given, list) else [given]
    if isinstance(given, Mapping):
        listed = [{"id": path, "label": label} for path, label in given.items()]
    for index, each in enumerate(listed):
        place = document.place(given, index) if isinstance(given, list) else top.place("prompts")
        label = ""
        if isinstance(each, Mapping):
            Reader(document, each, place, warnings).known(("id", "label", "raw"))
            label = str(each.get("label") or "")
            each = each.get("raw") or each.get("id")
            # A conversation may be written out.
            each = json_text(each) if isinstance(each, list) else each
        if not isinstance(each, str | int | float):
            raise InvalidInput.of(str(place), "a prompt must be a text, or have `raw` or `id`")
        yield from _prompt(files, str(each), label, place)


def _prompt(files: Files, given: str, label: str, place: Place) -> Iterator[Prompt]:
    path = given.removeprefix("file://")
    named = given.startswith("file://") or ("\n" not in given and path.endswith(_PATHS) and "{{" not in path)
    if given.startswith("exec:") or path.split(":")[0].endswith((".py", ".js", ".mjs", ".cjs", ".ts", ".sh")):
        raise InvalidInput.of(
            str(place), "prompts made by code are not supported: write the text", reason="NOT_SUPPORTED"
        )
    if not named:
        yield _made(given, label, place)
        return
    for found in files.paths(path, place):
        texts = _texts(files, found, place)
        for number_, (part, own) in enumerate(texts):
            shown_ = own or label or (found if len(texts) == 1 else f"{found} ({number_ + 1})")
            yield _made(part, shown_, Place(found, 1))


def _texts(files: Files, path: str, place: Place) -> list[tuple[str, str]]:
    """The prompts in a file, with the labels that it gives them."""
    if path.endswith((".yaml", ".yml")):
        return [(json_text(files.document(path, place).data), "")]
    text = files.text(path, place)
    if path.endswith(".csv") and "," in text:
        rows = files.rows(path, place)
        return [(row["prompt"], row.get("label", "")) for _, row in rows if row.get("prompt")]
    if path.endswith((".csv", ".jsonl")):
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        return [(line, "") for line in lines[path.endswith(".csv") and lines[:1] == ["prompt"] :]]
    if path.endswith(".txt"):
        return [(part.strip(), "") for part in _SEPARATOR.split(text) if part.strip()]
    return [(text.strip(), "")]


def _made(template: str, label: str, place: Place) -> Prompt:
    try:
        variables(template)
        check_prompt(template)
    except InvalidInput as error:
        raise InvalidInput.of(
            str(place), f"the prompt {error.violations[0].description}", reason=error.reason
        ) from None
    first = template if len(template) <= 100 else f"{template[:99]}…"
    return Prompt(hashlib.sha256(template.encode()).hexdigest()[:32], label or first, template, place)


def _providers(files: Files, document: Document, data: Mapping[str, Any], top: Reader) -> Iterator[ProviderSpec]:
    name = "providers" if "providers" in data else "targets"
    given = data.get(name)
    if not given:
        raise InvalidInput.of(str(top.place(name)), "a suite must have `providers`", reason="PROVIDERS_MISSING")
    seen: dict[str, int] = {}
    for index, each in enumerate(given if isinstance(given, list) else [given]):
        place = document.place(given, index) if isinstance(given, list) else top.place(name)
        for spec in _provider(files, each, place):
            count = seen[spec.label] = seen.get(spec.label, 0) + 1
            yield spec if count == 1 else replace(spec, label=f"{spec.label} ({count})")


def _provider(files: Files, given: Any, place: Place, within: tuple[str, ...] = ()) -> Iterator[ProviderSpec]:
    if not is_reference(given):
        spec = provider_of(given, place)
        if spec.transform:
            spec = replace(spec, transform=files.transform(spec.transform, place))
        if spec.id.startswith(("file://", "exec:", "python:", "http://", "https://")):
            raise InvalidInput.of(
                str(place),
                "providers made by code or addresses are not supported: add a backend to the generator's configuration",
                reason="NOT_SUPPORTED",
            )
        yield spec
        return
    document = files.document(given, place)
    if document.file in within:
        raise InvalidInput.of(str(place), f"{document.file} names itself, by way of {', '.join(within)}")
    data = document.data if isinstance(document.data, list) else [document.data]
    for index, each in enumerate(data):
        where = document.place(data, index) if data is document.data else Place(document.file, 1)
        yield from _provider(files, each, where, (*within, document.file))


def _options(document: Document, data: Mapping[str, Any], top: Reader, warnings: list[str]) -> RunOptions:
    given = {**top.mapping("commandLineOptions"), **top.mapping("evaluateOptions")}
    place = top.place("evaluateOptions")
    known = {"maxConcurrency", "repeat", "delay", "cache", "showProgressBar", "verbose", "table", "write", "share"}
    warnings += [f"{place}: {name!r} of evaluateOptions was left out of account" for name in given if name not in known]
    whole = {name: number(given[name], place, name) for name in ("maxConcurrency", "repeat", "delay") if name in given}
    return RunOptions(
        max_concurrency=min(2000, max(1, int(whole.get("maxConcurrency", 4)))),
        repeat=min(100, max(1, int(whole.get("repeat", 1)))),
        delay=whole.get("delay", 0.0) / 1000,
        cache=given.get("cache") is not False,
    )
