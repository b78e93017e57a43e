"""`select-best`: a judge chooses among the outputs of one case, asked in two opposite orders.

The first order is drawn by the outputs themselves, so it is the same in every run and favours no provider. Where the
two orders lead to different outputs, these two share the first place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..model import Grading, Verdict
from .panel import judges_of
from .verdicts import JudgeFailed, Session, criterion, wrong

__all__ = ["select_best"]

_FEWEST = 2


async def select_best(gradings: Sequence[Grading]) -> Sequence[Verdict]:
    """One verdict an output: the chosen passes with 1, the others fail with 0; those that share the first place pass
    with their share of 1.

    Equal outputs are one candidate. Outputs that have an error are left out; not applicable where fewer than two are
    left.
    """
    alive = [at for at, grading in enumerate(gradings) if not grading.answer.error]
    out = Verdict.not_applicable("There are not two outputs to choose from.")
    if len(alive) < _FEWEST:
        return [out] * len(gradings)
    grading = gradings[alive[0]]
    criteria = criterion(grading)
    judges = judges_of(grading)
    if len(judges) > 1:
        raise wrong(grading, "config.judges", "names several judges; select-best asks one")
    texts = list(dict.fromkeys(gradings[at].text for at in alive))
    sessions = (Session(judges[0]), Session(judges[0]))
    try:
        chosen, reasons = await _chosen(grading, criteria, texts, sessions)
    except JudgeFailed as error:
        chosen, reasons = [], [str(error)]
    first = _concluded(sessions, alive[0], len(gradings))
    verdicts = [
        _verdict(gradings[at], gradings, alive, chosen, reasons) if at in alive else out for at in range(len(gradings))
    ]
    return [replace(first[at], **_parts(verdict)) for at, verdict in enumerate(verdicts)]
