"""`context-recall`: which share of the expected answer the context holds (Ragas)."""

from __future__ import annotations

from dataclasses import replace

from ..model import JSON, Grading, Verdict
from .llm_rubric import no_custom_rubric
from .panel import model_graded
from .retrieved import context_of, parts_of, supported
from .verdicts import Session, compared, criterion

__all__ = ["context_recall"]


async def _context_recall(grading: Grading, session: Session) -> Verdict:
    """Sentences of the value that the context supports / its sentences; threshold 0 unless given.

    The prompt is the context where no variable `context` is given.
    """
    no_custom_rubric(grading)
    sentences = parts_of([criterion(grading)])
    context = context_of(grading, fallback=grading.prompt)
    found = await supported(session, context, sentences)
    verdict = compared(sum(found) / len(found), grading.assertion.threshold or 0.0, "Context recall")
    missing: list[JSON] = [text for text, holds in zip(sentences, found, strict=True) if not holds]
    named = f" Not in the context: {missing[0]}" if missing else ""
    about: dict[str, JSON] = {"sentences": sentences, "missing": missing}
    return replace(verdict, reason=verdict.reason + named, metadata=about)


context_recall = model_graded(_context_recall)
