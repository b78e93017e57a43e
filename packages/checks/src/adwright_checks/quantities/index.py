"""Everything a product, its brand and the brief say in numbers, made ready for looking up."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from adwright_checks.model import BrandRules, Price, ProductFacts, Spec
from adwright_checks.quantities.dates import Date
from adwright_checks.quantities.mention import BARE, CURRENCY, VERSION, Mention, Quantity
from adwright_checks.quantities.names import names_pattern
from adwright_checks.quantities.numbers import convention_of, convention_seen
from adwright_checks.quantities.scan import scan
from adwright_checks.quantities.units import COUNT, Unit, lookup_unit

__all__ = ["FactIndex"]

_LABEL_UNIT = re.compile(r"[(\[,]\s*([^\W\d_]+2?|%)\s*[)\]]?\s*$|\s(?:in|i|en)\s([^\W\d_]+2?)$")
_LABEL_WORD = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class _Entry:
    quantity: Quantity
    text: str
    """What the data says, for people: `weight: 1.9 kg`."""
    asked: bool
    """True when the brief says it: there `20 %` may be a discount without being called one."""


class FactIndex:
    """The numbers that an ad may state. Built once for a set of products, a brand and a brief; then
    only read.
    """

    def __init__(self, products: Iterable[ProductFacts], brand: BrandRules | None, brief: str) -> None:
        self._entries: dict[tuple[str, Fraction], list[_Entry]] = {}
        self._all: dict[str, list[_Entry]] = {}
        self._tokens: set[str] = set()
        self._dates: list[Date] = []
        self.literals: dict[str, None] = {}
        """Numbers as the data writes them, in order."""
        products = tuple(products)
        called = [name for product in products for name in product.all_names]
        called += [brand.display_name] if brand else []
        self.names = names_pattern(called)
        """What names the products and the brand, and states no numbers."""
        for name in called:
            self._add_name(name)
        for product in products:
            self._add_product(product)
        for text in brand.disclaimers if brand else ():
            self._add(text, "", convention=convention_seen([text]))
        self._add(brief, "the brief", convention=convention_seen([brief]), asked=True)

    def __bool__(self) -> bool:
        return bool(self._all or self._tokens or self._dates)

    def supports(self, mention: Mention) -> bool:
        """True when at least one reading of `mention` stands in the data."""
        if mention.token and mention.token in self._tokens:
            return True
        if any(date.agrees(known) for date in mention.dates for known in self._dates):
            return True
        return any(all(map(self._supports, reading)) for reading in mention.readings)

    def _supports(self, quantity: Quantity) -> bool:
        if quantity.dimension == BARE:
            return any(True for _ in self._countable(quantity))
        entries = self._entries.get((quantity.dimension, quantity.value), [])
        if quantity.dimension.startswith(CURRENCY):
            entries = [item for item in entries if _same_currency(item.quantity, quantity)]
        if quantity.discount:
            entries = [item for item in entries if item.quantity.discount or item.asked]
        if quantity.dimension.startswith(COUNT) and quantity.dimension not in self._all:
            # `2 hikers` in the data, `2 persons` in the ad: of things we cannot name, the number decides.
            entries = self._entries.get((BARE, quantity.value), [])
        return bool(entries)

    def _countable(self, quantity: Quantity) -> Iterable[_Entry]:
        """Entries that prove a number whose unit is not known: counts, and amounts when nothing is
        counted.
        """
        for dimension in self._all:
            if dimension == BARE or dimension.startswith(COUNT):
                yield from self._entries.get((dimension, quantity.value), [])
        if not quantity.counts:
            yield from self._entries.get((CURRENCY, quantity.value), [])

    def nearest(self, mention: Mention) -> str:
        """What the data says that comes nearest to `mention`, for people; empty when nothing does."""
        if not mention.readings:
            return ""
        wanted = mention.readings[0][-1]
        # A number without a unit is near to nothing but itself: 1998 is not nearly 42.
        alike = self._all.get(wanted.dimension, []) if wanted.dimension != BARE else []
        if not alike:
            alike = [item for entries in self._all.values() for item in entries if item.quantity.face == wanted.face]
        return min(alike, key=lambda item: abs(item.quantity.value - wanted.value)).text if alike else ""

    def _add_product(self, product: ProductFacts) -> None:
        texts = [*product.texts, *(spec.value for spec in product.specs)]
        # A product's own texts have no language tag, but `1.9 kg` in one tells how to read `2,490
        # mm` in another.
        convention = convention_seen(texts)
        for spec in product.specs:
            self._add_spec(spec, convention)
        if product.price is not None:
            self._add_price(product.price)
        for text in product.texts:
            self._add(text, "", convention=convention)
        for tag, text in product.localized_texts:
            self._add(text, "", language=tag, convention=convention_of(tag))

    def _add_name(self, name: str) -> None:
        """`Trail 2 kg` in a name is a fact, the 2 of `Aurora Trail 2` is not."""
        for mention in scan(name):
            if mention.token:
                self._tokens.add(mention.token)
            for reading in mention.readings:
                for quantity in reading:
                    if quantity.dimension != BARE:
                        self._enter(quantity, name, asked=False)

    def _add_spec(self, spec: Spec, convention: str | None) -> None:
        shown = f"{spec.label}: {spec.value}"
        for mention in scan(spec.value, convention=convention, names=self.names):
            self._enter_mention(mention, shown)
            bare = [item for reading in mention.readings for item in reading if item.dimension in (BARE, VERSION)]
            for quantity in bare if not any(item.counts for item in bare) else ():
                for unit in _units_of_label(spec.label):
                    measured = Quantity(unit.dimension, unit.base(quantity.face), quantity.face)
                    self._enter(measured, shown, asked=False)
        self._add(spec.label, "", convention=convention)

    def _add_price(self, price: Price) -> None:
        amount = Fraction(price.amount)
        shown = f"price: {price.amount.normalize():f} {price.currency}"
        self._enter(Quantity(CURRENCY, amount, amount, frozenset({price.currency})), shown, asked=False)
        self.literals[f"{price.amount.normalize():f}"] = None

    def _add(
        self,
        text: str,
        source: str,
        *,
        convention: str | None,
        language: str = "",
        asked: bool = False,
    ) -> None:
        for mention in scan(text, language=language, convention=convention, names=self.names):
            self._enter_mention(mention, f"{source}: {mention.text}" if source else mention.text, asked=asked)

    def _enter_mention(self, mention: Mention, shown: str, *, asked: bool = False) -> None:
        if mention.token:
            self._tokens.add(mention.token)
        if mention.literal:
            self.literals[mention.literal] = None
        quantities = [quantity for reading in mention.readings for quantity in reading]
        if all(quantity.dimension == BARE for quantity in quantities):
            self._dates += mention.dates
        for date in mention.dates if not quantities else ():
            year = Fraction(date.year)
            self._enter(Quantity(BARE, year, year), shown, asked=asked)
        for quantity in quantities:
            self._enter(quantity, shown, asked=asked)

    def _enter(self, quantity: Quantity, shown: str, *, asked: bool) -> None:
        entry = _Entry(quantity, shown, asked)
        self._entries.setdefault((quantity.dimension, quantity.value), []).append(entry)
        self._all.setdefault(quantity.dimension, []).append(entry)


def _same_currency(known: Quantity, stated: Quantity) -> bool:
    """`$` in the ad is any dollar of the data, and `249,-` any currency; an unnamed currency in the
    data is any too.
    """
    return not known.codes or not stated.codes or bool(known.codes & stated.codes)


def _units_of_label(label: str) -> list[Unit]:
    """Units that a label gives a bare value: `weight (kg)`, `height in cm`, `persons`."""
    match = _LABEL_UNIT.search(label)
    if match:
        return lookup_unit(match.group(1) or match.group(2), None)
    units = [unit for word in _LABEL_WORD.findall(label) for unit in lookup_unit(word, None)]
    return [unit for unit in units if unit.dimension.startswith(COUNT)]
