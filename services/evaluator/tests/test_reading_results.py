"""Files of results that others wrote: read, or refused in one line that says what is wrong and where."""

import json
from typing import Any

import pytest

from adwright_evaluator.model import CellStatus
from adwright_evaluator.reports import read_results
from adwright_servicekit.errors import InvalidInput


def row(**changes: Any) -> dict[str, Any]:
    return {
        "testIdx": 0,
        "provider": {"id": "echo"},
        "prompt": {"raw": "Say x", "label": "one"},
        "vars": {"x": "y"},
        "success": True,
        "score": 1,
        "response": {"output": "y", "tokenUsage": {"prompt": 3}},
        "gradingResult": {"pass": True, "score": 1, "reason": "", "namedScores": {"tone": 0.5}, "assertion": None},
        **changes,
    }


def file(*rows: Any, **changes: Any) -> bytes:
    return json.dumps({"evalId": "e", "results": {"results": rows, **changes}}).encode()


def test_what_promptfoo_writes_is_read() -> None:
    view = read_results(file(row(), row(), row(testIdx=1, success=False, failureReason=1, score=0.25)))
    assert (view.providers, [label for label, _ in view.prompts]) == (("echo",), ["one"])
    assert [(cell.case, cell.repeat, cell.status, cell.score) for cell in view.cells] == [
        (0, 0, CellStatus.PASSED, 1.0),
        (0, 1, CellStatus.PASSED, 1.0),
        (1, 0, CellStatus.FAILED, 0.25),
    ]
    verdict = next(iter(view.cells)).verdict
    assert verdict is not None
    assert verdict.named_scores == {"tone": 0.5}


@pytest.mark.parametrize("reason", [None, 0])
def test_a_reason_that_is_not_told_is_as_success_says(reason: int | None) -> None:
    [cell] = read_results(file(row(failureReason=reason))).cells
    assert cell.status is CellStatus.PASSED


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"\xff", "it is no JSON in UTF-8"),
        (b"[]", "the file is a list, and must be an object"),
        (b"{}", "results is missing, and must be an object"),
        (b'{"results":' + b"[" * 100_000, "it is nested deeper than 100 levels"),
        (b'{"results":' + b'{"a":' * 300 + b"1" + b"}" * 301, "it is nested deeper than 100 levels"),
        (file(row(failureReason=7)), "results.results[0].failureReason is 7, and must be one of 0, 1, 2"),
        (file(row(), row(vars=["a"])), "results.results[1].vars is a list, and must be an object"),
        (file(row(vars="a")), 'results.results[0].vars is "a", and must be an object'),
        (file(row(testIdx=float("inf"))), "results.results[0].testIdx is Infinity, and must be a number"),
        (file(row(testIdx=1.5)), "results.results[0].testIdx is 1.5, and must be a whole number"),
        (file(row(score=float("nan"))), "results.results[0].score is NaN, and must be a number"),
        (file(row(score=10**400)), "results.results[0].score is 1000"),
        (file(row(score=None)), "results.results[0].score is missing, and must be a number"),
        (file(row(latencyMs="quick")), 'results.results[0].latencyMs is "quick", and must be a number'),
        (file(row(prompt="Say x")), 'results.results[0].prompt is "Say x", and must be an object'),
        (file(row(provider=None)), "results.results[0].provider is missing, and must be a text"),
        (file(row(), timestamp="soon"), 'results.timestamp is "soon", and must be a time'),
        (file(row(), timestamp="0001-01-01T00:00:00+14:00"), "must be a time"),
        (file(row(prompt={"raw": "\ud800", "label": "\ud800"})), "it has half of a character, '\\ud800'"),
        (
            file(row(gradingResult={"pass": True, "score": 1, "namedScores": "a"})),
            'results.results[0].gradingResult.namedScores is "a", and must be an object',
        ),
        (
            file(row(gradingResult={"pass": True, "score": 1, "componentResults": [{"score": 1}]})),
            "results.results[0].gradingResult.componentResults[0].pass is missing",
        ),
    ],
    ids=lambda value: value[:60] if isinstance(value, str) else "",
)
def test_what_cannot_be_read_is_said_with_its_place(data: bytes, said: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_results(data, "baseline_results")
    assert said in str(caught.value)


def test_no_named_scores_are_none() -> None:
    [cell] = read_results(file(row(gradingResult={"pass": True, "score": 1, "namedScores": None}))).cells
    assert cell.verdict is not None
    assert cell.verdict.named_scores == {}
