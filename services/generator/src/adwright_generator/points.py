"""What each text of an ad is about, for prompts that ask for one text a call."""

import re
from dataclasses import dataclass

from .job import Job, ProductSheet

__all__ = ["Point", "points_for"]

_INDEX = re.compile(r"\[(\d+)\]")


@dataclass(frozen=True, slots=True)
class Point:
    """A product, and what to say of it."""

    product: str
    """`Aurora Trail 2, tent`."""
    fact: str


def points_for(job: Job, path: str, *, long: bool, attempt: int) -> Point:
    """A different fact for every text; a second attempt at a text gets one that no other text had.

    Products take turns. What the brief says comes first; then features, claims and the price. A `long` text gets two
    facts.
    """
    match = _INDEX.search(path)
    field = job.format.field_for(path)
    turn, count = int(match[1]) if match else 0, job.counts[field.id] if field else 1
    if not job.sheets:
        return Point(job.brand.display_name, job.brief)
    sheet = job.sheets[turn % len(job.sheets)]
    facts = _facts(job, sheet)
    size = min(2 if long else 1, len(facts))
    groups = [facts[start : start + size] for start in range(0, len(facts) - size + 1, size)]
    place, used = turn // len(job.sheets), -(-count // len(job.sheets))
    if attempt and len(groups) > used:
        place = used + (place + attempt - 1) % (len(groups) - used)
    kind = f", {sheet.category}" if sheet.category else ""
    return Point(f"{sheet.display_name}{kind}", "; ".join(groups[place % len(groups)]))


def _facts(job: Job, sheet: ProductSheet) -> list[str]:
    # Specs are for products without features: small models take `head, flysheet: 3000 mm` for a weight.
    price = f"Costs {sheet.price}" if sheet.price and job.language.startswith("en") else sheet.price
    facts = [job.brief.strip(), *(sheet.features or sheet.specs), *sheet.allowed_claims, price]
    return list(dict.fromkeys(fact for fact in facts if fact)) or [sheet.description or sheet.display_name]
