"""Every number in an ad must stand in the data: what an ad says of a product can be looked up."""

from functools import lru_cache

from adwright_checks.model import Finding, Outcome, Subject
from adwright_checks.quantities import FactIndex, Mention, convention_of, scan

__all__ = ["Facts"]

_MOST_NAMED = 5
"""Numbers that one message names at most."""


class Facts:
    """Numbers, prices, units, percentages and dates stand in the product's data, the brief or the
    brand.

    A number counts as found when a quantity of the same dimension has exactly its value: `1900 g`
    for `1.9 kg`, `€249` for a price of 249 EUR. The same number with another unit fails. Nothing is
    rounded, and `20 %` of something does not prove `20 % off`. A number without a unit that we know
    is proven by a count, or by the price when no word follows that could be counted.

    Not looked at: which property a number belongs to (packed or pitched size), words such as half,
    twice or free, and number words except right before a unit (see `quantities.words`).
    """

    name = "facts"
    description = "Every number, price, unit and date stands in the product's data, the brief or the brand."
    required = True

    def __init__(self) -> None:
        self._index = lru_cache(maxsize=256)(FactIndex)

    def __call__(self, subject: Subject) -> list[Finding]:
        """One FAILED finding for each offending path, or one PASSED.

        NOT_APPLICABLE when the ad has no numbers, or when there is no product, brand or brief to
        hold it against.
        """
        if not (subject.products or subject.brand or subject.brief.strip()):
            return [
                self._whole(
                    Outcome.NOT_APPLICABLE,
                    "There is no product, brand or brief to hold numbers against.",
                )
            ]
        index = self._index(subject.products, subject.brand, subject.brief)
        language = subject.effective_language
        convention = convention_of(language)
        findings: list[Finding] = []
        stated = 0
        for text in subject.fields:
            mentions = scan(text.text, language=language, convention=convention, names=index.names)
            stated += len(mentions)
            wrong = [mention for mention in mentions if not index.supports(mention)]
            if wrong:
                message = f"{text.path}: {_say(wrong, index)}"
                score = 1 - len(wrong) / len(mentions)
                findings.append(Finding(self.name, text.path, Outcome.FAILED, score, message, self.required))
        if findings:
            return findings
        if not stated:
            return [self._whole(Outcome.NOT_APPLICABLE, "The ad states no numbers.")]
        return [self._whole(Outcome.PASSED, f"All {stated} numbers stand in the data.", 1.0)]

    def _whole(self, outcome: Outcome, message: str, score: float | None = None) -> Finding:
        return Finding(self.name, "", outcome, score, message, self.required)


def _say(wrong: list[Mention], index: FactIndex) -> str:
    said = []
    for mention in wrong[:_MOST_NAMED]:
        nearest = index.nearest(mention)
        known = f"which says “{nearest}”" if nearest else "which says nothing like it"
        taken_off = any(item.discount for reading in mention.readings for item in reading)
        kind = "the discount " if taken_off else ""
        said.append(f"{kind}“{mention.text}” is not in the data, {known}")
    if len(wrong) > _MOST_NAMED:
        said.append(f"and {len(wrong) - _MOST_NAMED} more")
    return "; ".join(said) + "."
