"""Prompts of a case: a text, or the messages of a conversation."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import yaml

from adwright_evaluator.model import JSON, Prompt
from adwright_servicekit.errors import InvalidInput

from .templates import render, render_value

__all__ = ["render_prompt"]

_ROLES = frozenset({"system", "developer", "user", "assistant"})


def render_prompt(
    prompt: Prompt, values: Mapping[str, JSON], options: Mapping[str, JSON]
) -> str | Sequence[Mapping[str, JSON]]:
    """The prompt for these variables; `options` may have `prefix` and `suffix`. Raises InvalidInput."""
    try:
        template = _messages(prompt.template)
        if template is not None:
            # Filled in after it was read: no variable can break the list.
            filled: Any = render_value(template, values)
            return filled  # type: ignore[no-any-return]
        text = render(prompt.template, values)
        prefix, suffix = (str(render_value(options.get(each) or "", values)) for each in ("prefix", "suffix"))
        return f"{prefix}{text}{suffix}"
    except InvalidInput as error:
        raise InvalidInput.of(
            f"prompt {prompt.label!r} ({prompt.place})", error.violations[0].description, reason=error.reason
        ) from None


@lru_cache(maxsize=1024)
def _messages(template: str) -> list[dict[str, Any]] | None:
    """The conversation that a JSON or YAML list of messages is; None for any other text."""
    start = template.lstrip()[:1]
    if start not in "[-" or not start or "role" not in template:
        return None
    try:
        found = json.loads(template) if start == "[" else yaml.safe_load(template)
    except (ValueError, yaml.YAMLError):
        return None
    if not isinstance(found, list) or not found:
        return None
    if not all(isinstance(each, dict) and each.get("role") in _ROLES and "content" in each for each in found):
        return None
    return found
