"""What models, vectors and people say of outputs."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from ..model import Scorer, SetScorer
from .answer_relevance import answer_relevance
from .back_translation import translate_back
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
from .pairwise import Comparison, Preference, compare
from .prompt_files import load_prompts
from .refused import REFUSED, refusals
from .select_best import select_best
from .similar import similar, similar_dot, similar_euclidean
from .verdicts import JudgeFailed

__all__ = [
    "REFUSED",
    "SCORERS",
    "SET_SCORERS",
    "WITHOUT_MODEL",
    "Comparison",
    "JudgeFailed",
    "Preference",
    "compare",
    "load_prompts",
    "translate_back",
]

SCORERS: Final[Mapping[str, Scorer]] = MappingProxyType(
    {
        **refusals(),
        "answer-relevance": answer_relevance,
        "brand-voice": brand_voice,
        "context-faithfulness": context_faithfulness,
        "context-recall": context_recall,
        "context-relevance": context_relevance,
        "conversation-relevance": conversation_relevance,
        "factuality": factuality,
        "g-eval": g_eval,
        "human": human,
        "llm-rubric": llm_rubric,
        "model-graded-closedqa": closed_qa,
        "model-graded-factcheck": factuality,
        "similar": similar,
        "similar:cosine": similar,
        "similar:dot": similar_dot,
        "similar:euclidean": similar_euclidean,
    }
)
"""By assertion type; the refused ones raise InvalidInput with a remedy."""

WITHOUT_MODEL: Final = frozenset({"human", "similar", "similar:cosine", "similar:dot", "similar:euclidean"})
"""Types that ask no judge, unless a translation is wanted."""

SET_SCORERS: Final[Mapping[str, SetScorer]] = MappingProxyType({"select-best": select_best})
"""Types that compare the outputs of one case."""
