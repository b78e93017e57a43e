"""Assertions as suites write them: mappings, or short forms in the cells of a CSV file."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any, Final

from rapidfuzz import process

from adwright_evaluator.model import JSON, Assertion, AssertionSet, Place, ProviderSpec
from adwright_servicekit.errors import InvalidInput

from .commas import comma_separated
from .document import Document
from .files import CODE, Files, is_reference
from .values import Reader, as_mapping, number, provider_of

__all__ = ["Assertions"]

_SET: Final = "assert-set"
_KNOWN: Final = frozenset(
    {
        "type",
        "value",
        "threshold",
        "weight",
        "metric",
        "provider",
        "rubricPrompt",
        "transform",
        "config",
        "contextTransform",
    }
)
_KNOWN_OF_SET: Final = frozenset({"type", "assert", "threshold", "weight", "metric", "config"})
_SHORT: Final = re.compile(
    r"(?P<not>not-)?(?P<type>[a-z][a-z0-9-]*(?::[a-z]+(?=[:(]))?)"
    r"(?:\((?P<threshold>\d{1,30}(?:\.\d{1,30})?)\))?(?::(?P<value>.*))?",
    re.DOTALL | re.ASCII,
)
_ALIASES: Final = {"grade": "llm-rubric", "eval": "javascript", "fn": "javascript"}
_LISTS: Final = frozenset({"contains-all", "contains-any", "icontains-all", "icontains-any"})
_THRESHOLDS: Final = {"similar": 0.8} | dict.fromkeys(
    (
        *("answer-relevance", "classifier", "context-faithfulness", "context-recall", "context-relevance", "cost"),
        *("latency", "levenshtein", "perplexity-score", "perplexity", "rouge-n", "starts-with"),
    ),
    0.75,
)
"""What promptfoo takes in CSV files where no threshold is written."""
_ALONE: Final = frozenset(
    (
        *("is-json", "contains-json", "is-xml", "contains-xml", "is-html", "contains-html", "is-sql", "contains-sql"),
        *("is-refusal", "guardrails", "moderation", "cost", "latency", "perplexity", "perplexity-score"),
        *("answer-relevance", "context-faithfulness", "context-relevance"),
    )
)
"""Types that say something without a value."""
_APART: Final = frozenset({"select-best", "max-score"})


class Assertions:
    """Reads them; raises InvalidInput with file, line and column."""

    def __init__(
        self,
        files: Files,
        known: Collection[str] | None,
        templates: Mapping[str, Any],
        warnings: list[str],
    ) -> None:
        """`templates` are promptfoo's `assertionTemplates`, by name."""
        self._files = files
        self._known = known
        self._templates = templates
        self._warnings = warnings

    def read_all(self, document: Document, given: Any, place: Place) -> tuple[Assertion | AssertionSet, ...]:
        """Those of a list."""
        if given is None:
            return ()
        if not isinstance(given, list):
            raise InvalidInput.of(str(place), "`assert` must be a list of assertions")
        return tuple(self.read(document, each, document.place(given, index)) for index, each in enumerate(given))

    def read(self, document: Document, given: Any, place: Place) -> Assertion | AssertionSet:
        """One."""
        if isinstance(given, str):
            return self.short(given.strip(), place)
        given = as_mapping(given, place, "an assertion must have a `type`")
        if "$ref" in given:
            name = str(given["$ref"]).rpartition("/")[2]
            if name not in self._templates:
                raise InvalidInput.of(str(place), f"there is no assertion template {name!r}")
            template = as_mapping(self._templates[name], place, f"the assertion template {name!r} must be a mapping")
            given = {**template, **{key: value for key, value in given.items() if key != "$ref"}}
        reader = Reader(document, given, place, self._warnings)
        kind = given.get("type")
        if not isinstance(kind, str):
            raise InvalidInput.of(str(place), "an assertion must have a `type`", reason="ASSERTION_TYPE_MISSING")
        if kind == _SET:
            reader.known(_KNOWN_OF_SET)
            return AssertionSet(
                assertions=self._inner(document, given, reader),
                threshold=reader.number("threshold"),
                weight=1.0
                if given.get("weight") is None
                else number(given["weight"], reader.place("weight"), "weight"),
                metric=reader.text("metric"),
                config=reader.mapping("config"),
                place=place,
            )
        reader.known(_KNOWN)
        value = self._value(given.get("value"), reader.place("value"))
        found = Assertion(
            type=kind.removeprefix("not-"),
            negated=kind.startswith("not-"),
            value=value,
            threshold=reader.number("threshold"),
            weight=1.0 if given.get("weight") is None else number(given["weight"], reader.place("weight"), "weight"),
            metric=reader.text("metric"),
            provider=_provider(given, reader),
            rubric_prompt=self._value(given.get("rubricPrompt"), reader.place("rubricPrompt")),
            transform=self._files.transform(given.get("transform"), reader.place("transform")),
            config=reader.mapping("config"),
            place=reader.place("type"),
        )
        return self.checked(found, found.place)

    def checked(self, found: Assertion, place: Place) -> Assertion:
        """The assertion, if its type is known."""
        if self._known is not None and found.type not in self._known:
            nearest = process.extractOne(found.type, list(self._known), score_cutoff=60)
            hint = f": did you mean {nearest[0]}?" if nearest else ""
            raise InvalidInput.of(
                str(place), f"there is no assertion type {found.name!r}{hint}", reason="UNKNOWN_ASSERTION"
            )
        return found

    def short(self, text: str, place: Place) -> Assertion:
        """`not-contains: cheap`, `similar(0.8): …`, `is-json`; any other text is what the output must equal."""
        if text.startswith("file://"):
            path = text.removeprefix("file://").partition(":")[0]
            if path.endswith(CODE):
                kind = "python" if path.endswith(".py") else "javascript"
                return Assertion(kind, self._value(text, place), place=place)
        match = _SHORT.fullmatch(text)
        if match is None:
            return Assertion("equals", text, place=place)
        negated, kind, least, written = match.groups()
        kind = _ALIASES.get(kind, kind)
        if written is None and kind not in _ALONE and least is None:
            return Assertion("equals", text, place=place)
        if self._known is not None and kind not in self._known:
            # `https://…`, `Note: …` and `yes: it is` are texts.
            nearest = process.extractOne(kind, list(self._known), score_cutoff=80)
            if nearest:
                self._warnings.append(
                    f"{place}: the output must equal {text[:60]!r}, as {kind!r} is no type: did you mean {nearest[0]}?"
                )
            return Assertion("equals", text, place=place)
        value: JSON = written.strip() if written is not None else None
        if kind in _LISTS and isinstance(value, str):
            try:
                value = list(comma_separated(value))
            except ValueError as error:
                raise InvalidInput.of(str(place), f"{kind}: the list {error}") from None
        threshold = float(least) if least else _THRESHOLDS.get(kind)
        return Assertion(kind, value, negated is not None, threshold, place=place)

    def _inner(self, document: Document, given: Mapping[str, Any], reader: Reader) -> tuple[Assertion, ...]:
        """The assertions of a set."""
        listed = given.get("assert")
        if not listed:
            raise InvalidInput.of(str(reader.place("assert")), "an assert-set must have `assert`, a list of assertions")
        found = []
        for each in self.read_all(document, listed, reader.place("assert")):
            if isinstance(each, AssertionSet):
                raise InvalidInput.of(str(each.place), "a set cannot be in a set: write its assertions into the outer")
            if each.type in _APART:
                raise InvalidInput.of(
                    str(each.place), f"{each.type} looks at all outputs together: write it beside the set, not in it"
                )
            found.append(each)
        return tuple(found)

    def _value(self, value: JSON, place: Place) -> JSON:
        """A value, with the files that it names, also in a list."""
        if is_reference(value):
            return self._files.value(str(value), place)
        if isinstance(value, list) and any(is_reference(each) for each in value):
            return [self._value(each, place) for each in value]
        return value


def _provider(given: Mapping[str, Any], reader: Reader) -> ProviderSpec | None:
    if given.get("provider") is None:
        return None
    return provider_of(given["provider"], reader.place("provider"))
