"""What a text says of numbers."""

from dataclasses import dataclass
from fractions import Fraction

from adwright_checks.quantities.dates import Date

__all__ = ["BARE", "CURRENCY", "VERSION", "Mention", "Quantity"]

BARE = ""
"""Dimension of a number without a unit that we know."""
CURRENCY = "currency"
VERSION = "version"
"""Dimension of the 2.0 of `HDMI 2.0`, which two of something do not prove."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """One reading of a number: its value in the base unit of its dimension."""

    dimension: str
    value: Fraction
    face: Fraction
    """The value as it is written, in the unit that stands there."""
    codes: frozenset[str] = frozenset()
    """ISO 4217 codes an amount may be in; empty for `249,-`: any."""
    discount: bool = False
    """True when the text takes the amount off a price: `20 % off`."""
    counts: bool = False
    """True when a word follows that may be what is counted: `5 poles`."""


@dataclass(frozen=True, slots=True)
class Mention:
    """A place in a text that states a number."""

    text: str
    """As it stands, unit included: `1,9 kg`."""
    literal: str
    """The number alone: `1,9`; empty for number words and codes."""
    readings: tuple[tuple[Quantity, ...], ...] = ()
    """Ways to read it, the likeliest first; in each, all quantities are stated at once."""
    token: str = ""
    """Folded, when it may stand in the data as it is: `ip67`, `24/7`, `4k`."""
    dates: tuple[Date, ...] = ()
    """Days it may mean."""
