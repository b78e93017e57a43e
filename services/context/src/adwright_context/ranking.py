"""Which exemplars matter for one ad, the best first; equal ones by name."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from .kinds import Content, Name, Resource
from .languages import same_language

__all__ = ["Ranked", "exemplar_texts", "own_texts", "product_texts", "rank_exemplars"]

_UNRATED: Final = 3
"""What an exemplar without a rating counts as: people approved it, and said no more."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """A resource, how well it fits (0 to 1), and why, in a few words."""

    resource: Resource
    score: float
    reason: str


def product_texts(content: Content) -> Iterator[str]:
    """Everything that a product says, one text after the other."""
    yield from own_texts(content)
    for local in content.get("localizations", {}).values():
        yield local.get("display_name", "")
        yield local.get("description", "")
        yield from local.get("features", ())


def own_texts(content: Content) -> Iterator[str]:
    """What a product says in the language of its brand."""
    yield content.get("display_name", "")
    yield content.get("description", "")
    yield content.get("category", "")
    yield from content.get("features", ())
    for spec in content.get("specs", ()):
        yield f"{spec.get('label', '')}: {spec.get('value', '')}"
    if price := content.get("price"):
        yield f"{price.get('units', '0')} {price.get('currency_code', '')}"
    yield from content.get("allowed_claims", ())


def exemplar_texts(content: Content) -> Iterator[str]:
    """An exemplar's brief and its texts."""
    yield content.get("brief", "")
    for field in content.get("fields", ()):
        yield field.get("text", "")


def rank_exemplars(
    exemplars: Collection[Resource],
    *,
    ad_format: str,
    languages: Sequence[str],
    products: Sequence[str],
    likeness: Callable[[Sequence[Name]], Mapping[Name, float]],
) -> list[Ranked]:
    """Exemplars of the same format or language; one that shares neither teaches the wrong thing.

    Their order is lexicographic: format and language, then language alone, then format alone;
    within each the same product first, then the rating, then likeness to the brief. The score is
    ``(tier + 0.5·product + 0.42·rating/5 + 0.08·likeness) / 4`` with tier 3, 2, 1: the weights
    are such that no lower criterion outweighs a higher one (a step of the rating weighs 0.084).
    `likeness` says for names how near their texts are to the brief, 0 to 1; what it leaves out is 0.
    """
    alike = likeness([exemplar.name for exemplar in exemplars])
    ranked = []
    for exemplar in exemplars:
        content = exemplar.content
        same_format = content["format"] == ad_format
        same_tongue = any(same_language(content["language"], tag) for tag in languages)
        tier = 2 * same_tongue + same_format
        if not tier:
            continue
        same_product = content.get("product") in products
        rating = int(content.get("rating", 0))
        within = 0.5 * same_product + 0.42 * (rating or _UNRATED) / 5 + 0.08 * alike.get(exemplar.name, 0.0)
        reasons = (
            "same format" * same_format,
            "same language" * same_tongue,
            "same product" * same_product,
            f"rated {rating}" if rating else "",
        )
        ranked.append(Ranked(exemplar, (tier + within) / 4, ", ".join(filter(None, reasons))))
    return sorted(ranked, key=lambda r: (-r.score, str(r.resource.name)))
