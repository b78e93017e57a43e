"""The labelled catalogue: the same products told in English, German and Swedish, made anew for each run."""

from __future__ import annotations

import itertools
import random
from collections.abc import Mapping
from dataclasses import dataclass

from .attributes import AXES, CATEGORIES, SERIES

__all__ = ["LANGUAGES", "Item", "catalogue", "grade"]

LANGUAGES = ("en", "de", "sv")
_PER_CATEGORY = 150

_FRAMES = {
    "en": ("This {noun} is {a} and {b}.", "{a}, {b}: a {noun} to rely on.", "A {noun}. {a}; {b}."),
    "de": ("Dieses Stück ({noun}) ist: {a}, {b}.", "{a}, {b}: {noun} mit Verlass.", "{noun}. {a}; {b}."),
    "sv": ("Den här modellen ({noun}): {a}, {b}.", "{a}, {b}: {noun} att lita på.", "{noun}. {a}; {b}."),
}


@dataclass(frozen=True)
class Item:
    """A product: what it is, and what it says in one language, as adwright stores it."""

    id: str
    category: str
    attributes: dict[str, str]
    name: str
    content: dict[str, object]


def catalogue(language: str) -> list[Item]:
    """All products in one language; ids, names and attributes are the same in each."""
    at = LANGUAGES.index(language)
    random_ = random.Random(20)  # not for secrets: the same products each time
    names = [f"{series} {number}" for number in range(110, 990, 5) for series in SERIES]
    random_.shuffle(names)
    items: list[Item] = []
    for category, (noun, other, first, second, axes) in CATEGORIES.items():
        keys = axes.split()
        combinations = list(itertools.product(*(AXES[key] for key in keys)))
        # Small categories come round again: products that differ in nothing but their name.
        chosen = [combinations[i % len(combinations)] for i in range(_PER_CATEGORY)]
        if len(combinations) > _PER_CATEGORY:
            chosen = random_.sample(combinations, _PER_CATEGORY)
        for combination in chosen:
            attributes = dict(zip(keys, combination, strict=True))
            name = names[len(items)]
            phrases = [AXES[key][value].split("|")[at] for key, value in attributes.items()]
            random_.shuffle(phrases)
            called = random_.choice((noun, other)).split("|")[at]
            frame = random_.choice(_FRAMES[language]).format(noun=called, a=phrases[0], b=phrases[1])
            purpose = random_.choice((first, second)).split("|")[at]
            content: dict[str, object] = {
                "display_name": name,
                "category": noun.split("|")[at],
                "description": f"{frame} {purpose}",
                "features": phrases[2:],
                "price": {"units": str(random_.randrange(9, 900)), "currency_code": "EUR"},
            }
            items.append(Item(f"{category}-{len(items)}", category, attributes, name, content))
    return items


def grade(item: Item, wanted: Mapping[str, object]) -> int:
    """How well a product is what a brief's author meant: 3 in all respects, 2 in most, 1 the right thing, 0 not."""
    if "name" in wanted:
        return 3 if item.name == wanted["name"] else 0
    if item.category not in str(wanted.get("category", "")).split():
        return 0
    asked = [key for key in wanted if key != "category"]
    met = sum(item.attributes.get(key) in str(wanted[key]).split() for key in asked)
    if met == len(asked):
        return 3
    return 2 if met * 2 >= len(asked) else 1
