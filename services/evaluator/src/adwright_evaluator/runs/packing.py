"""Results as they are stored: a row of cells as one JSON text, compressed where that saves something."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from adwright_evaluator.model import (
    JSON,
    Answer,
    Assertion,
    AssertionSet,
    CellResult,
    CellStatus,
    Outcome,
    Usage,
    Verdict,
)

__all__ = ["pack_row", "unpack_row"]

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode

_WORTH_IT: Final = 1000
"""Characters from which a row is compressed: below one kilobyte, a write costs DynamoDB the same."""
_MOST_BYTES: Final = 350_000
"""An item of DynamoDB has at most 400 KB."""
_CLIPS: Final = (200_000, 20_000, 2_000, 100)
"""Characters that are kept of a text; fewer where the row is too large: of hundreds of columns the verdicts stay."""


def pack_row(cells: Sequence[CellResult]) -> dict[str, JSON]:
    """What is stored of the cells of a row."""
    for most in _CLIPS:
        text = _encode([_cell(cell, most) for cell in cells])
        if len(text) < _WORTH_IT:
            return {"cells": text}
        data = base64.b64encode(zlib.compress(text.encode(), 1)).decode()
        if len(data) <= _MOST_BYTES or most == _CLIPS[-1]:
            break
    return {"z": data}


def unpack_row(data: Mapping[str, JSON], *, components: bool = True) -> list[CellResult]:
    """The cells of a stored row; without `components` their verdicts do not say what each assertion said."""
    text = zlib.decompress(base64.b64decode(str(data["z"]))) if "z" in data else str(data["cells"])
    return [_uncell(each, components) for each in json.loads(text)]


def _cell(cell: CellResult, most: int) -> dict[str, Any]:
    answer = cell.answer
    shown = {name: _clip(value, most) for name, value in cell.vars.items()}
    packed: dict[str, Any] = {
        "k": [cell.case, cell.prompt, cell.provider, cell.repeat],
        "st": cell.status.value,
        "s": cell.score,
        "o": _clip(answer.output, most),
        "p": _clip(cell.prompt_text, most),
        "v": shown,
    }
    optional = {
        "l": answer.latency_ms,
        "c": answer.cost_usd,
        "u": _usage(answer.usage),
        "f": answer.finish_reason,
        "rf": answer.refused,
        "ca": answer.cached,
        "t": answer.trace_id,
        "m": answer.model,
        "md": {name: _clip(value, most) for name, value in answer.metadata.items()},
        "ae": _clip(answer.error, most),
        "e": _clip(cell.error, most),
        "d": _clip(cell.description, most),
        # Two runs may shorten the same case otherwise: by this it is still the same.
        "h": cell.vars_hash or (cell.case_key if shown != cell.vars else ""),
        "vd": _verdict(cell.verdict, most) if cell.verdict else None,
    }
    return packed | {key: value for key, value in optional.items() if value}


def _uncell(data: Mapping[str, Any], components: bool) -> CellResult:
    case, prompt, provider, repeat = data["k"]
    answer = Answer(
        output=data["o"],
        latency_ms=data.get("l"),
        cost_usd=data.get("c"),
        usage=Usage(*data.get("u", ())),
        finish_reason=data.get("f", ""),
        refused=data.get("rf", False),
        cached=data.get("ca", False),
        trace_id=data.get("t", ""),
        model=data.get("m", ""),
        metadata=data.get("md", {}),
        error=data.get("ae", ""),
    )
    return CellResult(
        case=case,
        prompt=prompt,
        provider=provider,
        repeat=repeat,
        status=CellStatus(data["st"]),
        score=data["s"],
        answer=answer,
        prompt_text=data["p"],
        vars=data["v"],
        verdict=_unverdict(data["vd"], components) if "vd" in data else None,
        error=data.get("e", ""),
        description=data.get("d", ""),
        vars_hash=data.get("h", ""),
    )


def _verdict(verdict: Verdict, most: int) -> dict[str, Any]:
    packed: dict[str, Any] = {"p": verdict.passed, "s": verdict.score, "r": _clip(verdict.reason, most)}
    optional = {
        "o": verdict.outcome.value if verdict.outcome is not Outcome.SCORED else None,
        "n": dict(verdict.named_scores),
        "u": _usage(verdict.usage),
        "c": verdict.cost_usd,
        "k": [_verdict(each, most) for each in verdict.components],
        "a": _assertion(verdict.assertion),
        "md": {name: _clip(value, most) for name, value in verdict.metadata.items()},
    }
    return packed | {key: value for key, value in optional.items() if value}


def _unverdict(data: Mapping[str, Any], components: bool = True) -> Verdict:
    return Verdict(
        passed=data["p"],
        score=data["s"],
        reason=data["r"],
        outcome=Outcome(data.get("o", "scored")),
        named_scores=data.get("n", {}),
        usage=Usage(*data.get("u", ())),
        cost_usd=data.get("c", 0.0),
        components=tuple(map(_unverdict, data.get("k", ()))) if components else (),
        assertion=_unassertion(data["a"]) if "a" in data else None,
        metadata=data.get("md", {}),
    )


def _assertion(assertion: Assertion | AssertionSet | None) -> dict[str, Any] | None:
    if assertion is None:
        return None
    packed: dict[str, Any] = {"w": assertion.weight}
    optional: dict[str, Any] = {"m": assertion.metric, "th": assertion.threshold}
    if isinstance(assertion, Assertion):
        packed |= {"t": assertion.type}
        optional |= {"n": assertion.negated, "v": _clip(assertion.value, 2000)}
    return packed | {key: value for key, value in optional.items() if value is not None and value != ""}


def _unassertion(data: Mapping[str, Any]) -> Assertion | AssertionSet:
    common: dict[str, Any] = {"weight": data["w"], "metric": data.get("m", ""), "threshold": data.get("th")}
    if "t" not in data:
        return AssertionSet((), **common)
    return Assertion(data["t"], data.get("v"), negated=data.get("n", False), **common)


def _usage(usage: Usage) -> Iterable[int] | None:
    counts = [usage.input_tokens, usage.output_tokens, usage.calls]
    return counts if any(counts) else None


def _clip(value: JSON, most: int) -> JSON:
    if isinstance(value, str):
        return value if len(value) <= most else f"{value[:most]}… ({len(value) - most} characters more)"
    if isinstance(value, dict | list):
        text = json.dumps(value, ensure_ascii=False)
        return value if len(text) <= most else _clip(text, most)
    return value
