"""What must hold of a resource beyond the shape that the protos describe."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from babel.numbers import list_currencies

from adwright_resources.filters import Fields
from adwright_servicekit.errors import FieldViolation, InvalidInput

from . import languages
from .kinds import BRAND, EXEMPLAR, PRODUCT, Content, Kind, Name
from .masks import Schema

__all__ = ["Contract", "check", "refuse", "semantic_violations"]

_MAX_NANOS = 999_999_999


class Contract(Protocol):
    """What the protos say of a kind of resource."""

    def schema(self, kind: Kind) -> Schema:
        """The fields that can be written."""

    def fields(self, kind: Kind) -> Fields:
        """The fields that can be filtered by, with their types."""

    def violations(self, name: Name, content: Content) -> list[FieldViolation]:
        """Which of the protos' rules the content breaks; paths are relative to the resource."""


def check(contract: Contract, name: Name, content: Content) -> list[FieldViolation]:
    """Everything that is wrong with a resource, paths relative to it."""
    # Meaning is looked at only where the shape holds, so that it can rely on it.
    return contract.violations(name, content) or list(semantic_violations(name, content))


def refuse(kind: Kind, found: Sequence[FieldViolation]) -> None:
    """Raises InvalidInput for what `check` found, with paths as in a request."""
    if not found:
        return
    there = tuple(FieldViolation(f"{kind.singular}.{v.field}", v.description) for v in found)
    raise InvalidInput(
        "; ".join(f"{v.field}: {v.description}" for v in there[:3]),
        reason=kind.reason("INVALID"),
        violations=there,
    )


def semantic_violations(name: Name, content: Content) -> Iterator[FieldViolation]:
    """Yields what is wrong with content whose shape is right."""
    if name.kind is BRAND:
        yield from _brand(content)
    elif name.kind is PRODUCT:
        yield from _product(content)
    elif name.kind is EXEMPLAR:
        yield from _exemplar(name, content)


def _brand(content: Content) -> Iterator[FieldViolation]:
    seen: set[str] = set()
    for index, tag in enumerate(content["languages"]):
        if problem := languages.problem_with(tag):
            yield FieldViolation(f"languages[{index}]", problem)
        if tag.lower() in seen:
            yield FieldViolation(f"languages[{index}]", f"{tag!r} is listed twice")
        seen.add(tag.lower())


def _product(content: Content) -> Iterator[FieldViolation]:
    if "price" in content:
        yield from _money("price", content["price"])
    for tag in content.get("localizations", {}):
        if problem := languages.problem_with(tag):
            yield FieldViolation("localizations", problem)


def _money(field: str, money: dict[str, Any]) -> Iterator[FieldViolation]:
    code = money.get("currency_code", "")
    if code not in list_currencies():
        yield FieldViolation(f"{field}.currency_code", f"{code!r} is no ISO 4217 currency; write for example 'EUR'")
    units, nanos = int(money.get("units", 0)), int(money.get("nanos", 0))
    if abs(nanos) > _MAX_NANOS:
        yield FieldViolation(f"{field}.nanos", f"{nanos} is not within ±{_MAX_NANOS}")
    elif units * nanos < 0:
        yield FieldViolation(f"{field}.nanos", "has another sign than units")
    elif units < 0 or nanos < 0:
        yield FieldViolation(field, "a price is not negative")


def _exemplar(name: Name, content: Content) -> Iterator[FieldViolation]:
    if problem := languages.problem_with(content["language"]):
        yield FieldViolation("language", problem)
    product = content.get("product", "")
    if product and Name.parse(PRODUCT, product).brand_id != name.brand_id:
        yield FieldViolation("product", f"{product} belongs to another brand; name a product of {name.brand}")
    counts = Counter(field.get("path", "") for field in content["fields"])
    for index, field in enumerate(content["fields"]):
        if counts[field.get("path", "")] > 1:
            yield FieldViolation(f"fields[{index}].path", f"{field['path']} is given twice")
        if not field.get("text", "").strip():
            yield FieldViolation(f"fields[{index}].text", "is empty: write the text, or leave it out")
