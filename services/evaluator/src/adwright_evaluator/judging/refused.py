"""Types of promptfoo that need what this evaluator does not have, and what to write in their place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NoReturn

from ..model import Grading, Scorer
from .verdicts import wrong

__all__ = ["REFUSED", "refusals"]

REFUSED: Final[Mapping[str, str]] = {
    "agent-rubric": "needs an agent with tools; use llm-rubric on the output",
    "classifier": "needs a hosted classifier; use llm-rubric with the classes described in words",
    "moderation": "needs a hosted moderation model; use llm-rubric with what must not be said, or not-contains-any",
    "pi": "sends outputs to a hosted scorer; use g-eval with the same criteria",
    "search-rubric": "needs a judge that searches the web; use factuality with a reference, or context-faithfulness",
}
"""Why, and the remedy, by type."""


def refusals() -> dict[str, Scorer]:
    """A scorer for each refused type that raises InvalidInput with the remedy."""
    return {type: _refusal(remedy) for type, remedy in REFUSED.items()}


def _refusal(remedy: str) -> Scorer:
    def refuse(grading: Grading) -> NoReturn:
        raise wrong(grading, "type", f"is not supported: it {remedy}", "ASSERTION_UNSUPPORTED")

    return refuse
