"""`select-best`: a judge chooses among the outputs of one case, asked in two opposite orders.

The first order is drawn by the outputs themselves, so it is the same in every run and favours no provider. Where the
two orders lead to different outputs, these two share the first place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from hashlib import blake2b

from ..model import JSON, Grading, Outcome, Usage, Verdict
from .llm_rubric import custom_rubric
from .panel import judges_of, together
from .verdicts import JudgeFailed, Session, criterion, wrong

__all__ = ["select_best"]

_FEWEST = 2


async def select_best(gradings: Sequence[Grading]) -> Sequence[Verdict]:
    """One verdict an output: the chosen passes with 1, the others fail with 0.

    Outputs that share the first place pass with their share of 1. Equal outputs are one candidate. Outputs with an
    error are left out; not applicable where fewer than two are left. What judging took is in the first verdict alone.
    """
    idle = Verdict.not_applicable("There are not two outputs to choose from.")
    alive = [at for at, grading in enumerate(gradings) if not grading.answer.error]
    verdicts = [idle] * len(gradings)
    if len(alive) < _FEWEST:
        return verdicts
    found = await _compared([gradings[at] for at in alive])
    for at, verdict in zip(alive, found, strict=True):
        verdicts[at] = verdict
    return verdicts


async def _compared(gradings: Sequence[Grading]) -> list[Verdict]:
    grading = gradings[0]
    criteria = criterion(grading)
    judges = judges_of(grading)
    if len(judges) > 1:
        raise wrong(grading, "config.judges", "names several judges; select-best asks one")
    texts = list(dict.fromkeys(each.text for each in gradings))
    sessions = (Session(judges[0]), Session(judges[0]))
    verdicts: list[Verdict]
    try:
        first, second, reason = await _choice(grading, criteria, texts, sessions)
    except JudgeFailed as error:
        verdicts = [Verdict.failed(str(error)) for _ in gradings]
    else:
        verdicts = [_verdict(each.text, (first, second), gradings, reason) for each in gradings]
    found = [sessions[0].conclude(verdict) for verdict in verdicts]
    usage, cost = sessions[0].usage + sessions[1].usage, sessions[0].cost_usd + sessions[1].cost_usd
    return [
        replace(verdict, usage=Usage() if at else usage, cost_usd=0.0 if at else cost)
        for at, verdict in enumerate(found)
    ]


async def _choice(
    grading: Grading, criteria: str, texts: Sequence[str], sessions: tuple[Session, Session]
) -> tuple[str, str, str]:
    """What is chosen in either order, and why."""
    if len(texts) == 1:
        return texts[0], texts[0], "The outputs are the same."
    order = sorted(texts, key=lambda text: blake2b(text.encode("utf-8", "surrogatepass")).digest())
    orders = (order, order[::-1])
    (one, why), (other, _) = await together(
        [_asked(grading, criteria, order, session) for order, session in zip(orders, sessions, strict=True)]
    )
    return one, other, why


async def _asked(grading: Grading, criteria: str, order: Sequence[str], session: Session) -> tuple[str, str]:
    custom = custom_rubric(grading)
    trusted: dict[str, JSON] = {"criteria": criteria, "count": len(order)}
    answer = await session.ask("select-best/v1", trusted, {"outputs": order}, custom=custom, variables=grading.vars)
    # promptfoo's prompts number the outputs from 0.
    number = int(str(answer["best"])) - (custom is None)
    if not 0 <= number < len(order):
        raise JudgeFailed(f"the judge chose text {answer['best']}, and there are {len(order)}")
    return order[number], str(answer["reason"])


def _verdict(text: str, chosen: tuple[str, str], gradings: Sequence[Grading], reason: str) -> Verdict:
    sharing = sum(grading.text in chosen for grading in gradings)
    consistent = chosen[0] == chosen[1]
    about: dict[str, JSON] = {"consistent": consistent, "tied": sharing if sharing > 1 else 0}
    if text not in chosen:
        return Verdict(False, 0.0, f"Another output was chosen. {reason}", Outcome.SCORED, metadata=about)
    if not consistent:
        reason = "The judge chose this output in one order of the outputs and another in the other order: a tie."
    elif sharing > 1:
        reason = f"This output was chosen, and {sharing - 1} other has the same words. {reason}"
    else:
        reason = f"Chosen in both orders of the outputs. {reason}"
    return Verdict(True, 1 / sharing, reason, Outcome.SCORED, metadata=about)
