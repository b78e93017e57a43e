"""What suites do to outputs before they are looked at: an expression of JavaScript, as promptfoo has it."""

from __future__ import annotations

import json
from collections.abc import Mapping

from adwright_evaluator.model import JSON

from .javascript import evaluate_javascript

__all__ = ["text_of", "transform"]


def transform(expression: str, output: JSON, values: Mapping[str, JSON]) -> JSON:
    """The output as the expression makes it; it knows `output`, and `vars` of `context`. Raises InvalidInput."""
    return evaluate_javascript(expression, {"output": output, "context": {"vars": dict(values)}})


def text_of(output: JSON) -> str:
    """An output as a text: texts as they are, all else as compact JSON."""
    if isinstance(output, str):
        return output
    return "" if output is None else json.dumps(output, ensure_ascii=False, separators=(",", ":"))
