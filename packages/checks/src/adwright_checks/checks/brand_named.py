"""Somebody should be able to tell whose ad it is."""

import re
from functools import lru_cache

from adwright_checks.model import Finding, Outcome, Subject
from adwright_checks.normalise import fold, phrase_pattern

__all__ = ["BrandNamed"]


class BrandNamed:
    """The brand, or one of the products, is named in at least one text."""

    name = "brand_named"
    description = "The brand or a product is named somewhere in the ad."
    required = False

    def __init__(self) -> None:
        self._pattern = lru_cache(maxsize=256)(_compile)

    def __call__(self, subject: Subject) -> list[Finding]:
        """One finding about the whole ad; NOT_APPLICABLE when there is neither brand nor product."""
        names = [subject.brand.display_name] if subject.brand else []
        names += [name for product in subject.products for name in product.all_names]
        if not any(map(fold, names)):
            message = "There is no brand and no product to name."
            return [Finding(self.name, "", Outcome.NOT_APPLICABLE, None, message, self.required)]
        pattern = self._pattern(tuple(names))
        for text in subject.fields:
            if pattern.search(fold(text.text)):
                message = f"{text.path} names the brand or a product."
                return [Finding(self.name, "", Outcome.PASSED, 1.0, message, self.required)]
        message = f"No text names {' or '.join(dict.fromkeys(names))}."
        return [Finding(self.name, "", Outcome.FAILED, 0.0, message, self.required)]


def _compile(names: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(phrase_pattern(name) for name in names))
