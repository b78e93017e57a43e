"""Which of two outputs is better, asked in both orders.

Judges prefer what they read first, or last (Zheng et al., Judging LLM-as-a-Judge, NeurIPS 2023). An output wins only
where it wins in both places; everything else is a tie.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from ..model import Judge, Usage
from .panel import together
from .verdicts import Session

__all__ = ["Comparison", "Preference", "compare"]


class Preference(Enum):
    """How the first of two outputs fared."""

    WIN = "win"
    LOSS = "loss"
    TIE = "tie"


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a judge said of outputs A and B."""

    preference: Preference
    """Of A over B."""
    consistent: bool
    """Whether both orders led to the same; False makes it a tie."""
    reasons: tuple[str, str]
    """With A first, and with B first."""
    usage: Usage = field(default_factory=Usage)
    cost_usd: float = 0.0
    model: str = ""


async def compare(judge: Judge, criteria: str, prompt: str, a: str, b: str) -> Comparison:
    """Compares output `a` with `b`, both answers to `prompt`, by `criteria` in plain words. Raises JudgeFailed.

    Equal texts are a tie, and nobody is asked.
    """
    if a == b:
        return Comparison(Preference.TIE, True, ("The outputs are the same.", "The outputs are the same."))
    sessions = (Session(judge), Session(judge))
    answers = await together(
        [
            session.ask("pairwise/v1", {"criteria": criteria}, {"input": prompt, "first": first, "second": second})
            for session, first, second in ((sessions[0], a, b), (sessions[1], b, a))
        ]
    )
    forward = {"first": Preference.WIN, "second": Preference.LOSS, "tie": Preference.TIE}[str(answers[0]["better"])]
    backward = {"first": Preference.LOSS, "second": Preference.WIN, "tie": Preference.TIE}[str(answers[1]["better"])]
    consistent = forward is backward
    return Comparison(
        forward if consistent else Preference.TIE,
        consistent,
        (str(answers[0]["reason"]), str(answers[1]["reason"])),
        sessions[0].usage + sessions[1].usage,
        sessions[0].cost_usd + sessions[1].cost_usd,
        sessions[0].model or sessions[1].model,
    )
