"""What adwright itself knows of ads: limits, facts, banned terms, language, readability, copies of exemplars."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache, partial
from typing import Final

from adwright_checks import AdText, Check, Format, Outcome, Subject, default_checks, load_formats
from adwright_evaluator.model import Grading, Scorer, Verdict
from adwright_evaluator.scorers import Language, Readability

from .common import holds, wrong

__all__ = ["SCORERS"]

_PLAIN: Final = "plain"
_WORDS: Final = re.compile(r"\w+")
_NGRAM: Final = 5
_CHECKS: Final = {
    "ad-limits": "limits",
    "ad-facts": "facts",
    "banned-terms": "banned_terms",
    "brand-named": "brand_named",
    "duplicates": "duplicates",
}


@cache
def _checks() -> Mapping[str, Check]:
    return {check.name: check for check in (*default_checks(), Language(), Readability())}


@cache
def _plain() -> Format:
    return load_formats()[_PLAIN]


def _checked(name: str, grading: Grading) -> Verdict:
    subject = grading.answer.subject
    if subject is None:
        return Verdict.not_applicable("The output is no ad with brand, products and format: ask the provider adwright.")
    return _verdict(name, subject)


def _of_text(name: str, grading: Grading) -> Verdict:
    """For any text; `value` is the language it should be in."""
    value = grading.assertion.value
    given = grading.answer.subject or Subject((AdText("text", grading.text),), _plain())
    language = str(value) if isinstance(value, str) and value else given.effective_language
    return _verdict(name, Subject(given.fields, given.format, language, given.brand, given.products, given.brief))


def _verdict(name: str, subject: Subject) -> Verdict:
    findings = _checks()[name](subject)
    failed = [finding for finding in findings if finding.outcome is Outcome.FAILED]
    broken = [finding for finding in findings if finding.outcome is Outcome.ERROR]
    scores = [finding.score for finding in findings if finding.score is not None]
    if broken:
        return Verdict.failed(broken[0].message)
    if not scores and not failed:
        return Verdict.not_applicable(findings[0].message if findings else "There is nothing to look at.")
    score = sum(scores) / len(scores) if scores else 0.0
    return holds(not failed, " ".join(finding.message for finding in failed), score)


def _memorisation(grading: Grading) -> Verdict:
    """1 minus the largest share of five-word runs that also stand in one of the texts in `value`: a list, or lines.

    Passes from the threshold on, 0.5 unless given.
    """
    words = _runs(grading.text)
    if not words:
        return Verdict.not_applicable(f"The output has fewer than {_NGRAM} words.")
    share = max(len(words & _known_runs(text)) / len(words) for text in _examples(grading))
    least = 0.5 if grading.assertion.threshold is None else grading.assertion.threshold
    return holds(1 - share >= least, f"{share:.0%} of the output stands in one of the examples.", 1 - share)


def _examples(grading: Grading) -> Sequence[str]:
    value = grading.assertion.value
    texts = value.splitlines() if isinstance(value, str) else value
    if not isinstance(texts, Sequence) or not all(isinstance(each, str) for each in texts) or not any(texts):
        raise wrong(grading, "`value` must be a list of texts, or a file with one a line")
    return [str(each) for each in texts]


def _runs(text: str) -> frozenset[tuple[str, ...]]:
    words: Sequence[str] = _WORDS.findall(text.lower())
    return frozenset(zip(*(words[start:] for start in range(_NGRAM)), strict=False))


_known_runs: Final = lru_cache(maxsize=4096)(_runs)
"""Examples are the same for all cells of a run."""


SCORERS: Final[Mapping[str, Scorer]] = {
    **{kind: partial(_checked, name) for kind, name in _CHECKS.items()},
    "language": partial(_of_text, "language"),
    "readability": partial(_of_text, "readability"),
    "memorisation": _memorisation,
}
