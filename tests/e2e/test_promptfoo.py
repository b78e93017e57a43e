"""promptfoo itself beside adwright: the same suites to the same verdicts, and adwright's ads under promptfoo's tests.

Skips by name where promptfoo is not installed. Verdicts it gave before are held against ours without it, in
services/evaluator/tests/test_assertions_parity.py.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from commands import adwright
from tools.stack import ROOT, Stack

SUITES = ROOT / "examples" / "suites"
PARITY = sorted(path.stem for path in (SUITES / "parity").glob("*.yaml"))
QUIET = {
    "PROMPTFOO_DISABLE_TELEMETRY": "1",
    "PROMPTFOO_DISABLE_UPDATE": "1",
    "PROMPTFOO_DISABLE_REMOTE_GENERATION": "1",
}
DIFFERENT = {
    ("is-sql", "SELECT `id` FROM users"),
    ("contains-xml", "<ad><h/></ad><ad/>"),
}
"""Why: docs/guides/promptfoo-differences.md."""


class Promptfoo:
    """The command, with a configuration of its own."""

    def __init__(self, program: str, folder: Path) -> None:
        self._program = program
        self._folder = folder

    def run(self, suite: Path, **environ: str) -> list[dict[str, Any]]:
        """What it says of each case and provider."""
        said = self._folder / "theirs.json"
        done = subprocess.run(
            [self._program, "eval", "-c", str(suite), "-o", str(said), "--no-cache", "--no-table"],
            env=os.environ
            | QUIET
            | {"PROMPTFOO_CONFIG_DIR": str(self._folder), "PROMPTFOO_PYTHON": sys.executable}
            | environ,
            capture_output=True,
            text=True,
            check=False,
            timeout=110,
        )
        if not said.exists():
            pytest.skip(f"promptfoo is installed and does not run here: {done.stderr.strip().splitlines()[:1]}")
        results: list[dict[str, Any]] = json.loads(said.read_text())["results"]["results"]
        return results


@pytest.fixture
def promptfoo(tmp_path: Path) -> Promptfoo:
    program = shutil.which("promptfoo")
    if program is None:
        pytest.skip("promptfoo is not installed: npm install --global promptfoo")
    return Promptfoo(program, tmp_path)


def verdicts(results: list[dict[str, Any]]) -> dict[tuple[int, int], tuple[str, str, bool, float]]:
    """By case and assertion: its type, the output, whether it passed, its score; none where it ended with an error."""
    return {
        (row["testIdx"], place): (
            str(each["assertion"]["type"]).removeprefix("not-"),
            str(row["vars"].get("output", "")),
            bool(each["pass"]),
            round(float(each["score"]), 6),
        )
        for row in results
        for place, each in enumerate((row["gradingResult"] or {}).get("componentResults") or [])
    }


@pytest.mark.parametrize("suite", PARITY)
def test_deterministic_assertions_are_promptfoos(
    stack: Stack, promptfoo: Promptfoo, tmp_path: Path, suite: str
) -> None:
    path, ours = SUITES / "parity" / f"{suite}.yaml", tmp_path / "ours.json"
    theirs = verdicts(promptfoo.run(path))
    done = adwright(stack, "eval", "run", str(path), "-o", str(ours), "--no-table")
    assert done.returncode in (0, 1), done.stderr
    if not theirs:
        pytest.skip(f"this promptfoo cannot judge {suite}: npm install --global node-sql-parser")
    mine = verdicts(json.loads(ours.read_text())["results"]["results"])
    assert theirs.keys() <= mine.keys()
    others = {theirs[key][:2] for key in theirs if theirs[key][2:] != mine[key][2:]}
    assert others <= DIFFERENT, {key: (theirs[key], mine[key]) for key in theirs if theirs[key] != mine[key]}


def test_a_suite_of_several_prompts_ends_alike(stack: Stack, promptfoo: Promptfoo, tmp_path: Path) -> None:
    ours = tmp_path / "ours.json"
    theirs = promptfoo.run(SUITES / "words" / "promptfooconfig.yaml")
    adwright(stack, "eval", "run", str(SUITES / "words"), "-o", str(ours), "--no-table")
    said = [
        sorted((row["prompt"]["raw"], row["success"], round(row["score"], 6)) for row in results)
        for results in (theirs, json.loads(ours.read_text())["results"]["results"])
    ]
    assert said[0] == said[1]


def test_promptfoo_evaluates_a_brand_as_a_model_of_openai(stack: Stack, promptfoo: Promptfoo, tmp_path: Path) -> None:
    suite = tmp_path / "promptfooconfig.yaml"
    provider = {
        "id": "openai:chat:nordlys/push",
        "config": {"apiBaseUrl": f"http://{stack.http_address}/v1", "apiKeyEnvar": "ADWRIGHT_API_KEY"},
    }
    wanted = [{"type": "word-count", "value": {"min": 3, "max": 60}}, {"type": "not-icontains", "value": "as an AI"}]
    tests = [{"vars": {"brief": brief}, "assert": wanted} for brief in ("a light tent for two", "set up in minutes")]
    suite.write_text(yaml.safe_dump({"prompts": ["{{brief}}"], "providers": [provider], "tests": tests}))
    said = promptfoo.run(suite, ADWRIGHT_API_KEY=stack.environ["ADWRIGHT_API_KEY"])
    assert [row["success"] for row in said] == [True, True], said
    assert all(row["response"]["tokenUsage"]["total"] > 0 for row in said)
