"""`fake`: answers without a model, as its configuration says, with the delay and the faults that it says.

For tests, demonstrations and measurements; nothing uses it unless a suite names it.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping, Sequence

from adwright_evaluator.model import JSON, Answer, Usage
from adwright_servicekit.errors import InvalidInput, Unavailable

from .base import Question, as_text

__all__ = ["Fake"]


class Fake:
    """Config: `outputs` (said in turn by cases), `delay` (seconds), `cost` (USD an answer), `fail_from` (the first
    case that fails).
    """

    key = ""

    def __init__(self, config: Mapping[str, JSON]) -> None:
        outputs = config.get("outputs", config.get("output"))
        if isinstance(outputs, Sequence) and not isinstance(outputs, str):
            self._outputs = list(outputs)
        else:
            self._outputs = [] if outputs is None else [outputs]
        self._delay = _number(config, "delay")
        self._fail_from = _number(config, "fail_from") if "fail_from" in config else None
        self._cost = _number(config, "cost")

    async def answer(self, question: Question) -> Answer:
        """One of the outputs; without any, some words that depend on the prompt alone."""
        if self._delay:
            await asyncio.sleep(self._delay)
        if self._fail_from is not None and question.case.index >= self._fail_from:
            raise Unavailable("this fake is told to fail from here on", reason="FAKE_DOWN")
        text = as_text(question.prompt)
        if self._outputs:
            output = str(self._outputs[question.case.index % len(self._outputs)])
        else:
            output = f"fake {hashlib.sha256(text.encode()).hexdigest()[:12]}"
        usage = Usage(len(text) // 4, len(output) // 4, 1)
        return Answer(output, self._delay * 1000, self._cost, usage, finish_reason="stop", model="fake")


def _number(config: Mapping[str, JSON], name: str) -> float:
    value = config.get(name, 0)
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise InvalidInput.of(f"providers.fake.config.{name}", "must be a number, 0 or more")
    return float(value)
