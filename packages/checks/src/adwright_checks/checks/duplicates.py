"""The same text twice in one list."""

import re
from itertools import combinations

from rapidfuzz import fuzz

from adwright_checks.model import AdText, Finding, Outcome, Subject
from adwright_checks.normalise import fold

__all__ = ["Duplicates"]

_NEAR = 80.0
"""Similarity (rapidfuzz ratio, 0 to 100) from which two texts say the same to a reader."""
_NOT_A_WORD = re.compile(r"[\W_]+")


class Duplicates:
    """No two texts of one field are equal; near-equal ones lower the score.

    Case, punctuation, width and spaces make no difference, since platforms reject such pairs as
    duplicates too.
    """

    name = "duplicates"
    description = "No text stands twice in the same list; similar ones lower the score."
    required = True

    def __call__(self, subject: Subject) -> list[Finding]:
        """One FAILED finding for each path that repeats an earlier one, or one PASSED with a score."""
        lists: dict[str, list[tuple[AdText, str]]] = {}
        for text in subject.fields:
            field = subject.format.field_for(text.path)
            # A text without letters and digits is compared as it stands: "!!" is not "??".
            if field is not None and field.repeated and text.text.strip():
                folded = fold(text.text)
                lists.setdefault(field.id, []).append((text, _NOT_A_WORD.sub(" ", folded).strip() or folded))
        if not any(len(texts) > 1 for texts in lists.values()):
            message = "No list of the format has two texts."
            return [Finding(self.name, "", Outcome.NOT_APPLICABLE, None, message, self.required)]
        failures = [finding for texts in lists.values() for finding in self._equal(texts)]
        return failures or [self._near(lists)]

    def _equal(self, texts: list[tuple[AdText, str]]) -> list[Finding]:
        first: dict[str, str] = {}
        findings = []
        for text, folded in texts:
            if folded in first:
                message = f"{text.path} says the same as {first[folded]}: write another one."
                findings.append(Finding(self.name, text.path, Outcome.FAILED, 0.0, message, self.required))
            first.setdefault(folded, text.path)
        return findings

    def _near(self, lists: dict[str, list[tuple[AdText, str]]]) -> Finding:
        worst, pair = 0.0, ("", "")
        for texts in lists.values():
            for (one, one_folded), (other, other_folded) in combinations(texts, 2):
                similarity = fuzz.ratio(one_folded, other_folded)
                if similarity > worst:
                    worst, pair = similarity, (one.path, other.path)
        if worst < _NEAR:
            return Finding(self.name, "", Outcome.PASSED, 1.0, "All texts differ.", self.required)
        # Linear from 1 at the threshold to 0 for texts that are all but equal.
        score = round((100.0 - worst) / (100.0 - _NEAR), 3)
        message = f"{pair[0]} and {pair[1]} are nearly the same ({worst:.0f} % alike)."
        return Finding(self.name, "", Outcome.PASSED, score, message, self.required)
