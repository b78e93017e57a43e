"""promptfoo's result JSON, read: files of others, in which anything may stand anywhere."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from adwright_evaluator.model import Answer, Assertion, CellResult, CellStatus, Outcome, Usage, Verdict
from adwright_servicekit.errors import InvalidInput

from .promptfoo import FAILURES
from .view import RunView

__all__ = ["read_results"]

_DEEPEST: Final = 100
_MOST: Final = 10**9
_STATUSES: Final = {number: status for status, number in FAILURES.items()}


class _Wrong(Exception):
    """What stands where it must not."""


def read_results(data: bytes, field: str = "results") -> RunView:
    """A file of results, ours or promptfoo's. Raises InvalidInput that names what is wrong and where."""
    try:
        return _view(json.loads(data))
    except _Wrong as error:
        said = str(error)
    except RecursionError:
        said = f"it is nested deeper than {_DEEPEST} levels"
    except UnicodeEncodeError as error:
        said = f"it has half of a character, {error.object[error.start]!a}"
    except ValueError:
        said = "it is no JSON in UTF-8"
    raise InvalidInput.of(field, f"is no file of results of adwright or promptfoo: {said}", reason="RESULTS_UNREADABLE")


def _view(loaded: Any) -> RunView:
    _look_through(loaded)
    whole = _object(loaded, "the file")
    results = _object(whole.get("results"), "results")
    rows = _list(results.get("results"), "results.results")
    # Prompts may have the same label, which is their first line.
    prompts: dict[tuple[str, str], int] = {}
    providers: dict[str, int] = {}
    texts: list[str] = []
    cells = []
    seen: dict[tuple[int, int, int], int] = defaultdict(int)
    for index, given in enumerate(rows):
        at = f"results.results[{index}]"
        row = _object(given, at)
        provider = row.get("provider")
        if isinstance(provider, Mapping):
            provider = provider.get("label") or provider.get("id")
        label = _text(provider, f"{at}.provider")
        asked = _object(row.get("prompt"), f"{at}.prompt")
        prompt = _text(asked.get("label") or asked.get("raw"), f"{at}.prompt.raw")
        q = prompts.setdefault((prompt, str(row.get("promptId") or "")), len(prompts))
        p = providers.setdefault(label, len(providers))
        texts += [str(asked.get("raw") or "")] * (q == len(texts))
        key = (_count(row.get("testIdx"), f"{at}.testIdx"), p, q)
        cells.append(_cell(row, at, key, seen[key]))
        seen[key] += 1
    return RunView(
        name=str(whole.get("evalId") or ""),
        description=str(_object(whole.get("config") or {}, "config").get("description") or ""),
        create_time=_time(results.get("timestamp")),
        prompts=tuple((label, text) for (label, _), text in zip(prompts, texts, strict=True)),
        providers=tuple(providers),
        cells=sorted(cells, key=lambda cell: cell.key),
    )


def _cell(row: Mapping[str, Any], at: str, key: tuple[int, int, int], repeat: int) -> CellResult:
    response = _object(row.get("response") or {}, f"{at}.response")
    tokens = _object(response.get("tokenUsage") or {}, f"{at}.response.tokenUsage")
    counts = (
        _count(tokens.get(name) or 0, f"{at}.response.tokenUsage.{name}")
        for name in ("prompt", "completion", "numRequests")
    )
    graded, ours = row.get("gradingResult"), _object(row.get("adwright") or {}, f"{at}.adwright")
    return CellResult(
        case=key[0],
        provider=key[1],
        prompt=key[2],
        repeat=repeat,
        status=_status(row, at),
        score=_number(row.get("score"), f"{at}.score"),
        answer=Answer(
            output=response.get("output"),
            latency_ms=_known(row.get("latencyMs"), f"{at}.latencyMs"),
            cost_usd=_known(row.get("cost"), f"{at}.cost"),
            usage=Usage(*counts),
            cached=bool(response.get("cached")),
        ),
        prompt_text=str(row["prompt"].get("raw") or ""),
        vars=_object(row.get("vars") or {}, f"{at}.vars"),
        verdict=_verdict(graded, f"{at}.gradingResult") if graded else None,
        error=str(row.get("error") or ""),
        vars_hash=str(ours.get("varsHash") or ""),
    )


def _status(row: Mapping[str, Any], at: str) -> CellStatus:
    failure = row.get("failureReason")
    if failure is None:
        if "success" not in row:
            raise _Wrong(f"{at}.success is missing")
        return CellStatus.PASSED if row["success"] else CellStatus.FAILED
    if isinstance(failure, bool) or not isinstance(failure, int) or failure not in _STATUSES:
        raise _Wrong(f"{at}.failureReason is {_shown(failure)}, and must be one of {', '.join(map(str, _STATUSES))}")
    return _STATUSES[failure]


def _verdict(given: Any, at: str) -> Verdict:
    data = _object(given, at)
    if "pass" not in data:
        raise _Wrong(f"{at}.pass is missing")
    about = _object(data.get("assertion") or {}, f"{at}.assertion")
    kind, weight = str(about.get("type") or ""), about.get("weight")
    outcome = _object(data.get("adwright") or {}, f"{at}.adwright").get("outcome", Outcome.SCORED.value)
    if outcome not in [each.value for each in Outcome]:
        raise _Wrong(f"{at}.adwright.outcome is {_shown(outcome)}")
    named = _object(data.get("namedScores") or {}, f"{at}.namedScores")
    parts = _list(data.get("componentResults") or [], f"{at}.componentResults")
    return Verdict(
        passed=bool(data["pass"]),
        score=_number(data.get("score"), f"{at}.score"),
        reason=str(data.get("reason") or ""),
        outcome=Outcome(outcome),
        named_scores={
            name: _number(value, f"{at}.namedScores.{name}") for name, value in named.items() if value is not None
        },
        components=tuple(_verdict(each, f"{at}.componentResults[{index}]") for index, each in enumerate(parts)),
        assertion=Assertion(
            kind.removeprefix("not-"),
            about.get("value"),
            negated=kind.startswith("not-"),
            weight=1.0 if weight is None else _number(weight, f"{at}.assertion.weight"),
            metric=str(about.get("metric") or ""),
        )
        if kind
        else None,
    )


def _look_through(loaded: Any) -> None:
    """What would break later, wherever it stands: depth, and halves of characters."""
    left = [(loaded, 0)]
    while left:
        value, depth = left.pop()
        if depth > _DEEPEST:
            raise RecursionError
        if isinstance(value, str):
            # Raises UnicodeEncodeError, a ValueError.
            value.encode()
        elif isinstance(value, dict):
            left += ((each, depth + 1) for pair in value.items() for each in pair)
        elif isinstance(value, list):
            left += ((each, depth + 1) for each in value)


def _object(value: Any, at: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise _Wrong(f"{at} is {_shown(value)}, and must be an object")
    return value


def _list(value: Any, at: str) -> Sequence[Any]:
    if not isinstance(value, list):
        raise _Wrong(f"{at} is {_shown(value)}, and must be a list")
    return value


def _text(value: Any, at: str) -> str:
    if value is None or isinstance(value, dict | list):
        raise _Wrong(f"{at} is {_shown(value)}, and must be a text")
    return str(value)


def _number(value: Any, at: str) -> float:
    # Whole numbers of a thousand digits are numbers in JSON, too.
    usable = isinstance(value, int | float) and abs(value) <= _MOST
    if not usable or isinstance(value, bool) or not math.isfinite(value):
        raise _Wrong(f"{at} is {_shown(value)}, and must be a number")
    return float(value)


def _known(value: Any, at: str) -> float | None:
    return None if value is None else _number(value, at)


def _count(value: Any, at: str) -> int:
    number = _number(value, at)
    if number < 0 or number != int(number):
        raise _Wrong(f"{at} is {_shown(value)}, and must be a whole number")
    return int(number)


def _time(value: Any) -> datetime:
    try:
        return datetime.fromisoformat(str(value or "1970-01-01T00:00:00+00:00")).astimezone(UTC)
    except (ValueError, OverflowError):
        raise _Wrong(f"results.timestamp is {_shown(value)}, and must be a time") from None


def _shown(value: Any) -> str:
    if value is None:
        return "missing"
    if isinstance(value, dict | list):
        return "a list" if isinstance(value, list) else "an object"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 40 else f"{text[:40]}…"
