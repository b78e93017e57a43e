"""Choosing scorers by name, running them, and summing up what they found."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

from rapidfuzz import process

from adwright_checks import Check, Finding, Subject, is_valid, run_checks
from adwright_evaluator.pool import ScoringPool
from adwright_servicekit.errors import InvalidInput

__all__ = ["Evaluation", "Evaluator"]

_NEAR_ENOUGH = 50.0
"""Similarity (rapidfuzz WRatio, 0 to 100) from which a known name is worth suggesting."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What the scorers said of one text."""

    findings: tuple[Finding, ...]
    """In the order of the scorers' names."""
    passed: bool
    """True when no required scorer failed, and none broke."""
    score: float | None
    """Mean over the scorers that scored, 0 to 1; None when none did."""


class Evaluator:
    """Holds texts against scorers, away from the event loop."""

    def __init__(self, scorers: Iterable[Check], pool: ScoringPool) -> None:
        self._scorers = {scorer.name: scorer for scorer in sorted(scorers, key=lambda item: item.name)}
        self._pool = pool

    @property
    def scorers(self) -> tuple[Check, ...]:
        """All scorers, by name."""
        return tuple(self._scorers.values())

    async def evaluate(self, subject: Subject, names: Sequence[str] = ()) -> Evaluation:
        """What the scorers called `names` say of `subject`; without names, all of them.

        Raises InvalidInput for a name that no scorer has, and ResourceExhausted when too much is waiting.
        """
        chosen = self._choose(names)
        findings = await self._pool.run(lambda: run_checks(chosen, subject))
        return Evaluation(tuple(findings), is_valid(findings), _mean_score(findings))

    def _choose(self, names: Sequence[str]) -> list[Check]:
        for index, name in enumerate(names):
            if name not in self._scorers:
                raise InvalidInput.of(f"scorers[{index}]", self._unknown(name), reason="UNKNOWN_SCORER")
        return [scorer for name, scorer in self._scorers.items() if not names or name in names]

    def _unknown(self, name: str) -> str:
        nearest = process.extractOne(name, list(self._scorers), processor=str.lower, score_cutoff=_NEAR_ENOUGH)
        hint = f"did you mean {nearest[0]}?" if nearest else f"there are {', '.join(self._scorers)}"
        return f"there is no scorer {name!r}: {hint}"


def _mean_score(findings: Iterable[Finding]) -> float | None:
    """Every scorer weighs the same, however many texts it had something to say of."""
    by_scorer: dict[str, list[float]] = {}
    for finding in findings:
        if finding.score is not None:
            by_scorer.setdefault(finding.check, []).append(finding.score)
    return fmean(map(fmean, by_scorer.values())) if by_scorer else None
