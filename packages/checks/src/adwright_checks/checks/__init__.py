"""The checks, one file each."""

from adwright_checks.checks.banned_terms import BannedTerms
from adwright_checks.checks.brand_named import BrandNamed
from adwright_checks.checks.duplicates import Duplicates
from adwright_checks.checks.facts import Facts
from adwright_checks.checks.limits import Limits
from adwright_checks.model import Check

__all__ = ["BannedTerms", "BrandNamed", "Duplicates", "Facts", "Limits", "default_checks"]


def default_checks() -> tuple[Check, ...]:
    """One of each check, cheapest first. Safe to share between threads; build once, it caches."""
    return (Limits(), BannedTerms(), Duplicates(), Facts(), BrandNamed())
