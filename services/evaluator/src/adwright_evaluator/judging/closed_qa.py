"""`model-graded-closedqa`: a judge says yes or no to one criterion."""

from __future__ import annotations

from ..model import Grading, Verdict
from .llm_rubric import custom_rubric
from .panel import model_graded
from .verdicts import Session, criterion

__all__ = ["closed_qa"]


async def _closed_qa(grading: Grading, session: Session) -> Verdict:
    """Scores 1 or 0."""
    answer = await session.ask(
        "closed-qa/v1",
        {"criteria": criterion(grading)},
        {"input": grading.prompt, "completion": grading.text},
        custom=custom_rubric(grading),
        variables=grading.vars,
    )
    passed = answer["pass"] is True
    return Verdict(passed, float(passed), str(answer["reason"]))


closed_qa = model_graded(_closed_qa)
