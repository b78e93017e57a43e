"""`g-eval`: criteria become steps, steps become a score (Liu et al., G-Eval, EMNLP 2023).

The paper weighs the points by the probabilities of their tokens; judges give none here, so the point that was named
counts alone, as in promptfoo.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean

from ..model import JSON, Grading, Verdict
from .llm_rubric import custom_rubric
from .panel import model_graded
from .verdicts import JudgeFailed, Session, compared, wrong

__all__ = ["g_eval"]

_POINTS = 10
_THRESHOLD = 0.7


async def _g_eval(grading: Grading, session: Session) -> Verdict:
    """Passes when the mean of all criteria, 0 to 1, reaches the threshold: .7 unless the assertion has one."""
    criteria, custom = _criteria(grading), _custom(grading)
    scores, reasons = [], []
    for at, text in enumerate(criteria):
        try:
            score, reason = await _one(grading, session, text, custom)
        except JudgeFailed as error:
            if len(criteria) == 1:
                raise
            raise JudgeFailed(f"criterion {at + 1} of {len(criteria)}: {error}") from error
        scores.append(score)
        reasons.append(reason)
    threshold = _THRESHOLD if grading.assertion.threshold is None else grading.assertion.threshold
    verdict = compared(fmean(scores), threshold, "G-Eval")
    about: dict[str, JSON] = {"criteria": criteria, "scores": scores}
    return Verdict(verdict.passed, verdict.score, " ".join(reasons), metadata=about)


async def _one(grading: Grading, session: Session, criteria: str, custom: Mapping[str, JSON]) -> tuple[float, str]:
    plan = await session.ask(
        "g-eval-steps/v1", {"criteria": criteria}, {}, custom=custom.get("steps"), variables=grading.vars
    )
    trusted: dict[str, JSON] = {"criteria": criteria, "steps": plan["steps"]}
    extra: dict[str, JSON] = {**grading.vars, "maxScore": _POINTS}
    answer = await session.ask(
        "g-eval/v1",
        trusted,
        {"input": grading.prompt, "output": grading.text},
        custom=custom.get("evaluate"),
        variables=extra,
    )
    return float(str(answer["score"])) / _POINTS, str(answer["reason"])


def _criteria(grading: Grading) -> list[str]:
    value = grading.assertion.value
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, Sequence) or not texts:
        raise wrong(grading, "value", "is a criterion in plain words, or a list of them")
    criteria = [text for text in texts if isinstance(text, str) and text.strip()]
    if len(criteria) < len(texts):
        raise wrong(grading, "value", "holds a criterion that is empty or no text")
    return criteria


def _custom(grading: Grading) -> Mapping[str, JSON]:
    custom = custom_rubric(grading)
    if custom is None:
        return {}
    if not isinstance(custom, Mapping) or not custom.keys() <= {"steps", "evaluate"}:
        raise wrong(grading, "rubricPrompt", "is an object with steps and evaluate here, one prompt for each half")
    return custom


g_eval = model_graded(_g_eval)
