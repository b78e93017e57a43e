"""What one generation is asked to do, as plain data."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from adwright_checks import BrandRules, Format, ProductFacts, Subject
from adwright_checks.model import AdText

from .policy.waiting import Priority

__all__ = ["Example", "Job", "ProductSheet"]


@dataclass(frozen=True, slots=True)
class ProductSheet:
    """A product as prompts show it, in the language of the ad."""

    display_name: str
    description: str = ""
    category: str = ""
    features: tuple[str, ...] = ()
    specs: tuple[str, ...] = ()
    """`weight: 1.9 kg`, one a spec."""
    price: str = ""
    """`349.00 EUR`; empty when there is none."""
    allowed_claims: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Example:
    """An approved ad that shows the model what is wanted."""

    texts: Mapping[str, str]
    """By path: `headlines[0]`."""
    same_format: bool
    language: str
    brief: str = ""
    product: ProductSheet | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """One generation."""

    generation: str
    """Resource name."""
    format: Format
    counts: Mapping[str, int]
    """How many texts each field gets."""
    language: str
    """BCP-47 tag."""
    brand: BrandRules
    context_revision: str = ""
    voice: str = ""
    style_guide: str = ""
    product_names: tuple[str, ...] = ()
    """Resource names, in the order of `products` and `sheets`."""
    products: tuple[ProductFacts, ...] = ()
    sheets: tuple[ProductSheet, ...] = ()
    examples: tuple[Example, ...] = ()
    brief: str = ""
    audience: str = ""
    tone: str = ""
    variant_count: int = 1
    prompt_version: str = ""
    backend: str = ""
    """Name of the one backend to use; empty: the policy chooses."""
    residencies: frozenset[str] = field(default_factory=frozenset)
    """Where the brand's data may be processed; empty: anywhere."""
    seed: int | None = None
    max_repairs: int = 2
    adapter: str = ""
    """LoRA adapter to write with; empty: the model as it is."""
    tenant: str = ""
    """For whom it is: tenants share the waiting evenly."""
    priority: Priority = Priority.INTERACTIVE
    deadline: float | None = None
    """When the caller has given up, on the clock of `time.monotonic`."""

    @property
    def paths(self) -> list[str]:
        """Paths of all texts, in writing order."""
        return self.format.paths(self.counts)

    def subject(self, texts: Mapping[str, str]) -> Subject:
        """What the checks look at."""
        return Subject(
            fields=tuple(AdText(path, texts[path]) for path in self.paths if path in texts),
            format=self.format,
            language=self.language,
            brand=self.brand,
            products=self.products,
            brief=self.brief,
        )
