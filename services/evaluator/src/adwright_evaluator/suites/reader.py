"""A suite read from its files: promptfoo's YAML, with every fault named by file, line and column."""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from adwright_evaluator.model import Case, Place, Prompt, ProviderSpec, RunOptions, Suite
from adwright_servicekit.errors import InvalidInput

from .asserting import Assertions
from .cases import Cases
from .document import Document
from .files import Files, is_reference
from .prompts import render_prompt
from .templates import variables
from .values import Reader, as_mapping, number, provider_of

__all__ = ["read_suite"]

_KNOWN: Final = frozenset(
    [
        *("description", "prompts", "providers", "targets", "tests", "defaultTest", "scenarios", "evaluateOptions"),
        *("commandLineOptions", "tags", "assertionTemplates", "metadata", "$schema"),
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
    "env": "variables of the environment are not read by suites",
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
    warnings += [
        f"{top.place(name)}: `{name}` was left out of account: {why}" for name, why in _LEFT_OUT.items() if name in data
    ]
    prompts = tuple(_prompts(reading, document, data, top))
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
    _check_variables(suite)
    return suite


def _prompts(files: Files, document: Document, data: Mapping[str, Any], top: Reader) -> Iterator[Prompt]:
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
            label = str(each.get("label") or "")
            each = each.get("raw") or each.get("id") or ""
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
        text = files.text(found, place)
        where = Place(found, 1)
        if found.endswith(".csv"):
            rows = list(csv.reader(io.StringIO(text)))
            texts = [row[0] for row in rows if row and row[0] not in ("prompt", "")]
        elif found.endswith((".json", ".yaml", ".yml")):
            texts = [text.strip()]
        else:
            texts = [part.strip() for part in _SEPARATOR.split(text) if part.strip()]
        for number_, part in enumerate(texts):
            shown = label or (found if len(texts) == 1 else f"{found} ({number_ + 1})")
            yield _made(part, shown, where)


def _made(template: str, label: str, place: Place) -> Prompt:
    variables(template)
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


def _provider(files: Files, given: Any, place: Place) -> Iterator[ProviderSpec]:
    if not is_reference(given):
        spec = provider_of(given, place)
        if spec.id.startswith(("file://", "exec:", "python:", "http://", "https://")):
            raise InvalidInput.of(
                str(place),
                "providers made by code or addresses are not supported: add a backend to the generator's configuration",
                reason="NOT_SUPPORTED",
            )
        yield spec
        return
    document = files.document(given, place)
    data = document.data if isinstance(document.data, list) else [document.data]
    for each in data:
        yield from _provider(files, each, document.place(each))


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


def _check_variables(suite: Suite) -> None:
    """What a prompt asks for and a case does not have is told now, and not by every cell."""
    needed = [(prompt, variables(prompt.template)) for prompt in suite.prompts]
    for case in suite.cases:
        for prompt, names in needed:
            if names <= case.vars.keys() or (case.prompts and not {prompt.id, prompt.label} & set(case.prompts)):
                continue
            _rendered(prompt, case)


def _rendered(prompt: Prompt, case: Case) -> None:
    try:
        render_prompt(prompt, case.vars, case.options)
    except InvalidInput as error:
        what = error.violations[0].description
        raise InvalidInput.of(
            str(case.place), f"prompt {prompt.label!r} ({prompt.place}): {what}", reason=error.reason
        ) from None
