"""Everything a prompt needs for one ad: what is in memory of the brand, a ranking, a token budget."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from adwright_resources.store_errors import translated
from adwright_servicekit.errors import InvalidInput

from . import languages
from .budget import Budget
from .catalog import Catalog
from .kinds import BRAND, PRODUCT, Name, Resource
from .ranking import Ranked, rank_exemplars
from .shelf import Shelf
from .shelves import Shelves

__all__ = ["AssembleRequest", "Assembler", "PromptContext"]

DEFAULT_BUDGET: Final = 1200
_MAX_EXEMPLARS: Final = 10
_MAX_PRODUCTS: Final = 3
_SHARE_OF_BEST: Final = 0.5
"""A product that answers the brief less than half as well as the best does not belong into the ad."""


@dataclass(frozen=True, slots=True)
class AssembleRequest:
    """What an ad is to be about; `language` empty: the brand's default, `token_budget` 0: 1200."""

    brand: Name
    products: Sequence[Name]
    ad_format: str
    language: str = ""
    brief: str = ""
    token_budget: int = 0


@dataclass(frozen=True, slots=True)
class PromptContext:
    """What the prompt needs, and what did not fit into the budget."""

    brand: Resource
    products: Sequence[Ranked]
    exemplars: Sequence[Ranked]
    language: str
    revision: str
    token_estimate: int
    omitted: Sequence[str]


class Assembler:
    """Answers AssembleContext."""

    def __init__(self, catalog: Catalog, shelves: Shelves) -> None:
        self._catalog = catalog
        self._shelves = shelves

    async def assemble(self, tenant: str, request: AssembleRequest) -> PromptContext:
        """The same request gets the same answer as long as the revision is the same.

        Raises NotFound (BRAND_NOT_FOUND, PRODUCT_NOT_FOUND), Unavailable (INDEX_BUILDING), InvalidInput
        (PRODUCT_OF_ANOTHER_BRAND, BRIEF_REQUIRED, LANGUAGE_NOT_OFFERED, TOKEN_BUDGET_TOO_SMALL).
        """
        _check(request)
        with translated():
            shelf = await self._shelves.fresh(tenant, request.brand.id)
        found = await self._resources(tenant, (request.brand, *request.products))
        brand = found[request.brand]
        asked, matched = _choose_language(brand, request.language)
        by = "names"
        if request.products:
            products = [Ranked(found[name], 1.0, "named in the request") for name in request.products]
        else:
            products, by = await self._search(tenant, shelf, brand, request.brief, (asked, matched))
        ranked = rank_exemplars(
            shelf.exemplars.values(),
            ad_format=request.ad_format,
            languages=(asked, matched),
            products=[str(p.resource.name) for p in products],
            likeness=lambda names: shelf.likeness(request.brief, names),
        )
        products = [_in_language(product, matched) for product in products]
        budget = Budget(request.token_budget or DEFAULT_BUDGET, brand, len(request.products))
        budget.fill(products, ranked[:_MAX_EXEMPLARS])
        return PromptContext(
            brand=brand,
            products=budget.products,
            exemplars=budget.exemplars,
            language=asked,
            revision=_revision(by, brand, budget.products, budget.exemplars),
            token_estimate=budget.spent,
            omitted=budget.omitted,
        )

    async def _resources(self, tenant: str, names: Sequence[Name]) -> dict[Name, Resource]:
        with translated():
            found = await self._shelves.resources.get(tenant, names)
        for name in names:
            if name not in found:
                if name.kind is BRAND:
                    self._shelves.drop(tenant, name.id)
                raise await self._catalog.not_found(tenant, name)
        return found

    async def _search(
        self, tenant: str, shelf: Shelf, brand: Resource, brief: str, tags: Sequence[str]
    ) -> tuple[list[Ranked], str]:
        with translated():
            index = await self._shelves.with_index(shelf, brand.name, brand.content["languages"][0])
            by = index.state
            hits = await index.search(brief, (*tags, *brand.content["languages"]), _MAX_PRODUCTS)
            names = [Name(PRODUCT, brand.name.brand_id, hit.id) for hit in hits]
            found = await self._shelves.resources.get(tenant, names)
        best = hits[0].score if hits else 0.0
        return [
            Ranked(found[name], hit.score, hit.reason)
            for name, hit in zip(names, hits, strict=True)
            # One may have been deleted since the index heard of it last.
            if name in found and hit.score >= best * _SHARE_OF_BEST
        ], by


def _check(request: AssembleRequest) -> None:
    for index, product in enumerate(request.products):
        if product.brand_id != request.brand.id:
            raise InvalidInput.of(
                f"products[{index}]",
                f"{product} is no product of {request.brand}: ask for one brand at a time",
                reason="PRODUCT_OF_ANOTHER_BRAND",
            )
    if not request.products and not request.brief.strip():
        raise InvalidInput.of(
            "brief",
            "is empty and no product is named: say what the ad is about, or name a product",
            reason="BRIEF_REQUIRED",
        )


def _choose_language(brand: Resource, asked: str) -> tuple[str, str]:
    """The language to write in, and the brand's own tag that it goes by."""
    offered: list[str] = brand.content["languages"]
    if not asked:
        return offered[0], offered[0]
    matched = languages.best_match(asked, offered)
    if matched is None:
        there = ", ".join(offered)
        raise InvalidInput(
            f"language: {brand.name} does not advertise in {asked!r}: ask for one of {there}, "
            "or add it to the brand's languages",
            reason="LANGUAGE_NOT_OFFERED",
            metadata={"language": asked, "offered": there},
        )
    # Of the two the one that says more: `en` is written as the brand's `en-GB`, `de-AT` as asked.
    return max(matched, asked, key=len), matched


def _in_language(ranked: Ranked, tag: str) -> Ranked:
    """The product without the texts of other languages: they would only cost the prompt."""
    content = ranked.resource.content
    kept = {key: text for key, text in content.get("localizations", {}).items() if languages.same_language(key, tag)}
    slim = {key: value for key, value in content.items() if key != "localizations"}
    if kept:
        slim["localizations"] = kept
    return replace(ranked, resource=replace(ranked.resource, content=slim))


def _revision(by: str, brand: Resource, products: Sequence[Ranked], exemplars: Sequence[Ranked]) -> str:
    chosen = (brand, *(ranked.resource for ranked in (*products, *exemplars)))
    lines = "".join(f"{resource.name} {resource.etag}\n" for resource in chosen)
    # Also by what was chosen: words alone find others than words and meaning.
    return hashlib.sha256(f"{by}\n{lines}".encode()).hexdigest()[:16]
