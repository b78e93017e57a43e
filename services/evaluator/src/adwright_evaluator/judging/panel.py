"""One judge or several: what each says of an output, put together.

`config.judges` lists the judges of an assertion, as the suite lists providers. A panel of different families is
steadier than one large judge (Verga et al., Replacing Judges with Juries, 2024). More than half of those that could
tell must pass the output; its score is their mean, or their median where `config.panelScore` says so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import replace
from statistics import fmean, median
from typing import TypeAlias, TypeVar

from ..model import JSON, Grading, Judge, Outcome, ProviderSpec, Scorer, Usage, Verdict
from .back_translation import with_translation
from .self_preference import family, same_family
from .verdicts import JudgeFailed, Session, setting, wrong

__all__ = ["Work", "aggregated", "judges_of", "model_graded", "together"]

_T = TypeVar("_T")
Work: TypeAlias = Callable[[Grading, Session], Awaitable[Verdict]]
"""Makes one judge's verdict. Raises JudgeFailed where the judge is of no use, InvalidInput where the suite is wrong."""
_SCORES: Mapping[str, Callable[[Sequence[float]], float]] = {"mean": fmean, "median": median}
_MOST_JUDGES = 9


def model_graded(work: Work) -> Scorer:
    """The scorer that lets the assertion's judges do `work`, all at once."""

    async def score(grading: Grading) -> Verdict:
        judges = judges_of(grading)
        verdicts = await together([_judged(grading, judge, work) for judge in judges])
        verdict = verdicts[0] if len(verdicts) == 1 else aggregated(verdicts, _score_name(grading))
        if verdict.outcome is Outcome.SCORED:
            verdict = await with_translation(grading, judges[0], verdict)
        return verdict

    score.__doc__ = work.__doc__
    return score


def judges_of(grading: Grading) -> list[Judge]:
    """The judges of an assertion: those of `config.judges`, else its provider. Raises InvalidInput."""
    listed = grading.assertion.config.get("judges")
    if listed is None:
        return [grading.tools.judge(grading.assertion.provider)]
    if isinstance(listed, str) or not isinstance(listed, Sequence) or not 1 <= len(listed) <= _MOST_JUDGES:
        raise wrong(grading, "config.judges", f"is a list of 1 to {_MOST_JUDGES} providers such as backend:NAME")
    return [grading.tools.judge(_spec(grading, at, item)) for at, item in enumerate(listed)]


def aggregated(verdicts: Sequence[Verdict], score_by: str = "mean") -> Verdict:
    """What several judges say together; the verdicts of all are its components.

    `score_by` is `mean` or `median`. Judges that failed have no vote; where not even half of them could tell, nobody
    knows.
    """
    scored = [verdict for verdict in verdicts if verdict.outcome is Outcome.SCORED]
    usage = sum((verdict.usage for verdict in verdicts), Usage())
    cost = sum(verdict.cost_usd for verdict in verdicts)
    idle = [verdict for verdict in verdicts if verdict.outcome is Outcome.NOT_APPLICABLE]
    if not scored and len(idle) == len(verdicts):
        return replace(idle[0], usage=usage, cost_usd=cost, components=tuple(verdicts))
    if 2 * len(scored) <= len(verdicts) - len(idle):
        reasons = "; ".join(verdict.reason for verdict in verdicts if verdict.outcome is Outcome.FAILED)
        failed = Verdict.failed(f"only {len(scored)} of {len(verdicts)} judges could tell: {reasons}")
        return replace(failed, usage=usage, cost_usd=cost, components=tuple(verdicts))
    votes = sum(verdict.passed for verdict in scored)
    scores = [verdict.score for verdict in scored]
    spread = max(scores) - min(scores)
    passed = 2 * votes > len(scored)
    tie = ", a tie, which does not pass" if 2 * votes == len(scored) else ""
    opinions = " ".join(f"[{verdict.metadata.get('judge', '')}] {verdict.reason}" for verdict in scored)
    reason = f"{votes} of {len(scored)} judges pass it{tie}; their scores lie {spread:.2f} apart. {opinions}"
    about: dict[str, JSON] = {
        "votes": votes,
        "judges": [verdict.metadata.get("judge", "") for verdict in verdicts],
        "spread": spread,
        "judges_failed": len(verdicts) - len(scored),
    }
    if any(verdict.metadata.get("self_preference") for verdict in scored):
        about["self_preference"] = True
    return Verdict(
        passed,
        _SCORES[score_by](scores),
        reason,
        usage=usage,
        cost_usd=cost,
        components=tuple(verdicts),
        metadata=about,
    )


async def together(work: Sequence[Coroutine[object, object, _T]]) -> list[_T]:
    """The results of all, in order; when one raises, or this is cancelled, the others are cancelled."""
    tasks = [asyncio.ensure_future(item) for item in work]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()


async def _judged(grading: Grading, judge: Judge, work: Work) -> Verdict:
    session = Session(judge)
    try:
        verdict = await work(grading, session)
    except JudgeFailed as error:
        verdict = Verdict.failed(str(error))
    verdict = session.conclude(verdict)
    model = session.model
    if verdict.outcome is not Outcome.SCORED or not same_family(model, grading.answer.model):
        return verdict
    note = f" (The judge is of the family that wrote the output, {family(model)}: it may prefer its own.)"
    return replace(verdict, reason=verdict.reason + note, metadata={**verdict.metadata, "self_preference": True})


def _spec(grading: Grading, at: int, item: JSON) -> ProviderSpec:
    if isinstance(item, str) and item:
        return ProviderSpec(item, item)
    if isinstance(item, Mapping) and isinstance(item.get("id"), str) and item["id"]:
        id, label, config = str(item["id"]), item.get("label"), item.get("config")
        return ProviderSpec(id, label if isinstance(label, str) else id, config if isinstance(config, Mapping) else {})
    raise wrong(grading, f"config.judges[{at}]", "is the name of a provider, or an object with its id")


def _score_name(grading: Grading) -> str:
    name = setting(grading, "panelScore")
    if name is None:
        return "mean"
    if name not in _SCORES:
        raise wrong(grading, "config.panelScore", "is mean or median")
    return str(name)
