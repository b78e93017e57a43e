"""Numbers, prices, units and dates in ad texts, and what a product's data says of them."""

from adwright_checks.quantities.allowed import allowed_numbers
from adwright_checks.quantities.index import FactIndex
from adwright_checks.quantities.mention import Mention, Quantity
from adwright_checks.quantities.numbers import convention_of
from adwright_checks.quantities.scan import scan

__all__ = ["FactIndex", "Mention", "Quantity", "allowed_numbers", "convention_of", "scan"]
