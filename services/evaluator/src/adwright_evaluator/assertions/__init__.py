"""The assertion types, by the names that suites use. To add one: a file with `SCORERS`, its test, and a line below."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from adwright_evaluator import judging
from adwright_evaluator.model import Scorer, SetScorer

from . import (
    ads,
    comparing,
    html_texts,
    javascript_code,
    json_texts,
    measures,
    pattern,
    platform_policy,
    python_code,
    refusal,
    refused,
    similarity,
    sql_texts,
    text,
    xml_texts,
)

__all__ = ["JUDGED", "KNOWN_TYPES", "NEGATING", "SCORERS", "SET_SCORERS", "nearest"]

SCORERS: Final[Mapping[str, Scorer]] = {
    **text.SCORERS,
    **pattern.SCORERS,
    **json_texts.SCORERS,
    **xml_texts.SCORERS,
    **html_texts.SCORERS,
    **sql_texts.SCORERS,
    **similarity.SCORERS,
    **measures.SCORERS,
    **refusal.SCORERS,
    **ads.SCORERS,
    **platform_policy.SCORERS,
    **javascript_code.SCORERS,
    **python_code.SCORERS,
    **refused.SCORERS,
    **judging.SCORERS,
}
"""Those that look at one output."""
SET_SCORERS: Final[Mapping[str, SetScorer]] = {**comparing.SET_SCORERS, **judging.SET_SCORERS}
"""Those that compare all outputs of a case."""
NEGATING: Final[frozenset[str]] = frozenset({*javascript_code.SCORERS, *python_code.SCORERS})
"""Types that know of `not-` themselves: the score of code stays what it is."""
JUDGED: Final = (frozenset(judging.SCORERS) | frozenset(judging.SET_SCORERS)) - judging.WITHOUT_MODEL
"""Those that may ask a model."""
KNOWN_TYPES: Final = frozenset(SCORERS) | frozenset(SET_SCORERS)


def nearest(name: str) -> str:
    """The type that an unknown name most likely means, with `not-` where the name has it; empty: none is near."""
    from rapidfuzz import process

    plain = name.removeprefix("not-")
    usable = KNOWN_TYPES - set(refused.SCORERS) - set(judging.REFUSED)
    found = process.extractOne(plain, sorted(usable), score_cutoff=60)
    if found is None:
        return ""
    return f"not-{found[0]}" if plain != name else str(found[0])
