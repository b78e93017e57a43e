"""Words that the brand does not want to see, and competitors."""

import re
from functools import lru_cache

from adwright_checks.model import BrandRules, Finding, Outcome, Subject
from adwright_checks.normalise import fold, phrase_pattern

__all__ = ["BannedTerms"]


class BannedTerms:
    """No banned term and no competitor, as whole words or phrases.

    Case, width and other compatibility forms, and invisible characters make no difference.
    Inflected forms are not attempted: list them. In scripts without spaces a term is found
    anywhere.
    """

    name = "banned_terms"
    description = "No text contains a banned term or names a competitor."
    required = True

    def __init__(self) -> None:
        # A pattern of a thousand terms takes milliseconds to compile; brands are few and come
        # again.
        self._pattern = lru_cache(maxsize=64)(_compile)

    def __call__(self, subject: Subject) -> list[Finding]:
        """One FAILED finding for each offending path, or one PASSED; NOT_APPLICABLE without terms."""
        pattern = self._pattern(subject.brand) if subject.brand else None
        if pattern is None or subject.brand is None:
            return [self._finding("", Outcome.NOT_APPLICABLE, "The brand bans no terms.")]
        competitors = {fold(name) for name in subject.brand.competitors}
        findings = []
        for text in subject.fields:
            found = dict.fromkeys(fold(match) for match in pattern.findall(fold(text.text)))
            if found:
                said = "; ".join(
                    f"names the competitor “{term}”" if term in competitors else f"contains the banned “{term}”"
                    for term in found
                )
                findings.append(self._finding(text.path, Outcome.FAILED, f"{text.path} {said}."))
        return findings or [self._finding("", Outcome.PASSED, "No banned term and no competitor.")]

    def _finding(self, path: str, outcome: Outcome, message: str) -> Finding:
        score = {Outcome.PASSED: 1.0, Outcome.FAILED: 0.0}.get(outcome)
        return Finding(self.name, path, outcome, score, message, self.required)


def _compile(brand: BrandRules) -> re.Pattern[str] | None:
    terms = {folded: term for term in (*brand.banned_terms, *brand.competitors) if (folded := fold(term))}
    if not terms:
        return None
    # Longest first, so that the message names the whole phrase.
    return re.compile("|".join(phrase_pattern(term) for term in sorted(terms, key=len, reverse=True)))
