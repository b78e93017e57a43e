"""`brand-voice`: a judge says whether an ad speaks as its brand does.

The voice is the assertion's value, else the variable `brand_voice`, else the member `voice` of the variable `brand`.
The ad is judged in its own language.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..model import JSON, Grading, Verdict
from .back_translation import language_of
from .llm_rubric import custom_rubric, passed_and_score
from .panel import model_graded
from .verdicts import Session, wrong

__all__ = ["brand_voice"]


async def _brand_voice(grading: Grading, session: Session) -> Verdict:
    """As `llm-rubric` with the voice for a rubric; not applicable where nobody says what the voice is."""
    voice = _voice(grading)
    if not voice:
        return Verdict.not_applicable(
            "No voice is known of the brand; give one as the value, or in the variable brand."
        )
    if not grading.text.strip():
        return Verdict.not_applicable("The output is empty; there is no voice in it.")
    trusted: dict[str, JSON] = {"voice": voice, "brand": _brand(grading), "language": language_of(grading)}
    answer = await session.ask(
        "brand-voice/v1", trusted, {"output": grading.text}, custom=custom_rubric(grading), variables=grading.vars
    )
    return passed_and_score(grading, answer)


def _voice(grading: Grading) -> str:
    value = grading.assertion.value
    if value is not None and not isinstance(value, str):
        raise wrong(grading, "value", "is the brand's voice in plain words, or left out")
    brand = grading.vars.get("brand")
    found = (
        value,
        grading.vars.get("brand_voice"),
        brand.get("voice") if isinstance(brand, Mapping) else None,
        grading.answer.metadata.get("brand_voice"),
    )
    return next((text.strip() for text in found if isinstance(text, str) and text.strip()), "")


def _brand(grading: Grading) -> str:
    subject, brand = grading.answer.subject, grading.vars.get("brand")
    if subject is not None and subject.brand is not None:
        return subject.brand.display_name
    name = brand.get("display_name") if isinstance(brand, Mapping) else brand
    return name if isinstance(name, str) else ""


brand_voice = model_graded(_brand_voice)
