"""A run as one page that opens from disk: matrix, filters, details side by side, differences, intervals. No network."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Any

from adwright_evaluator.messages import output_text
from adwright_evaluator.model import CellResult, Verdict
from adwright_evaluator.summary import Measure, summarise

from .view import RunView

__all__ = ["html_page"]


def html_page(view: RunView) -> Iterator[bytes]:
    """The page. Its policy lets nothing but its own script run, whatever stands in outputs."""
    page, style, script = _source("report.html"), _source("report.css"), _source("report.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    before, after = page.split("%DATA%")
    yield before.replace("%STYLE%", style).replace("%HASH%", digest).replace("%TITLE%", _text(view.name)).encode()
    yield _embedded(_head(view))[:-1] + b',"cells":['
    for index, cell in enumerate(view.cells):
        yield (b",\n" if index else b"\n") + _embedded(_cell(view, cell))
    yield b"]}" + after.replace("%SCRIPT%", script).encode()


@cache
def _source(name: str) -> str:
    return files("adwright_evaluator.reports").joinpath("page", name).read_text(encoding="utf-8")


def _embedded(value: Any) -> bytes:
    """JSON in which nothing can end the element that it stands in."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e").encode()


def _text(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _head(view: RunView) -> dict[str, Any]:
    return {
        "name": view.name,
        "description": view.description,
        "time": view.create_time.isoformat(timespec="seconds"),
        "prompts": [{"label": label, "text": text} for label, text in view.prompts],
        "providers": list(view.providers),
        "columns": [
            {
                "p": each.provider,
                "q": each.prompt,
                "scored": each.scored,
                "passed": each.passed,
                "errors": each.errors,
                "rate": _measure(each.pass_rate),
                "score": _measure(each.score),
                "metrics": {name: _measure(measure) for name, measure in each.metrics.items()},
                "cost": each.cost_usd,
                "p50": each.latency_p50_ms,
                "p95": each.latency_p95_ms,
                "pareto": each.pareto,
            }
            for each in summarise(view.cells)
        ],
    }


def _measure(measure: Measure) -> list[float | None]:
    interval = measure.interval
    return [measure.value, interval.low if interval else None, interval.high if interval else None]


def _cell(view: RunView, cell: CellResult) -> dict[str, Any]:
    answer, verdict = cell.answer, cell.verdict
    return {
        "c": cell.case,
        "p": cell.provider,
        "q": cell.prompt,
        "r": cell.repeat,
        "d": cell.title,
        "s": cell.status.value,
        "v": round(cell.score, 4),
        "o": output_text(answer.output),
        "b": list(cell.back_translation),
        "i": cell.prompt_text,
        "e": cell.error,
        "vars": dict(cell.vars),
        "a": [_assertion(each) for each in (verdict.components if verdict else ())],
        "l": answer.latency_ms,
        "u": _cost(cell),
        "t": answer.trace_id,
        "m": answer.model,
        "k": answer.usage.input_tokens + answer.usage.output_tokens,
    }


def _cost(cell: CellResult) -> float | None:
    """With the judge's; None where nobody tells one."""
    told = cell.answer.cost_usd
    judging = cell.verdict.cost_usd if cell.verdict else 0.0
    return None if told is None and not judging else (told or 0.0) + judging


def _assertion(verdict: Verdict) -> list[Any]:
    assertion = verdict.assertion
    name = getattr(assertion, "name", "assert-set")
    metric = assertion.metric if assertion else ""
    return [name, verdict.outcome.value, verdict.passed, round(verdict.score, 4), verdict.reason, metric]
