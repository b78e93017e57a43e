"""The numbers an ad may state, as text: for prompts, and for constraining what a model can write."""

from adwright_checks.model import Subject
from adwright_checks.quantities.index import FactIndex
from adwright_checks.quantities.numbers import convention_of
from adwright_checks.quantities.scan import scan

__all__ = ["allowed_numbers"]


def allowed_numbers(subject: Subject) -> tuple[str, ...]:
    """Literals that `subject`'s data states, its texts left out: as written, and in the subject's
    language.

    The numbers of names are among them, so that a model can write `Aurora Trail 2`.
    """
    index = FactIndex(subject.products, subject.brand, subject.brief)
    literals = dict(index.literals)
    for name in (name for product in subject.products for name in product.all_names):
        literals.update(dict.fromkeys(item.literal for item in scan(name) if item.literal))
    if convention_of(subject.effective_language) == ",":
        # Only what cannot be thousands: `1.9` is written `1,9`, `2.490` may be 2490 already.
        for literal in list(literals):
            whole, point, decimals = literal.partition(".")
            if point and decimals.isdigit() and len(decimals) != 3:
                literals[f"{whole},{decimals}"] = None
    return tuple(literals)
