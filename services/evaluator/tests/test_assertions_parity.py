"""The suites of examples/suites/parity, held against what promptfoo 0.123.1 said of them.

`promptfoo_verdicts.json` is what it wrote, per suite and case: the output as it sent it, and pass and score of every
assertion. Made with `promptfoo eval -c SUITE.yaml -o OUT.json --no-cache`.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from grading import FakeTools

from adwright_evaluator.assertions import KNOWN_TYPES
from adwright_evaluator.model import Answer, Outcome
from adwright_evaluator.runs.scoring import Answered, score
from adwright_evaluator.suites.reader import read_suite

SUITES = Path(__file__).parents[3] / "examples" / "suites" / "parity"
RECORDED: dict[str, Any] = json.loads((Path(__file__).parent / "promptfoo_verdicts.json").read_text("utf-8"))["suites"]
DIFFERENT = {
    ("sql", "is-sql", "SELECT `id` FROM users"),
    ("xml", "contains-xml", "<ad><h/></ad><ad/>"),
}
"""Why: docs/guides/promptfoo-differences.md."""


@pytest.mark.parametrize("suite", RECORDED)
async def test_every_verdict_is_the_one_of_promptfoo(suite: str) -> None:
    files = {path.name: path.read_bytes() for path in SUITES.iterdir() if path.is_file()}
    cases = read_suite(files, f"{suite}.yaml", known_types=KNOWN_TYPES).cases
    assert len(cases) == len(RECORDED[suite])
    others = set()
    for case, recorded in zip(cases, RECORDED[suite], strict=True):
        output = recorded["output"]
        answer = Answer(output=output, latency_ms=1.0, cost_usd=0.0)
        verdict = await score(Answered(case, case.vars, output, answer, output), FakeTools(files))
        for ours, (passed, points) in zip(verdict.components, recorded["verdicts"], strict=True):
            assert ours.assertion is not None
            same = ours.passed == passed and ours.score == pytest.approx(points, abs=1e-9)
            if not same or ours.outcome is not Outcome.SCORED:
                others.add((suite, getattr(ours.assertion, "type", ""), output))
    assert others == {each for each in DIFFERENT if each[0] == suite}
