"""`conversation-relevance`: which share of the answers in a conversation is relevant to what came before (DeepEval)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

from ..model import JSON, Grading, Verdict
from .llm_rubric import no_custom_rubric
from .panel import model_graded
from .verdicts import Session, compared, wrong

__all__ = ["conversation_relevance"]

_WINDOW = 5
_THRESHOLD = 0.5


async def _conversation_relevance(grading: Grading, session: Session) -> Verdict:
    """Relevant answers / answers, each read with the turns before it; threshold .5 unless given.

    The turns are the variable `_conversation` (objects with `input` and `output`), else the prompt and the output.
    `config.windowSize` turns are read at a time, 5 unless given.
    """
    no_custom_rubric(grading)
    turns, window = _turns(grading), _window(grading)
    irrelevant: list[JSON] = []
    for end in range(1, len(turns) + 1):
        said = "\n\n".join(f"User: {asked}\nAnswer: {told}" for asked, told in turns[max(0, end - window) : end])
        answer = await session.ask("conversation-relevance/v1", {}, {"conversation": said})
        if answer["relevant"] is not True:
            irrelevant.append(str(answer["reason"]))
    threshold = _THRESHOLD if grading.assertion.threshold is None else grading.assertion.threshold
    verdict = compared(1 - len(irrelevant) / len(turns), threshold, "Relevance to the conversation")
    first = f" {irrelevant[0]}" if irrelevant else ""
    about: dict[str, JSON] = {"turns": len(turns), "irrelevant": irrelevant}
    return replace(verdict, reason=verdict.reason + first, metadata=about)


def _turns(grading: Grading) -> list[tuple[str, str]]:
    turns = grading.vars.get("_conversation")
    if not turns:
        return [(grading.prompt, grading.text)]
    if isinstance(turns, str) or not isinstance(turns, Sequence):
        raise wrong(grading, "vars._conversation", "is a list of objects with input and output")
    found = []
    for turn in turns:
        if not isinstance(turn, Mapping) or not {"input", "output"} <= turn.keys():
            raise wrong(grading, "vars._conversation", "is a list of objects with input and output")
        found.append((_text(turn["input"]), _text(turn["output"])))
    return found


def _window(grading: Grading) -> int:
    size = grading.assertion.config.get("windowSize")
    if size is None:
        return _WINDOW
    if isinstance(size, bool) or not isinstance(size, int) or size < 1:
        raise wrong(grading, "config.windowSize", "is a whole number from 1")
    return size


def _text(value: JSON) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


conversation_relevance = model_graded(_conversation_relevance)
