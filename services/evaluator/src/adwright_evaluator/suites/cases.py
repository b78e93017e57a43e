"""Cases: tests in YAML, CSV, JSON and JSONL, with defaults, scenarios and lists of variables multiplied out."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final

from adwright_evaluator.model import JSON, Assertion, AssertionSet, Case, Place
from adwright_servicekit.errors import InvalidInput

from .asserting import Assertions, short_assertion
from .document import Document
from .files import Files, is_reference
from .templates import is_template, render_value
from .values import Reader, as_mapping

__all__ = ["MOST_CASES", "Cases"]

MOST_CASES: Final = 100_000
_KNOWN: Final = frozenset(
    {"description", "vars", "assert", "threshold", "metadata", "options", "providers", "prompts", "provider", "id"}
)
_OPTIONS_REFUSED: Final = {
    "storeOutputAs": "cases are run side by side here, so none sees another's output",
    "runSerially": "cases are run side by side here",
    "postprocess": "is promptfoo's old name: write `transform`",
}
_EXPECTED: Final = re.compile(r"__expected(\d*)")
_CONFIG: Final = re.compile(r"__config:__expected(\d*):threshold")
_METADATA: Final = "__metadata:"
_NOTHING: Final = Case(0)


class Cases:
    """Reads them; raises InvalidInput with file, line and column."""

    def __init__(self, files: Files, assertions: Assertions, warnings: list[str]) -> None:
        self._files = files
        self._assertions = assertions
        self._warnings = warnings
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
        for case in itertools.chain(
            self._tests(document, tests, document.place(document.data, "tests")), self._scenarios(document, scenarios)
        ):
            for expanded in self._expanded(self._with_default(case)):
                if len(found) == MOST_CASES:
                    raise InvalidInput.of(
                        str(case.place), f"this makes more than {MOST_CASES} cases", reason="SUITE_TOO_LARGE"
                    )
                found.append(replace(expanded, index=len(found)))
        if not found and not tests and not scenarios:
            found = [
                replace(each, index=index) for index, each in enumerate(self._expanded(self._with_default(Case(0))))
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
                yield from (self._row(row, where) for where, row in self._files.rows(path, place))
            elif path.endswith(".jsonl"):
                for where, value in self._files.lines(path, place):
                    yield self._read(Document(path, value), value, where)
            elif path.endswith((".yaml", ".yml", ".json")):
                document = self._files.document(path, place)
                data = document.data if isinstance(document.data, list) else [document.data]
                for index, each in enumerate(data):
                    yield self._read(document, each, document.place(data, index))
            else:
                raise InvalidInput.of(
                    str(place), f"{path}: tests come from .yaml, .json, .jsonl and .csv files, not from code"
                )

    def _read(self, document: Document, given: Any, place: Place) -> Case:
        given = as_mapping(given, place, "a test must be a mapping with `vars` and `assert`")
        reader = Reader(document, given, place, self._warnings)
        reader.known(_KNOWN)
        options = dict(reader.mapping("options"))
        for name, why in _OPTIONS_REFUSED.items():
            if name in options:
                raise InvalidInput.of(str(reader.place("options")), f"`{name}` is not supported: {why}")
        if "provider" in options and not isinstance(options["provider"], str | Mapping):
            raise InvalidInput.of(str(reader.place("options")), "`provider` must be an id, or have one")
        return Case(
            index=0,
            description=reader.text("description"),
            vars=self._vars(given, reader),
            assertions=self._assertions.read_all(document, given.get("assert"), reader.place("assert")),
            threshold=reader.number("threshold"),
            metadata=reader.mapping("metadata"),
            options=options,
            providers=reader.texts("providers"),
            prompts=reader.texts("prompts"),
            place=place,
        )

    def _vars(self, given: Mapping[str, Any], reader: Reader) -> Mapping[str, JSON]:
        found = given.get("vars")
        if is_reference(found):
            return as_mapping(
                self._files.value(str(found), reader.place("vars")), reader.place("vars"), "`vars` must be a mapping"
            )
        return {name: self._var(value, reader.place("vars")) for name, value in reader.mapping("vars").items()}

    def _var(self, value: JSON, place: Place) -> JSON:
        if not is_reference(value):
            return value
        paths = self._files.paths(str(value), place)
        read = [self._files.value(path, place) for path in paths]
        return read[0] if len(read) == 1 else read

    def _row(self, row: Mapping[str, str], place: Place) -> Case:
        """promptfoo's conventions: columns that begin with `__` say what is expected, the others are variables."""
        columns = _columns(tuple(row))
        thresholds = {number: float(row[name]) for name, number in columns.thresholds if row[name]}
        metric = row.get("__metric", "")
        assertions = []
        for name, number in columns.expected:
            if not row[name]:
                continue
            found = self._assertions.checked(short_assertion(row[name], place, threshold=thresholds.get(number)), place)
            assertions.append(replace(found, metric=metric) if metric else found)
        try:
            threshold = float(row["__threshold"]) if row.get("__threshold") else None
        except ValueError:
            raise InvalidInput.of(str(place), "`__threshold` must be a number") from None
        return Case(
            index=0,
            description=row.get("__description", ""),
            vars={name: row[name] for name in columns.variables},
            assertions=tuple(assertions),
            threshold=threshold,
            metadata={short: row[name] for name, short in columns.metadata if row[name]},
            options={name[2:]: row[name] for name in ("__prefix", "__suffix") if row.get(name)},
            place=place,
        )

    def _scenarios(self, document: Document, given: Any) -> Iterator[Case]:
        place = document.place(document.data, "scenarios")
        for each in given or ():
            scenario = as_mapping(each, document.place(each), "a scenario must have `config` and `tests`")
            configs = [self._read(document, one, document.place(one)) for one in scenario.get("config") or ()]
            tests = list(self._tests(document, scenario.get("tests"), place)) or [Case(0, place=place)]
            for config, test in itertools.product(configs, tests):
                yield _merged(config, test)

    def _with_default(self, case: Case) -> Case:
        if case.options.get("disableDefaultAsserts"):
            return replace(_merged(self._default, case), assertions=case.assertions)
        return _merged(self._default, case)

    def _expanded(self, case: Case) -> Iterator[Case]:
        """One for each combination of what stands in lists of texts."""
        lists = {
            name: value
            for name, value in case.vars.items()
            if isinstance(value, list) and value and all(isinstance(each, str) for each in value)
        }
        if not lists or case.options.get("disableVarExpansion"):
            yield _filled(case)
            return
        for chosen in itertools.product(*lists.values()):
            yield _filled(replace(case, vars={**case.vars, **dict(zip(lists, chosen, strict=True))}))


@dataclass(frozen=True, slots=True)
class _Columns:
    """What the columns of a table are for; pairs have the column first."""

    variables: tuple[str, ...]
    expected: tuple[tuple[str, str], ...]
    thresholds: tuple[tuple[str, str], ...]
    metadata: tuple[tuple[str, str], ...]


@lru_cache(maxsize=64)
def _columns(names: tuple[str, ...]) -> _Columns:
    return _Columns(
        variables=tuple(name for name in names if not name.startswith("__")),
        expected=tuple((name, match[1]) for name in names if (match := _EXPECTED.fullmatch(name))),
        thresholds=tuple((name, match[1]) for name in names if (match := _CONFIG.fullmatch(name))),
        metadata=tuple((name, name.removeprefix(_METADATA)) for name in names if name.startswith(_METADATA)),
    )


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


def _filled(case: Case) -> Case:
    """Variables may be templates of other variables."""
    if not any(isinstance(value, str) and is_template(value) for value in case.vars.values()):
        return case
    return replace(case, vars={name: render_value(value, case.vars) for name, value in case.vars.items()})
