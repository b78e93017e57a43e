"""A run as reports see it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from adwright_evaluator.model import CellResult

__all__ = ["RunView"]


@dataclass(frozen=True, slots=True)
class RunView:
    """Everything that is known of a run."""

    name: str
    """`evaluations/01j…`."""
    description: str
    create_time: datetime
    prompts: tuple[tuple[str, str], ...]
    """Label and text of each, by position."""
    providers: tuple[str, ...]
    """Labels, by position."""
    cells: Iterable[CellResult]
    """By case, provider, prompt, repeat; to be gone through several times, and to be kept by nobody."""

    def column(self, cell: CellResult) -> str:
        """`PROMPT × PROVIDER`."""
        return f"{self.prompts[cell.prompt][0]} × {self.providers[cell.provider]}"
