"""`answer-relevance`: whether the output answers what was asked (Ragas, Es et al. 2024).

A judge says three times which question the output answers; the score is the mean cosine of these questions to the one
that was asked. The three are asked for with different seeds, or a cache would make one of them.
"""

from __future__ import annotations

from dataclasses import replace
from statistics import fmean

from adwright_servicekit.errors import AdwrightError

from ..model import JSON, Grading, Verdict
from .llm_rubric import custom_rubric
from .panel import model_graded
from .similar import cosine, embedder_of
from .verdicts import JudgeFailed, Session, compared

__all__ = ["answer_relevance"]

_QUESTIONS = 3


async def _answer_relevance(grading: Grading, session: Session) -> Verdict:
    """Mean cosine to the variable `query`, else to the prompt; threshold 0 unless given.

    `config.embedder` names the provider of vectors; the assertion's provider is the judge.
    """
    embedder = embedder_of(grading, "embedder")
    said = grading.vars.get("query")
    query = said if isinstance(said, str) else grading.prompt
    questions = []
    for seed in range(_QUESTIONS):
        answer = await session.ask(
            "question-of/v1",
            {},
            {"answer": grading.text},
            custom=custom_rubric(grading),
            variables=grading.vars,
            seed=seed,
        )
        questions.append(str(answer["question"]))
    try:
        asked, *vectors = await embedder.embed([query, *questions])
    except AdwrightError as error:
        raise JudgeFailed(f"the texts got no vectors: {error.message}") from error
    scores = [cosine(asked, vector) for vector in vectors]
    verdict = compared(fmean(scores), grading.assertion.threshold or 0.0, "Relevance of the answer")
    about: list[JSON] = [
        {"question": question, "similarity": score} for question, score in zip(questions, scores, strict=True)
    ]
    return replace(verdict, metadata={"questions": about})


answer_relevance = model_graded(_answer_relevance)
