"""Everything a prompt needs for one ad: a bounded number of reads, a ranking, a token budget."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from adwright_docstore import Key
from adwright_servicekit.errors import InvalidInput

from . import languages, layout
from .budget import Budget
from .catalog import Catalog
from .kinds import EXEMPLAR, PRODUCT, Kind, Name, Resource
from .ranking import Ranked, rank_exemplars, rank_products
from .store_errors import translated

__all__ = ["AssembleRequest", "Assembler", "PromptContext"]

_log = logging.getLogger(__name__)

DEFAULT_BUDGET: Final = 1200
_MAX_EXEMPLARS: Final = 10
_RANKED_IN_PLACE: Final = 100
_PAGE: Final = 1000
_MAX_PAGES: Final = 4
"""So many pages (1000 items, 1 MB) of a kind are ranked; named products are always found."""


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

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    async def assemble(self, tenant: str, request: AssembleRequest) -> PromptContext:
        """The same request gets the same answer as long as nothing is written.

        Raises NotFound (BRAND_NOT_FOUND, PRODUCT_NOT_FOUND), InvalidInput
        (PRODUCT_OF_ANOTHER_BRAND, BRIEF_REQUIRED, LANGUAGE_NOT_OFFERED, TOKEN_BUDGET_TOO_SMALL).
        """
        _check(request)
        brand, named, rankable, exemplars = await self._read(tenant, request)
        asked, matched = _choose_language(brand, request.language)
        arguments = (request, named, rankable, exemplars, (asked, matched))
        if len(rankable) + len(exemplars) <= _RANKED_IN_PLACE:
            products, ranked = _rank(*arguments)
        else:
            # A large catalogue takes a tenth of a second: other calls go on meanwhile.
            products, ranked = await asyncio.to_thread(_rank, *arguments)
        products = [_in_language(product, matched) for product in products]
        budget = Budget(request.token_budget or DEFAULT_BUDGET, brand, len(request.products))
        budget.fill(products, ranked[:_MAX_EXEMPLARS])
        return PromptContext(
            brand=brand,
            products=budget.products,
            exemplars=budget.exemplars,
            language=asked,
            revision=_revision(brand, budget.products, budget.exemplars),
            token_estimate=budget.spent,
            omitted=budget.omitted,
        )

    async def _read(
        self, tenant: str, request: AssembleRequest
    ) -> tuple[Resource, list[Resource], list[Resource], list[Resource]]:
        catalog, wanted = self._catalog, (request.brand, *request.products)
        keys: list[Key] = [layout.key_of(tenant, name) for name in wanted]
        with translated():
            items, exemplars, products = await asyncio.gather(
                # The brand carries its data policy: what it forbids now must not be allowed.
                catalog.store.get_many(keys, consistent=True),
                self._range(tenant, EXEMPLAR, request.brand.id),
                self._range(tenant, PRODUCT, "" if request.products else request.brand.id),
            )
        for name, key in zip(wanted, keys, strict=True):
            if key not in items:
                raise await catalog.not_found(tenant, name)
        brand, *named = (
            layout.unpack(name.kind, name.brand_id, items[key]) for name, key in zip(wanted, keys, strict=True)
        )
        return brand, named, products, exemplars

    async def _range(self, tenant: str, kind: Kind, brand_id: str) -> list[Resource]:
        found: list[Resource] = []
        token: str | None = None
        for _ in range(_MAX_PAGES if brand_id else 0):
            page = await self._catalog.store.query(
                layout.partition(tenant, kind, brand_id),
                sk=layout.sk_range(kind),
                limit=_PAGE,
                page_token=token,
            )
            found.extend(layout.unpack(kind, brand_id, item) for item in page.items)
            token = page.next_page_token
            if token is None:
                return found
        if token is not None:
            _log.warning("only the first %d %s of brands/%s are ranked", len(found), kind.plural, brand_id)
        return found


def _rank(
    request: AssembleRequest,
    named: Sequence[Resource],
    rankable: Sequence[Resource],
    exemplars: Sequence[Resource],
    tags: Sequence[str],
) -> tuple[list[Ranked], list[Ranked]]:
    if request.products:
        products = [Ranked(product, 1.0, "named in the request") for product in named]
    else:
        products = rank_products(rankable, request.brief)
    return products, rank_exemplars(
        exemplars,
        ad_format=request.ad_format,
        languages=tags,
        products=[str(p.resource.name) for p in products],
        brief=request.brief,
    )


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


def _revision(brand: Resource, products: Sequence[Ranked], exemplars: Sequence[Ranked]) -> str:
    chosen = (brand, *(ranked.resource for ranked in (*products, *exemplars)))
    lines = "".join(f"{resource.name} {resource.etag}\n" for resource in chosen)
    return hashlib.sha256(lines.encode()).hexdigest()[:16]
