"""Variables of cases: read from files, multiplied out, filled in with each other, as promptfoo does it."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from adwright_evaluator.model import JSON, Case, Place
from adwright_servicekit.errors import InvalidInput

from .files import CODE, Files, is_reference
from .shown import json_text, shown
from .templates import is_template, render, variables
from .values import Reader, as_mapping

__all__ = ["Filled", "Variables", "expanded"]

_NAME: Final = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_ROUNDS: Final = 5
_LONGEST: Final = 1_000_000
_TAGS: Final = (("{%", "%"), ("{{", "}"), ("{#", "#"))


class Variables:
    """Reads them; raises InvalidInput with file, line and column."""

    def __init__(self, files: Files) -> None:
        self._files = files

    def read(self, given: Any, reader: Reader) -> Mapping[str, JSON]:
        """Those of a test: a mapping, or the file that has it."""
        if is_reference(given):
            document = self._files.document(given, reader.place("vars"))
            found = as_mapping(document.data, reader.place("vars"), "`vars` must be a mapping")
            return {name: self.value(each, document.place(found, name)) for name, each in found.items()}
        return {name: self.value(each, reader.inner("vars", name)) for name, each in reader.mapping("vars").items()}

    def value(self, value: JSON, place: Place) -> JSON:
        """One: what `file://` names, also in a list, is read as text; a pattern is a list of texts."""
        if isinstance(value, str):
            if not value.startswith("file://"):
                return value
            texts = self._texts(value, place)
            return texts[0] if len(texts) == 1 else texts
        if isinstance(value, list) and any(is_reference(each) for each in value):
            return [inner for each in value for inner in (self._texts(each, place) if is_reference(each) else [each])]
        return value

    def _texts(self, reference: Any, place: Place) -> list[JSON]:
        if reference.removeprefix("file://").split(":")[0].endswith(CODE):
            raise InvalidInput.of(
                str(place),
                f"variables are not made by code ({reference}): write the value, or put it into a text file",
                reason="NOT_SUPPORTED",
            )
        found: list[JSON] = []
        for path in self._files.paths(reference, place):
            if path.endswith((".yaml", ".yml")):
                found.append(json_text(self._files.document(path, place).data))
            else:
                found.append(self._files.text(path, place).strip())
        return found


class Filled:
    """How much text the variables of a suite may become by being filled in with others, all together."""

    def __init__(self, most: int = 64_000_000) -> None:
        self._most = self._left = most

    def take(self, letters: int, name: str, place: Place) -> None:
        """Raises InvalidInput."""
        self._left -= letters
        if letters > _LONGEST or self._left < 0:
            most = _LONGEST if letters > _LONGEST else self._most
            raise InvalidInput.of(
                str(place), f"variable {name!r} gives more than {most} characters, here or in all", reason="TOO_LONG"
            )


def expanded(case: Case, filled: Filled) -> Iterator[Case]:
    """One case for each combination of what stands in lists of texts, filled in. Raises InvalidInput."""
    # promptfoo looks at the first: a list of anything else is one value.
    lists = {
        name: value
        for name, value in case.vars.items()
        if isinstance(value, list) and value and isinstance(value[0], str)
    }
    if not lists or case.options.get("disableVarExpansion"):
        yield _filled(case, filled)
        return
    for chosen in itertools.product(*lists.values()):
        yield _filled(replace(case, vars={**case.vars, **dict(zip(lists, chosen, strict=True))}), filled)


def _filled(case: Case, budget: Filled) -> Case:
    """Variables may be templates of other variables; what names none of them, or is only part of one, is text."""
    if not any(isinstance(value, str) and is_template(value) for value in case.vars.values()):
        return case
    values = dict(case.vars)
    for _ in range(_ROUNDS):
        if not _replaced(values, case.place, budget):
            break
    filled: dict[str, JSON] = {}
    for name, value in values.items():
        filled[name] = value
        if isinstance(value, str) and is_template(value) and not _is_part(value):
            try:
                missing = variables(value) - values.keys()
                if not missing or "env" in missing:
                    text = render(value, values)
                    budget.take(len(text), name, case.place)
                    filled[name] = text
            except InvalidInput as error:
                what = error.violations[0].description
                raise InvalidInput.of(str(case.place), f"variable {name!r}: {what}", reason=error.reason) from None
    return replace(case, vars=filled)


def _replaced(values: dict[str, JSON], place: Place, budget: Filled) -> bool:
    """Puts in the first variable that each names; whether there was any."""
    found = False
    for name, value in values.items():
        match = _NAME.search(value) if isinstance(value, str) and "{{" in value else None
        if match is not None and match[1] in values:
            inner = values[match[1]]
            text = f"{value[: match.start()]}{'null' if inner is None else shown(inner)}{value[match.end() :]}"  # type: ignore[index]
            budget.take(len(text), name, place)
            values[name] = text
            found = True
    return found


def _is_part(text: str) -> bool:
    """Whether a tag begins and does not end in its line: then promptfoo takes no part of the text for a template."""
    for line in text.split("\n"):
        for opening, closing in _TAGS:
            at = line.rfind(opening)
            if at >= 0 and closing not in line[at + len(opening) :]:
                return True
    return False
