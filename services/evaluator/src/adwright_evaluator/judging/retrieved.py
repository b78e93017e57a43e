"""What the assertions on retrieval share: the question, the context, its parts, and which statements it supports."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from ..model import JSON, Grading
from .verdicts import Session, wrong

__all__ = ["context_of", "parts_of", "question_of", "supported"]

_SENTENCE_END = re.compile(r"(?<=[.!?…])\s+|(?<=[。！？])")
_ENUMERATION = re.compile(r"\d+[.)]")


def question_of(grading: Grading) -> str:
    """The variable `query`. Raises InvalidInput."""
    query = grading.vars.get("query")
    if not isinstance(query, str) or not query.strip():
        raise wrong(grading, "vars.query", "is missing; give the question that the context was looked up for")
    return query


def context_of(grading: Grading, fallback: str = "") -> list[str]:
    """The variable `context`, a text or a list of texts, as a list; else `fallback`. Raises InvalidInput."""
    if grading.assertion.config.get("contextTransform") is not None:
        message = "is not supported here; give the context in the variable context"
        raise wrong(grading, "contextTransform", message, "CONTEXT_TRANSFORM_UNSUPPORTED")
    context = grading.vars.get("context") or fallback
    chunks: JSON = [context] if isinstance(context, str) else context
    if not context or not isinstance(chunks, Sequence):
        raise wrong(grading, "vars.context", "is missing; give a text or a list of texts")
    texts = [chunk for chunk in chunks if isinstance(chunk, str) and chunk.strip()]
    if len(texts) < len(chunks):
        raise wrong(grading, "vars.context", "holds something that is empty or no text")
    return texts


def parts_of(context: Sequence[str]) -> list[str]:
    """What counts as one part: each of several texts, else each of several lines, else each sentence."""
    if len(context) > 1:
        return [text.strip() for text in context]
    lines = [line.strip() for line in context[0].splitlines() if line.strip()]
    parts = lines if len(lines) > 1 else [part.strip() for part in _SENTENCE_END.split(context[0])]
    return [part for part in parts if part and not _ENUMERATION.fullmatch(part)] or [context[0].strip()]


async def supported(session: Session, context: Sequence[str], statements: Sequence[str]) -> list[bool]:
    """Which statements the judge finds in the context; not those it says nothing or both of. Raises JudgeFailed."""
    numbered = "\n".join(f"{at}. {' '.join(text.split())}" for at, text in enumerate(statements, 1))
    material = {"context": "\n\n".join(context), "statements": numbered}
    answer = await session.ask("supported/v1", {}, material, max_tokens=min(4096, 256 + 64 * len(statements)))
    said: dict[int, set[bool]] = {}
    verdicts = answer["verdicts"]
    assert isinstance(verdicts, Sequence)
    for verdict in verdicts:
        assert isinstance(verdict, Mapping)
        said.setdefault(int(str(verdict["number"])), set()).add(verdict["supported"] is True)
    return [said.get(at) == {True} for at in range(1, len(statements) + 1)]
