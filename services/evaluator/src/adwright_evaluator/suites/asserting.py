"""Assertions as suites write them: mappings, or short forms in the cells of a CSV file."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any, Final

from rapidfuzz import process

from adwright_evaluator.model import JSON, Assertion, AssertionSet, Place, ProviderSpec
from adwright_servicekit.errors import InvalidInput

from .document import Document
from .files import Files, is_reference
from .values import Reader, as_mapping, number, provider_of

__all__ = ["Assertions", "short_assertion"]

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
    r"(?P<type>(?:not-)?[a-z][a-z0-9-]*)(?:\((?P<threshold>[0-9.]+)\))?(?::(?P<value>.*))?", re.DOTALL
)
_ALIASES: Final = {"grade": "llm-rubric", "eval": "javascript", "fn": "javascript"}
_LISTS: Final = frozenset({"contains-all", "contains-any", "icontains-all", "icontains-any"})


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
            return self.checked(short_assertion(given, place), place)
        given = as_mapping(given, place, "an assertion must have a `type`")
        if "$ref" in given:
            name = str(given["$ref"]).rpartition("/")[2]
            if name not in self._templates:
                raise InvalidInput.of(str(place), f"there is no assertion template {name!r}")
            given = {**self._templates[name], **{key: value for key, value in given.items() if key != "$ref"}}
        reader = Reader(document, given, place, self._warnings)
        kind = given.get("type")
        if not isinstance(kind, str):
            raise InvalidInput.of(str(place), "an assertion must have a `type`", reason="ASSERTION_TYPE_MISSING")
        if kind == _SET:
            reader.known(_KNOWN_OF_SET)
            inner = self.read_all(document, given.get("assert"), reader.place("assert"))
            return AssertionSet(
                assertions=tuple(each for each in inner if isinstance(each, Assertion)),
                threshold=reader.number("threshold"),
                weight=reader.number("weight", 1.0) or 0.0,
                metric=reader.text("metric"),
                config=reader.mapping("config"),
                place=place,
            )
        reader.known(_KNOWN)
        value = given.get("value")
        if is_reference(value):
            value = self._files.value(str(value), reader.place("value"))
        found = Assertion(
            type=kind.removeprefix("not-"),
            negated=kind.startswith("not-"),
            value=value,
            threshold=reader.number("threshold"),
            weight=1.0 if given.get("weight") is None else number(given["weight"], reader.place("weight"), "weight"),
            metric=reader.text("metric"),
            provider=_provider(given, reader),
            rubric_prompt=self._rubric(given, reader),
            transform=reader.text("transform"),
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

    def _rubric(self, given: Mapping[str, Any], reader: Reader) -> JSON:
        prompt = given.get("rubricPrompt")
        return self._files.value(str(prompt), reader.place("rubricPrompt")) if is_reference(prompt) else prompt


def short_assertion(text: str, place: Place, *, threshold: float | None = None) -> Assertion:
    """`not-contains: cheap`, `similar(0.8): …`, `is-json`; any other text is what the output must equal."""
    match = _SHORT.fullmatch(text.strip())
    kind = match["type"] if match else ""
    plain = kind.removeprefix("not-")
    if match is None or (match["value"] is None and plain not in _ALONE and match["threshold"] is None):
        return Assertion("equals", text, threshold=threshold, place=place)
    value: JSON = match["value"].strip() if match["value"] is not None else None
    if plain in _LISTS and isinstance(value, str):
        value = [part.strip() for part in value.split(",")]
    own = float(match["threshold"]) if match["threshold"] else threshold
    return Assertion(_ALIASES.get(plain, plain), value, negated=kind.startswith("not-"), threshold=own, place=place)


_ALONE: Final = frozenset(
    {
        "is-json",
        "contains-json",
        "is-xml",
        "contains-xml",
        "is-html",
        "contains-html",
        "is-sql",
        "contains-sql",
        "is-refusal",
    }
)


def _provider(given: Mapping[str, Any], reader: Reader) -> ProviderSpec | None:
    if given.get("provider") is None:
        return None
    return provider_of(given["provider"], reader.place("provider"))
