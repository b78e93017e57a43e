"""`context-faithfulness`: which share of what the output claims follows from the context (Ragas, Es et al. 2024)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..model import JSON, Grading, Verdict
from .llm_rubric import no_custom_rubric
from .panel import model_graded
from .retrieved import context_of, question_of, supported
from .verdicts import Session, compared

__all__ = ["context_faithfulness"]


async def _context_faithfulness(grading: Grading, session: Session) -> Verdict:
    """Supported statements / statements; threshold 0 unless given. Not applicable where the output states nothing."""
    no_custom_rubric(grading)
    question, context = question_of(grading), context_of(grading)
    taken = await session.ask("statements/v1", {}, {"question": question, "answer": grading.text}, max_tokens=2048)
    listed = taken["statements"]
    assert isinstance(listed, Sequence)
    statements = [str(text) for text in listed]
    if not statements:
        return Verdict.not_applicable("The output makes no statement that a context could support.")
    found = await supported(session, context, statements)
    verdict = compared(sum(found) / len(found), grading.assertion.threshold or 0.0, "Faithfulness to the context")
    unsupported: list[JSON] = [text for text, holds in zip(statements, found, strict=True) if not holds]
    about: dict[str, JSON] = {"statements": statements, "unsupported": unsupported}
    named = f" Not in the context: {unsupported[0]}" if unsupported else ""
    return replace(verdict, reason=verdict.reason + named, metadata=about)


context_faithfulness = model_graded(_context_faithfulness)
