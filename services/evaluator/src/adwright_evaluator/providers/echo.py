"""`echo`: says what it is asked, which shows prompts and assertions without a model."""

from __future__ import annotations

import json

from adwright_evaluator.model import Answer

from .base import Question

__all__ = ["Echo"]


class Echo:
    """Answers with the prompt."""

    key = ""

    async def answer(self, question: Question) -> Answer:
        """The prompt; messages as JSON."""
        prompt = question.prompt
        text = prompt if isinstance(prompt, str) else json.dumps(prompt, ensure_ascii=False)
        return Answer(output=text, latency_ms=0.0, cost_usd=0.0)
