"""The token budget of a prompt: what goes in, and what is left out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from adwright_servicekit.errors import InvalidInput

from .kinds import Content, Resource
from .ranking import Ranked, exemplar_texts, product_texts
from .tokens import estimate_all

__all__ = ["Budget"]


class Budget:
    """Fills a prompt in the order of what it can least do without.

    Brand, first product, the other named products, the best exemplar, then the remaining products
    and exemplars; what does not fit is passed over for something smaller that does.
    """

    def __init__(self, limit: int, brand: Resource, named: int) -> None:
        """`named` products come first in `fill`. Raises InvalidInput below what the brand takes."""
        self._limit = limit
        self._named = named
        self.products: list[Ranked] = []
        self.exemplars: list[Ranked] = []
        self.omitted: list[str] = []
        self.spent = estimate_all(_brand_texts(brand.content))
        if self.spent > limit:
            raise _too_small(f"{brand.name}'s own facts take", self.spent, limit)

    def fill(self, products: Sequence[Ranked], exemplars: Sequence[Ranked]) -> None:
        """Takes what fits and notes what does not."""
        first = products[: max(1, self._named)]
        for index, product in enumerate(first):
            cost = _product_cost(product)
            if index == 0 and self.spent + cost > self._limit:
                what = f"the brand's facts and {product.resource.name} take"
                raise _too_small(what, self.spent + cost, self._limit)
            self._take(product, cost, self.products)
        for exemplar in exemplars[:1]:
            self._take(exemplar, _exemplar_cost(exemplar), self.exemplars)
        for product in products[len(first) :]:
            self._take(product, _product_cost(product), self.products)
        for exemplar in exemplars[1:]:
            self._take(exemplar, _exemplar_cost(exemplar), self.exemplars)

    def _take(self, ranked: Ranked, cost: int, into: list[Ranked]) -> None:
        if self.spent + cost > self._limit:
            self.omitted.append(str(ranked.resource.name))
        else:
            self.spent += cost
            into.append(ranked)


def _brand_texts(content: Content) -> Iterator[str]:
    for field in ("display_name", "voice"):
        yield content.get(field, "")
    yield from content.get("style_guide", "").splitlines()
    for field in ("audiences", "required_disclaimers"):
        yield from content.get(field, ())
    # Short, and written one after the other rather than each on a line.
    for field in ("banned_terms", "competitors"):
        yield ", ".join(content.get(field, ()))


def _product_cost(ranked: Ranked) -> int:
    return estimate_all(product_texts(ranked.resource.content))


def _exemplar_cost(ranked: Ranked) -> int:
    return estimate_all(exemplar_texts(ranked.resource.content))


def _too_small(what: str, needed: int, limit: int) -> InvalidInput:
    return InvalidInput.of(
        "token_budget",
        f"{what} about {needed} tokens and the budget is {limit}: allow at least {needed}",
        reason="TOKEN_BUDGET_TOO_SMALL",
    )
