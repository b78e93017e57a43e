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
    """A different fact for every text, and two for a `long` one.

    Products take turns. What the brief says comes first; then features, claims and the price. A second attempt at a
    long text gets one of its two facts alone, which is easier to write; at a short one a fact that no other text has,
    where there is one left.
    """
    match = _INDEX.search(path)
    field = job.format.field_for(path)
    turn, count = int(match[1]) if match else 0, job.counts[field.id] if field else 1
    if not job.sheets:
        return Point(job.brand.display_name, job.brief)
    sheet = job.sheets[turn % len(job.sheets)]
    place, taken = turn // len(job.sheets), -(-count // len(job.sheets))
    facts = _facts(job, sheet, long=long)
    if long:
        chosen = [facts[(2 * place + offset) % len(facts)] for offset in (0, 1)]
        fact = "; ".join(dict.fromkeys(chosen)) if not attempt else chosen[(attempt - 1) % 2]
    else:
        spare = taken + place + attempt - 1
        fact = facts[spare] if attempt and spare < len(facts) else facts[place % len(facts)]
    kind = f", {sheet.category}" if sheet.category else ""
    return Point(f"{sheet.display_name}{kind}", fact)


def _facts(job: Job, sheet: ProductSheet, *, long: bool) -> list[str]:
    # Specs are for products without features: small models take `head, flysheet: 3000 mm` for a weight.
    facts = [job.brief.strip(), *(sheet.features or sheet.specs), *sheet.allowed_claims]
    if long or not any(facts):
        # By itself a price becomes a weight as often as not: it goes with another fact.
        facts.append(sheet.price)
    return list(dict.fromkeys(fact for fact in facts if fact)) or [sheet.description or sheet.display_name]
