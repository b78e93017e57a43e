"""Runs as rows: CSV for spreadsheets, JSON lines for programs."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator

from adwright_evaluator.messages import output_text
from adwright_evaluator.model import JSON

from .promptfoo import result_of
from .view import RunView

__all__ = ["csv_rows", "json_lines"]

_FORMULA = re.compile(r"[\s\0\u200b-\u200f\u2060\ufeff]*[=+\-@＝＋－＠]|[\t\r\n]")
"""What spreadsheets take for the begin of one: after what they do not show, and in full width, too."""


def csv_rows(view: RunView) -> Iterator[bytes]:
    """One row a cell, variables as columns; what a spreadsheet would take for a formula begins with an apostrophe."""
    names = list(dict.fromkeys(name for cell in view.cells for name in cell.vars))
    heading = ["case", "description", "provider", "prompt", "repeat", "status", "score", "output", "reason", "error"]
    more = ["latency_ms", "cost_usd", "input_tokens", "output_tokens", "trace_id"]
    yield _line([*heading, *more, *(f"var:{name}" for name in names)])
    for cell in view.cells:
        answer, verdict = cell.answer, cell.verdict
        yield _line(
            [
                cell.case,
                cell.title,
                view.providers[cell.provider],
                view.prompts[cell.prompt][0],
                cell.repeat,
                cell.status.value,
                cell.score,
                output_text(answer.output),
                verdict.reason if verdict else "",
                cell.error,
                answer.latency_ms,
                answer.cost_usd,
                answer.usage.input_tokens,
                answer.usage.output_tokens,
                answer.trace_id,
                *(output_text(cell.vars.get(name)) for name in names),
            ]
        )


def json_lines(view: RunView) -> Iterator[bytes]:
    """One cell a line, as in promptfoo's results."""
    for cell in view.cells:
        yield json.dumps(result_of(view, cell), ensure_ascii=False).encode() + b"\n"


def _line(values: list[JSON]) -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow([_safe(value) for value in values])
    return out.getvalue().encode()


def _safe(value: JSON) -> JSON:
    return f"'{value}" if isinstance(value, str) and _FORMULA.match(value) else value
