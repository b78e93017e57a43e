"""A literal translation for reviewers who do not read the language of an ad.

It is shown beside the verdict and never judged: what a translation loses or mends says nothing about the ad. Judges are
asked about the text in its own language.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from ..model import JSON, Grading, Judge, Verdict
from .verdicts import JudgeFailed, Session, setting, wrong

__all__ = ["TRANSLATION", "language_of", "translate_back", "translation_wanted", "with_translation"]

TRANSLATION: Final = "backTranslation"
"""Key of an assertion's `config` or a case's `options`."""


async def translate_back(
    judge: Judge, text: str, language: str, *, into: str = "en", session: Session | None = None
) -> str:
    """`text`, which is in `language` (a BCP-47 tag; empty: unknown), in the language `into`.

    What it takes is added to `session` where there is one. Raises JudgeFailed.
    """
    session = session or Session(judge)
    trusted: dict[str, JSON] = {"language": language, "into": into}
    answer = await session.ask("back-translation/v1", trusted, {"text": text}, max_tokens=2048)
    return str(answer["translation"])


def language_of(grading: Grading) -> str:
    """The language the output should be in: the ad's, else the variable `language`, else empty."""
    subject = grading.answer.subject
    if subject is not None and subject.effective_language:
        return subject.effective_language
    said = grading.vars.get("language")
    return said if isinstance(said, str) else ""


def translation_wanted(grading: Grading) -> str:
    """The language to translate into; empty: none is wanted.

    Asked for by `config.backTranslation`: true for English, or the tag of another language; an output that should be in
    that language is not translated. Raises InvalidInput for another value.
    """
    asked = setting(grading, TRANSLATION)
    if asked is None or asked is False or not grading.text.strip():
        return ""
    if asked is not True and (not isinstance(asked, str) or not asked):
        raise wrong(grading, f"config.{TRANSLATION}", "is true, or the tag of a language such as de")
    into = "en" if asked is True else str(asked)
    same = _language(language_of(grading)) == _language(into)
    return "" if same else into


async def with_translation(grading: Grading, judge: Judge, verdict: Verdict) -> Verdict:
    """`verdict` with `back_translation` in its metadata, where one is wanted.

    A translation that fails leaves the verdict alone and says so in `back_translation_error`. Raises InvalidInput for
    a setting that cannot be read.
    """
    into = translation_wanted(grading)
    if not into:
        return verdict
    session = Session(judge)
    added: dict[str, JSON]
    try:
        text = await translate_back(judge, grading.text, language_of(grading), into=into, session=session)
        added = {"back_translation": text, "back_translation_language": into}
    except JudgeFailed as error:
        added = {"back_translation_error": str(error)}
    return replace(
        verdict,
        usage=verdict.usage + session.usage,
        cost_usd=verdict.cost_usd + session.cost_usd,
        metadata={**verdict.metadata, **added},
    )


def _language(tag: str) -> str:
    return tag.partition("-")[0].lower()
