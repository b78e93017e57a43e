"""Which name was probably meant."""

from __future__ import annotations

from rapidfuzz import fuzz, process

__all__ = ["closest"]


def closest(wanted: str, there: list[str]) -> str | None:
    """The one of `there` that was probably meant, None where nothing is near."""
    found = process.extractOne(wanted, there, scorer=fuzz.WRatio, score_cutoff=70.0)
    return None if found is None else found[0]
