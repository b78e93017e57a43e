"""The words of evaluations: what a suite asks, what a provider answered, what was said of it. Plain data."""

from .answer import NO_USAGE, Answer, Usage
from .cell import CellResult, CellStatus, Told
from .grading import Completion, Embedder, Grading, Judge, Scorer, SetScorer, Tools
from .suite import JSON, Assertion, AssertionSet, Case, Place, Prompt, ProviderSpec, RunOptions, Suite
from .verdict import Outcome, Verdict

__all__ = [
    "JSON",
    "NO_USAGE",
    "Answer",
    "Assertion",
    "AssertionSet",
    "Case",
    "CellResult",
    "CellStatus",
    "Completion",
    "Embedder",
    "Grading",
    "Judge",
    "Outcome",
    "Place",
    "Prompt",
    "ProviderSpec",
    "RunOptions",
    "Scorer",
    "SetScorer",
    "Suite",
    "Told",
    "Tools",
    "Usage",
    "Verdict",
]
