"""The interface of everything that answers prompts. To add one: a file beside this one and a line in `registry.py`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from adwright_evaluator.model import JSON, Answer, Case

__all__ = ["Chat", "Provider", "Question", "as_text"]

Chat: TypeAlias = "Sequence[Mapping[str, JSON]]"
"""Messages with `role` and `content`."""


@dataclass(frozen=True, slots=True)
class Question:
    """What a provider is asked."""

    prompt: str | Chat
    case: Case
    repeat: int


class Provider(Protocol):
    """Answers prompts."""

    @property
    def key(self) -> str:
        """What its answers depend on besides the question; empty: they are not worth keeping."""
        ...

    async def answer(self, question: Question) -> Answer:
        """Raises AdwrightError."""
        ...


def as_text(prompt: str | Chat) -> str:
    """A prompt as one text."""
    return prompt if isinstance(prompt, str) else "\n\n".join(str(message["content"]) for message in prompt)
