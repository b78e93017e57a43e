"""What a case costs: ten thousand without a model, through the gateway; promptfoo on the same ones where installed.

And whether a run of a thousand cases at a time keeps a model server busy: the generator's fake backend, which takes
five seconds for every answer.
"""

import asyncio
import csv
import json
import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table
from tools.stack import Stack, private_environ

from adwright_client import AsyncClient
from adwright_client.suite_files import suite_source

__all__ = ["measure", "show"]

_CASES = 10_000
_AT_A_TIME = 1000
_TURNS = 5
_ANSWER = 5.0
"""What the fake backend takes for an answer. Units: seconds."""
_PROMPTFOO = {
    "PROMPTFOO_DISABLE_TELEMETRY": "1",
    "PROMPTFOO_DISABLE_UPDATE": "1",
    "PROMPTFOO_DISABLE_REMOTE_GENERATION": "1",
}


def measure(folder: Path) -> dict[str, Any]:
    """Cases a second of both, memory, and how busy a slow backend is kept."""
    suite, slow = folder / "suite", folder / "slow"
    _write(suite, "echo", "Say {{w}} {{n}}", _CASES, ["contains: word{n}", "icontains: SAY", "starts-with: Say"])
    _write(slow, "backend:slow", "Advertise {{w}}", _AT_A_TIME * _TURNS, [])
    config = folder / "generator.yaml"
    config.write_text(
        f"backends: [{{name: slow, kind: fake, first_delay: {_ANSWER}, max_concurrency: {_AT_A_TIME}}}]\n"
        f"routing: {{order: [slow], first_token_timeout: {4 * _ANSWER:.0f}s}}\n"
    )
    environ = private_environ(folder) | {"ADWRIGHT_GENERATOR_CONFIG": str(config)}
    with Stack(environ, folder / "log") as stack:
        ours = asyncio.run(_ours(stack, suite, slow))
    theirs = _promptfoo(suite, folder)
    if "promptfoo_seconds" in theirs:
        theirs["times_promptfoo"] = theirs["promptfoo_seconds"] / ours["seconds"]
    return ours | theirs


def _write(suite: Path, provider: str, prompt: str, cases: int, expected: list[str]) -> None:
    suite.mkdir()
    with (suite / "tests.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["w", "n", *(f"__expected{number}" for number in range(1, len(expected) + 1))])
        rows.writerows([f"word{n}", n, *(each.format(n=n) for each in expected)] for n in range(cases))
    (suite / "promptfooconfig.yaml").write_text(f"prompts: ['{prompt}']\nproviders: ['{provider}']\ntests: tests.csv\n")


async def _ours(stack: Stack, suite: Path, slow: Path) -> dict[str, Any]:
    from adwright.evaluator.v1.evaluation_pb2 import EvaluationOptions

    process = stack.process("evaluator")
    async with AsyncClient(stack.target("gateway"), stack.environ["ADWRIGHT_API_KEY"]) as client:

        async def run(folder: Path, options: EvaluationOptions | None = None) -> tuple[float, Any]:
            begun = time.monotonic()
            last = await client.evaluations.run(suite_source(str(folder)), options)
            async for now in client.evaluations.watch(last.name):
                last = now
            return time.monotonic() - begun, last

        seconds, grown = [], []
        for _ in range(3):
            before = process.memory_info().rss
            took, done = await run(suite)
            assert done.counts.passed == _CASES, done.counts
            seconds.append(took)
            grown.append((process.memory_info().rss - before) / 1e6)
        cpu = _cpu(process)
        waited, done = await run(slow, EvaluationOptions(max_concurrency=_AT_A_TIME))
        assert done.counts.passed == _AT_A_TIME * _TURNS, done.counts
        cpu = _cpu(process) - cpu
    return {
        "cases": _CASES,
        "seconds": sorted(seconds)[1],
        "cases_per_second": _CASES / sorted(seconds)[1],
        "memory_grown_first_run_mb": grown[0],
        "memory_grown_third_run_mb": grown[2],
        "waiting_cases_at_a_time": _AT_A_TIME,
        "busy_share_of_the_fake_backend": _TURNS * _ANSWER / waited,
        "evaluator_cpu_ms_a_waiting_case": 1000 * cpu / (_AT_A_TIME * _TURNS),
    }


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _promptfoo(suite: Path, folder: Path) -> dict[str, Any]:
    program = shutil.which("promptfoo")
    if program is None:
        return {"promptfoo": "not installed"}
    quiet = os.environ | _PROMPTFOO | {"PROMPTFOO_CONFIG_DIR": str(folder)}
    said = folder / "theirs.json"
    command = [program, "eval", "--no-table", "--no-progress-bar", "--no-cache", "-o", str(said)]
    begun = time.monotonic()
    subprocess.run(command, cwd=suite, env=quiet, capture_output=True, check=False, timeout=900)
    seconds = time.monotonic() - begun
    if not said.exists():
        return {"promptfoo": "is installed, and wrote no results: is its Node new enough?"}
    passed = json.loads(said.read_text())["results"]["stats"]["successes"]
    assert passed == _CASES, passed
    return {"promptfoo_seconds": seconds, "promptfoo_cases_per_second": _CASES / seconds}


def show(result: dict[str, Any], console: Console) -> None:
    """A table."""
    table = Table(title="evaluation: cases through the gateway", title_justify="left")
    table.add_column("what")
    table.add_column("value", justify="right")
    for name, value in result.items():
        table.add_row(name.replace("_", " "), f"{value:.2f}" if isinstance(value, float) else str(value))
    console.print(table)
