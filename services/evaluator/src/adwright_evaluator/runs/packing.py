"""Results as they are stored: a row of cells as one JSON text, compressed where that saves something."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

from adwright_evaluator.model import (
    JSON,
    NO_USAGE,
    Answer,
    Assertion,
    AssertionSet,
    CellResult,
    CellStatus,
    Outcome,
    Told,
    Usage,
    Verdict,
)

__all__ = ["pack_row", "tell_row", "unpack_row"]

_NO_TOKENS: Final = (0, 0)
_NO_VERDICT: Final[Mapping[str, Any]] = {}
_STATUSES: Final = {status.value: status for status in CellStatus}
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


def unpack_row(data: Mapping[str, JSON]) -> list[CellResult]:
    """The cells of a stored row."""
    return [_uncell(each) for each in _cells(data)]


def tell_row(data: Mapping[str, JSON]) -> list[Told]:
    """What the cells of a stored row add to sums: a fifth of the work."""
    return [_told(each) for each in _cells(data)]


def _cells(data: Mapping[str, JSON]) -> list[dict[str, Any]]:
    text = zlib.decompress(base64.b64decode(str(data["z"]))) if "z" in data else str(data["cells"])
    found: list[dict[str, Any]] = json.loads(text)
    return found


def _told(data: Mapping[str, Any]) -> Told:
    case, prompt, provider, _ = data["k"]
    verdict = data.get("vd", _NO_VERDICT)
    tokens, judging = data.get("u", _NO_TOKENS), verdict.get("u", _NO_TOKENS)
    return Told(
        case,
        provider,
        prompt,
        _STATUSES[data["st"]],
        data["s"],
        data.get("ca", False),
        data.get("l"),
        data.get("c"),
        (tokens[0], tokens[1]),
        verdict.get("c", 0.0),
        (judging[0], judging[1]),
        verdict.get("n", _NO_VERDICT),
    )


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
    if answer.latency_ms is not None:
        packed["l"] = answer.latency_ms
    if answer.cost_usd is not None:
        packed["c"] = answer.cost_usd
    if answer.usage != NO_USAGE:
        packed["u"] = _usage(answer.usage)
    if answer.metadata:
        packed["md"] = {name: _clip(value, most) for name, value in answer.metadata.items()}
    if cell.verdict is not None:
        packed["vd"] = _verdict(cell.verdict, most)
    # Two runs may shorten the same case otherwise: by this it is still the same.
    if case := cell.vars_hash or (cell.case_key if shown != cell.vars else ""):
        packed["h"] = case
    for key, value in (
        ("f", answer.finish_reason),
        ("rf", answer.refused),
        ("ca", answer.cached),
        ("t", answer.trace_id),
        ("m", answer.model),
        ("ae", answer.error),
        ("e", cell.error),
        ("d", cell.description),
    ):
        if value:
            packed[key] = _clip(value, most)
    return packed


def _uncell(data: Mapping[str, Any]) -> CellResult:
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
        verdict=_unverdict(data["vd"]) if "vd" in data else None,
        error=data.get("e", ""),
        description=data.get("d", ""),
        vars_hash=data.get("h", ""),
    )


def _verdict(verdict: Verdict, most: int) -> dict[str, Any]:
    packed: dict[str, Any] = {"p": verdict.passed, "s": verdict.score, "r": _clip(verdict.reason, most)}
    # One by one: a table of what there may be costs more than to look, and most verdicts have little.
    if verdict.outcome is not Outcome.SCORED:
        packed["o"] = verdict.outcome.value
    if verdict.named_scores:
        packed["n"] = dict(verdict.named_scores)
    if verdict.usage != NO_USAGE:
        packed["u"] = _usage(verdict.usage)
    if verdict.cost_usd:
        packed["c"] = verdict.cost_usd
    if verdict.components:
        packed["k"] = [_verdict(each, most) for each in verdict.components]
    if verdict.assertion is not None:
        packed["a"] = _assertion(verdict.assertion)
    if verdict.metadata:
        packed["md"] = {name: _clip(value, most) for name, value in verdict.metadata.items()}
    return packed


def _unverdict(data: Mapping[str, Any]) -> Verdict:
    return Verdict(
        passed=data["p"],
        score=data["s"],
        reason=data["r"],
        outcome=Outcome(data.get("o", "scored")),
        named_scores=data.get("n", {}),
        usage=Usage(*data.get("u", ())),
        cost_usd=data.get("c", 0.0),
        components=tuple(map(_unverdict, data.get("k", ()))),
        assertion=_unassertion(data["a"]) if "a" in data else None,
        metadata=data.get("md", {}),
    )


def _assertion(assertion: Assertion | AssertionSet) -> dict[str, Any]:
    packed: dict[str, Any] = {"w": assertion.weight}
    if assertion.metric:
        packed["m"] = assertion.metric
    if assertion.threshold is not None:
        packed["th"] = assertion.threshold
    if isinstance(assertion, Assertion):
        packed["t"] = assertion.type
        if assertion.negated:
            packed["n"] = True
        if assertion.value is not None and assertion.value != "":
            packed["v"] = _clip(assertion.value, 2000)
    return packed


def _unassertion(data: Mapping[str, Any]) -> Assertion | AssertionSet:
    common: dict[str, Any] = {"weight": data["w"], "metric": data.get("m", ""), "threshold": data.get("th")}
    if "t" not in data:
        return AssertionSet((), **common)
    return Assertion(data["t"], data.get("v"), negated=data.get("n", False), **common)


def _usage(usage: Usage) -> list[int]:
    return [usage.input_tokens, usage.output_tokens, usage.calls]


def _clip(value: JSON, most: int) -> JSON:
    if isinstance(value, str):
        return value if len(value) <= most else f"{value[:most]}… ({len(value) - most} characters more)"
    if isinstance(value, dict | list):
        text = json.dumps(value, ensure_ascii=False)
        return value if len(text) <= most else _clip(text, most)
    return value
