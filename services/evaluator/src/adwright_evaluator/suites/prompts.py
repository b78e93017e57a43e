"""Prompts of a case: a text, or the messages of a conversation."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from adwright_evaluator.model import JSON, Prompt
from adwright_servicekit.errors import InvalidInput

from .document import load_yaml
from .shown import json_text
from .templates import render, render_value

__all__ = ["check_prompt", "render_prompt"]

_ROLES: Final = frozenset({"system", "developer", "user", "assistant"})


def render_prompt(
    prompt: Prompt, values: Mapping[str, JSON], options: Mapping[str, JSON]
) -> str | Sequence[Mapping[str, JSON]]:
    """The prompt for these variables; `options` may have `prefix` and `suffix`. Raises InvalidInput."""
    try:
        data = _data(prompt.template)
        if data is not None:
            # Filled in after it was read: no variable can break the list.
            filled: Any = render_value(data, values)
            if _is_conversation(data):
                return filled  # type: ignore[no-any-return]
            text = json_text(filled, 2)
        else:
            text = render(prompt.template, values)
            if _may_become_one(prompt.template) and (messages := _messages(text)) is not None:
                return messages
        prefix, suffix = (str(render_value(options.get(each) or "", values)) for each in ("prefix", "suffix"))
        return f"{prefix}{text}{suffix}"
    except InvalidInput as error:
        raise InvalidInput.of(
            f"prompt {prompt.label!r} ({prompt.place})", error.violations[0].description, reason=error.reason
        ) from None


def check_prompt(template: str) -> None:
    """That a conversation has messages that can be sent. Raises InvalidInput."""
    data = _data(template)
    if data is not None and _is_conversation(data):
        _checked(data)


@lru_cache(maxsize=1024)
def _data(template: str) -> Any:
    """The JSON that a prompt is, or the YAML of a conversation, with templates in its texts; None for other texts."""
    if template.lstrip()[:1] not in ("[", "{"):
        return _yaml(template) if _may_become_one(template) else None
    try:
        found = json.loads(template)
        # Half a letter, or 1e999, cannot be sent.
        json.dumps(found, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, list | dict) else None


def _yaml(text: str) -> Any:
    try:
        found = load_yaml(text, "prompt").data
    except InvalidInput:
        return None
    return found if _is_conversation(found) else None


def _may_become_one(template: str) -> bool:
    """Whether the text may be a conversation once it is filled in: it has to look like one before."""
    start = next((line for line in template.splitlines() if line.strip() and not line.lstrip().startswith("#")), "")
    return "role" in template and (start.lstrip().startswith("[") or start.lstrip().startswith("- role"))


def _messages(text: str) -> list[dict[str, Any]] | None:
    found = _data(text)
    return _checked(found) if _is_conversation(found) else None


def _is_conversation(found: Any) -> bool:
    return isinstance(found, list) and bool(found) and all(isinstance(each, dict) and "role" in each for each in found)


def _checked(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    for number, each in enumerate(found, 1):
        if each["role"] not in _ROLES:
            raise InvalidInput.of(
                "prompt",
                f"message {number} has the role {each['role']!r}: {', '.join(sorted(_ROLES))} can be sent",
                reason="PROMPT_ROLE",
            )
        if "content" not in each:
            raise InvalidInput.of("prompt", f"message {number} has no `content`", reason="PROMPT_ROLE")
    return found
