"""The assertion types, by the names that suites use. To add one: a file with `SCORERS`, its test, and a line below."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from adwright_evaluator import judging
from adwright_evaluator.model import Scorer, SetScorer

from . import ads, code, comparing, measures, platform_policy, similarity, structured, text

__all__ = ["JUDGED", "KNOWN_TYPES", "NEGATING", "SCORERS", "SET_SCORERS"]

SCORERS: Final[Mapping[str, Scorer]] = {
    **text.SCORERS,
    **structured.SCORERS,
    **similarity.SCORERS,
    **measures.SCORERS,
    **ads.SCORERS,
    **platform_policy.SCORERS,
    **code.SCORERS,
    **judging.SCORERS,
}
"""Those that look at one output."""
SET_SCORERS: Final[Mapping[str, SetScorer]] = {**comparing.SET_SCORERS, **judging.SET_SCORERS}
"""Those that compare all outputs of a case."""
NEGATING: Final[frozenset[str]] = frozenset()
"""Types that know of `not-` themselves."""
JUDGED: Final = frozenset(judging.SCORERS) | frozenset(judging.SET_SCORERS)
"""Those that may ask a model."""
KNOWN_TYPES: Final = frozenset(SCORERS) | frozenset(SET_SCORERS)
