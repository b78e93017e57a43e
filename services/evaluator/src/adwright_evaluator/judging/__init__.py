"""Outputs graded by models, by vectors of their meaning, and by people: one file a type, prompts as versioned files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from adwright_evaluator.model import Scorer, SetScorer

from .answer_relevance import answer_relevance
from .brand_voice import brand_voice
from .closed_qa import closed_qa
from .context_faithfulness import context_faithfulness
from .context_recall import context_recall
from .context_relevance import context_relevance
from .conversation_relevance import conversation_relevance
from .factuality import factuality
from .g_eval import g_eval
from .human import human
from .llm_rubric import llm_rubric
from .select_best import select_best
from .similar import similar, similar_dot, similar_euclidean

__all__ = ["SCORERS", "SET_SCORERS"]

SCORERS: Final[Mapping[str, Scorer]] = {
    "llm-rubric": llm_rubric,
    "g-eval": g_eval,
    "factuality": factuality,
    "model-graded-factcheck": factuality,
    "model-graded-closedqa": closed_qa,
    "answer-relevance": answer_relevance,
    "context-faithfulness": context_faithfulness,
    "context-recall": context_recall,
    "context-relevance": context_relevance,
    "conversation-relevance": conversation_relevance,
    "brand-voice": brand_voice,
    "similar": similar,
    "similar:cosine": similar,
    "similar:dot": similar_dot,
    "similar:euclidean": similar_euclidean,
    "human": human,
}
SET_SCORERS: Final[Mapping[str, SetScorer]] = {"select-best": select_best}
