"""The scorers, one file each. A scorer is a check: the shared ones are registered as they are.

To add one: a file here, its test, and a line below.
"""

from adwright_checks import Check, default_checks
from adwright_evaluator.scorers.language import Language
from adwright_evaluator.scorers.readability import Readability

__all__ = ["Language", "Readability", "all_scorers"]


def all_scorers() -> tuple[Check, ...]:
    """One of each. Safe to share between threads; loads no model until it is needed."""
    return (*default_checks(), Language(), Readability())
