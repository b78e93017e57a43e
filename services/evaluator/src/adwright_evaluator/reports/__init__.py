"""Runs as files. To add a format: a file that yields bytes of a RunView, and a line below."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from .html import html_page
from .junit import junit_xml
from .promptfoo import promptfoo_json
from .promptfoo_reading import read_results
from .tables import csv_rows, json_lines
from .view import RunView

__all__ = ["FORMATS", "RunView", "read_results"]

FORMATS: Final[Mapping[str, Callable[[RunView], Iterable[bytes]]]] = {
    "json": promptfoo_json,
    "jsonl": json_lines,
    "csv": csv_rows,
    "xml": junit_xml,
    "html": html_page,
}
"""By the ending of their files."""
