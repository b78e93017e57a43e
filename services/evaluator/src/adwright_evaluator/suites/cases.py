"""Cases: tests in YAML, CSV, JSON and JSONL, with defaults, scenarios and lists of variables multiplied out."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from adwright_evaluator.model import JSON, Assertion, AssertionSet, Case, Place
from adwright_servicekit.errors import InvalidInput

from .asserting import Assertions
from .document import Document
from .files import Files, is_reference
from .judges import judge_of, with_judge
from .tables import case_of_row
from .values import Reader, as_mapping
from .variables import Filled, Variables, expanded

__all__ = ["MOST_CASES", "Cases"]

MOST_CASES: Final = 100_000
_KNOWN: Final = frozenset(
    {"description", "vars", "assert", "threshold", "metadata", "options", "providers", "prompts", "id"}
)
_OPTIONS_REFUSED: Final = {
    "storeOutputAs": "cases are run side by side here, so none sees another's output",
    "runSerially": "cases are run side by side here",
    "postprocess": "is promptfoo's old name: write `transform`",
    "transformVars": "variables are not changed by code: write them as they are",
}
_REFUSED: Final = {
    "provider": "name it among `providers`, and in the test's `providers`",
    "providerOutput": "use the provider echo, and the output as the prompt",
}
_NOTHING: Final = Case(0)


class Cases:
    """Reads them; raises InvalidInput with file, line and column."""

    def __init__(self, files: Files, assertions: Assertions, warnings: list[str]) -> None:
        self._files = files
        self._assertions = assertions
        self._warnings = warnings
        self._variables = Variables(files)
        self._default = Case(0)

    def set_default(self, document: Document, given: Any, place: Place) -> None:
        """What every case has if it says nothing else: promptfoo's `defaultTest`."""
        if is_reference(given):
            document = self._files.document(given, place)
            given, place = document.data, Place(document.file, 1)
        if given is not None:
            self._default = self._read(document, given, place)

    def read_all(self, document: Document, tests: Any, scenarios: Any) -> tuple[Case, ...]:
        """The cases in order, numbered from 0. Without any there is one that has the defaults alone."""
        found: list[Case] = []
        filled = Filled()
        for case in itertools.chain(
            self._tests(document, tests, document.place(document.data, "tests")), self._scenarios(document, scenarios)
        ):
            for each in expanded(self._with_default(case), filled):
                if len(found) == MOST_CASES:
                    raise InvalidInput.of(
                        str(case.place), f"this makes more than {MOST_CASES} cases", reason="SUITE_TOO_LARGE"
                    )
                found.append(replace(each, index=len(found)))
        if not found and not tests and not scenarios:
            found = [
                replace(each, index=index) for index, each in enumerate(expanded(self._with_default(Case(0)), filled))
            ]
        return tuple(found)

    def _tests(self, document: Document, given: Any, place: Place) -> Iterator[Case]:
        if given is None:
            return
        if isinstance(given, str):
            yield from self._file(given, place)
        elif isinstance(given, list):
            for index, each in enumerate(given):
                where = document.place(given, index)
                if isinstance(each, str):
                    yield from self._file(each, where)
                else:
                    yield self._read(document, each, where)
        elif isinstance(given, Mapping) and "path" in given:
            yield from self._file(str(given["path"]), place)
        else:
            raise InvalidInput.of(str(place), "`tests` must be a list of tests, or name a file of them")

    def _file(self, reference: str, place: Place) -> Iterator[Case]:
        if reference.startswith(("http://", "https://", "huggingface://")):
            raise InvalidInput.of(str(place), "tests are not fetched from the network: put them into a file")
        for path in self._files.paths(reference, place):
            if path.endswith((".csv", ".tsv")):
                for where, row in self._files.rows(path, place):
                    yield case_of_row(row, where, self._assertions, self._variables)
            elif path.endswith(".jsonl"):
                for where, value in self._files.lines(path, place):
                    yield self._read(Document(path, value), value, where)
            elif path.endswith((".yaml", ".yml", ".json")):
                document = self._files.document(path, place)
                data = document.data if isinstance(document.data, list) else [document.data]
                for index, each in enumerate(data):
                    where = document.place(data, index) if data is document.data else Place(path, 1)
                    yield self._read(document, each, where)
            else:
                raise InvalidInput.of(
                    str(place), f"{path}: tests come from .yaml, .json, .jsonl and .csv files, not from code"
                )

    def _read(self, document: Document, given: Any, place: Place) -> Case:
        given = as_mapping(given, place, "a test must be a mapping with `vars` and `assert`")
        reader = Reader(document, given, place, self._warnings)
        reader.known(_KNOWN)
        for name, why in _REFUSED.items():
            if name in given:
                raise InvalidInput.of(
                    str(reader.place(name)), f"`{name}` is not supported: {why}", reason="NOT_SUPPORTED"
                )
        options = self._options(given, reader)
        for name, why in _OPTIONS_REFUSED.items():
            if name in options:
                raise InvalidInput.of(str(reader.place("options")), f"`{name}` is not supported: {why}")
        return Case(
            index=0,
            description=reader.text("description"),
            vars=self._variables.read(given.get("vars"), reader),
            assertions=self._assertions.read_all(document, given.get("assert"), reader.place("assert")),
            threshold=reader.number("threshold"),
            metadata=reader.mapping("metadata"),
            options=options,
            providers=reader.texts("providers"),
            prompts=reader.texts("prompts"),
            place=place,
        )

    def _options(self, given: Mapping[str, Any], reader: Reader) -> dict[str, JSON]:
        """With the files that they name read, and the judge as what it is."""
        options = dict(reader.mapping("options"))
        if options.get("transform") is not None:
            options["transform"] = self._files.transform(options["transform"], reader.inner("options", "transform"))
        prompt = options.get("rubricPrompt")
        if is_reference(prompt):
            options["rubricPrompt"] = self._files.value(str(prompt), reader.inner("options", "rubricPrompt"))
        if options.get("provider") is not None:
            judge_of(options["provider"], reader.inner("options", "provider"))
        for name in ("prefix", "suffix"):
            if not isinstance(options.get(name), str | int | float | None):
                raise InvalidInput.of(str(reader.inner("options", name)), f"`{name}` must be a text")
        return options

    def _scenarios(self, document: Document, given: Any) -> Iterator[Case]:
        place = document.place(document.data, "scenarios")
        for within, each, where in self._listed(document, given, place, "scenarios"):
            scenario = as_mapping(each, where, "a scenario must have `config` and `tests`")
            at = within.place(scenario, "config")
            configs = [
                self._read(inner, one, spot)
                for inner, one, spot in self._listed(within, scenario.get("config"), at, "config")
            ]
            tests = list(self._tests(within, scenario.get("tests"), within.place(scenario, "tests")))
            for config, test in itertools.product(configs, tests or [Case(0, place=where)]):
                yield _merged(config, test)

    def _listed(self, document: Document, given: Any, place: Place, name: str) -> Iterator[tuple[Document, Any, Place]]:
        """The items of a list, of the file that it is, and of files that stand in it."""
        if given is None:
            return
        if not isinstance(given, list) and not is_reference(given):
            raise InvalidInput.of(str(place), f"`{name}` must be a list, or name a file of one")
        for index, each in enumerate(given if isinstance(given, list) else [given]):
            where = document.place(given, index) if isinstance(given, list) else place
            if not is_reference(each):
                yield document, each, where
                continue
            for path in self._files.paths(each, where):
                inner = self._files.document(path, where)
                data = inner.data if isinstance(inner.data, list) else [inner.data]
                for at, one in enumerate(data):
                    yield inner, one, inner.place(data, at) if data is inner.data else Place(path, 1)

    def _with_default(self, case: Case) -> Case:
        merged = _merged(self._default, case)
        if case.options.get("disableDefaultAsserts"):
            merged = replace(merged, assertions=case.assertions)
        return with_judge(merged) if merged.options.get("provider") is not None else merged


def _merged(first: Case, second: Case) -> Case:
    """The second, with what only the first says."""
    if first == _NOTHING:
        return second
    assertions: tuple[Assertion | AssertionSet, ...] = (*first.assertions, *second.assertions)
    return replace(
        second,
        description=second.description or first.description,
        vars={**first.vars, **second.vars},
        assertions=assertions,
        threshold=first.threshold if second.threshold is None else second.threshold,
        metadata={**first.metadata, **second.metadata},
        options={**first.options, **second.options},
        providers=second.providers or first.providers,
        prompts=second.prompts or first.prompts,
    )
