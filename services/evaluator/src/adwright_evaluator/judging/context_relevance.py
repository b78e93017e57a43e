"""`context-relevance`: which share of the context helps to answer the question (Ragas, Es et al. 2024)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..model import JSON, Grading, Verdict
from .llm_rubric import no_custom_rubric
from .panel import model_graded
from .retrieved import context_of, parts_of, question_of
from .verdicts import Session, compared

__all__ = ["context_relevance"]


async def _context_relevance(grading: Grading, session: Session) -> Verdict:
    """Parts that help / parts, a part being a text of a list, a line, or a sentence; threshold 0 unless given."""
    no_custom_rubric(grading)
    question, parts = question_of(grading), parts_of(context_of(grading))
    numbered = "\n".join(f"{at}. {' '.join(part.split())}" for at, part in enumerate(parts, 1))
    answer = await session.ask("needed/v1", {}, {"query": question, "parts": numbered}, max_tokens=2048)
    listed = answer["numbers"]
    assert isinstance(listed, Sequence)
    numbers = sorted({int(str(number)) for number in listed} & set(range(1, len(parts) + 1)))
    verdict = compared(len(numbers) / len(parts), grading.assertion.threshold or 0.0, "Context relevance")
    about: dict[str, JSON] = {"parts": len(parts), "relevant": [parts[number - 1] for number in numbers]}
    return replace(verdict, reason=f"{verdict.reason} {answer['reason']}", metadata=about)


context_relevance = model_graded(_context_relevance)
