"""What is checked, what it is held against, and what is said of it. Plain data, free of protobuf."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Protocol

from adwright_checks.formats import Format

__all__ = [
    "AdText",
    "BrandRules",
    "Check",
    "Finding",
    "Outcome",
    "Price",
    "ProductFacts",
    "Spec",
    "Subject",
]


class Outcome(Enum):
    """How a check ended. A check that could not run is never a zero."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_APPLICABLE = "not_applicable"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class AdText:
    """One text of an ad, and where it stands: `headlines[0]`."""

    path: str
    text: str


@dataclass(frozen=True, slots=True)
class BrandRules:
    """What a brand asks of every ad."""

    display_name: str
    banned_terms: tuple[str, ...] = ()
    competitors: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    """BCP-47 tags; the first is the brand's default."""
    disclaimers: tuple[str, ...] = ()
    """Sentences the brand has cleared; numbers in them count as facts."""


@dataclass(frozen=True, slots=True)
class Spec:
    """One measured property: `weight`, `1.9 kg`."""

    label: str
    value: str


@dataclass(frozen=True, slots=True)
class Price:
    """An amount in units of an ISO 4217 currency."""

    currency: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class ProductFacts:
    """Everything an ad may state of a product."""

    display_name: str
    """The name in the language of the ad."""
    names: tuple[str, ...] = ()
    """The name in every language, `display_name` included or not."""
    texts: tuple[str, ...] = ()
    """Description, category, features and allowed claims, in the language the product was written
    in.
    """
    localized_texts: tuple[tuple[str, str], ...] = ()
    """Texts in other languages, each with its BCP-47 tag: (`sv`, `väger 1,9 kg`)."""
    specs: tuple[Spec, ...] = ()
    price: Price | None = None

    @property
    def all_names(self) -> tuple[str, ...]:
        """Every name the product goes by, without repetition."""
        return tuple(dict.fromkeys(name for name in (self.display_name, *self.names) if name))


@dataclass(frozen=True, slots=True)
class Subject:
    """An ad, and everything that it is held against."""

    fields: tuple[AdText, ...]
    format: Format
    language: str = ""
    """BCP-47 tag of the language the ad should be in; empty: the brand's default, if there is a
    brand.
    """
    brand: BrandRules | None = None
    products: tuple[ProductFacts, ...] = ()
    brief: str = ""
    """What the ad was asked to say: numbers in it count as facts."""

    @property
    def effective_language(self) -> str:
        """The language asked for, else the brand's default, else empty."""
        if self.language:
            return self.language
        return self.brand.languages[0] if self.brand and self.brand.languages else ""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check said of one text, or of the whole ad when `path` is empty."""

    check: str
    path: str
    outcome: Outcome
    score: float | None = None
    """0 (worst) to 1 (best); None unless the outcome is passed or failed."""
    message: str = ""
    """One sentence a person can act on."""
    required: bool = False
    """True when a failure makes the ad invalid."""


class Check(Protocol):
    """Something that looks at an ad and says what it found. It holds no state that one ad leaves to
    the next.
    """

    @property
    def name(self) -> str:
        """Lower-case identifier: `limits`."""
        ...

    @property
    def description(self) -> str:
        """What it looks at, in one sentence."""
        ...

    @property
    def required(self) -> bool:
        """True when a failure makes an ad invalid."""
        ...

    def __call__(self, subject: Subject) -> Sequence[Finding]:
        """At least one finding. May raise: `run_checks` turns that into one ERROR finding."""
        ...
