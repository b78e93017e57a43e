"""`llm-rubric`: a judge holds the output against a rubric in plain words."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from ..model import JSON, Grading, Verdict
from .panel import model_graded
from .verdicts import Session, wrong

__all__ = ["custom_rubric", "llm_rubric", "no_custom_rubric", "passed_and_score"]


async def _llm_rubric(grading: Grading, session: Session) -> Verdict:
    """Passes as the judge says, and with a threshold only when the score reaches it too."""
    custom = custom_rubric(grading)
    rubric = _rubric(grading, required=custom is None)
    answer = await session.ask(
        "llm-rubric/v1", {"rubric": rubric}, {"output": grading.text}, custom=custom, variables=grading.vars
    )
    return passed_and_score(grading, answer)


def passed_and_score(grading: Grading, answer: Mapping[str, JSON]) -> Verdict:
    """The verdict in an answer with reason, pass and score; the assertion's threshold is a second hurdle."""
    score, threshold = float(str(answer["score"])), grading.assertion.threshold
    passed, reason = answer["pass"] is True, str(answer["reason"])
    if passed and threshold is not None and score < threshold:
        return Verdict(False, score, f"{reason} (The score {score:g} is below the threshold {threshold:g}.)")
    return Verdict(passed, score, reason)


def custom_rubric(grading: Grading) -> JSON:
    """The suite's own prompt for the judge, the assertion's before the case's; None: ours."""
    return grading.assertion.rubric_prompt or grading.case.options.get("rubricPrompt") or None


def no_custom_rubric(grading: Grading) -> None:
    """Raises InvalidInput where the suite brings a prompt of its own and this type cannot use it."""
    if custom_rubric(grading) is not None:
        message = (
            "this type asks the judge more than once, in its own words; move rubricPrompt to the assertions it is for"
        )
        raise wrong(grading, "rubricPrompt", message, "RUBRIC_PROMPT_UNSUPPORTED")


def _rubric(grading: Grading, *, required: bool) -> str:
    value = grading.assertion.value
    if isinstance(value, str) and value.strip():
        return value
    if value and isinstance(value, Mapping | Sequence) and not isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if required:
        raise wrong(grading, "value", "is empty; write in plain words what the output has to be like")
    return ""


llm_rubric = model_graded(_llm_rubric)
