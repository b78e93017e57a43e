"""What is said of an output."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from .answer import NO_USAGE, Usage
from .suite import JSON, Assertion, AssertionSet

__all__ = ["Outcome", "Verdict"]


class Outcome(Enum):
    """What became of an assertion."""

    SCORED = "scored"
    NOT_APPLICABLE = "not_applicable"
    """Nothing to look at; counts neither for nor against."""
    FAILED = "failed"
    """It could not be told; never a zero."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a scorer said of an output."""

    passed: bool
    score: float
    """0 to 1 for most; rouge, cost and so on have their own ranges. 0 unless scored."""
    reason: str
    """One sentence a person can act on."""
    outcome: Outcome = Outcome.SCORED
    named_scores: Mapping[str, float] = field(default_factory=dict)
    usage: Usage = NO_USAGE
    """What judging took."""
    cost_usd: float = 0.0
    components: tuple[Verdict, ...] = ()
    assertion: Assertion | AssertionSet | None = None
    """Set by who runs the scorers."""
    metadata: Mapping[str, JSON] = field(default_factory=dict)

    def of(self, assertion: Assertion | AssertionSet) -> Verdict:
        """The same, as the verdict of this assertion."""
        # Written out: `replace` takes four times as long, and every assertion of every cell comes by here.
        return Verdict(
            self.passed,
            self.score,
            self.reason,
            self.outcome,
            self.named_scores,
            self.usage,
            self.cost_usd,
            self.components,
            assertion,
            self.metadata,
        )

    @classmethod
    def failed(cls, reason: str) -> Verdict:
        """It could not be told."""
        return cls(False, 0.0, reason, Outcome.FAILED)

    @classmethod
    def not_applicable(cls, reason: str) -> Verdict:
        """There is nothing to look at."""
        return cls(True, 0.0, reason, Outcome.NOT_APPLICABLE)
