"""What a case costs: ten thousand without a model, through the gateway; promptfoo on the same ones where installed."""

import asyncio
import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from tools.stack import Stack, private_environ

from adwright_client import AsyncClient
from adwright_client.suite_files import suite_source

__all__ = ["measure", "show"]

_CASES = 10_000
_WAITING = 1000


def measure(folder: Path) -> dict[str, Any]:
    """Cases a second, and how busy a slow provider is kept."""
    suite = folder / "suite"
    suite.mkdir()
    rows = (f"word{number},{number},contains: word{number},icontains: SAY" for number in range(_CASES))
    (suite / "tests.csv").write_text("w,n,__expected1,__expected2\n" + "\n".join(rows) + "\n")
    (suite / "promptfooconfig.yaml").write_text("prompts: ['Say {{w}} {{n}}']\nproviders: [echo]\ntests: tests.csv\n")
    slow = folder / "slow"
    slow.mkdir()
    names = ", ".join(f"n{number}" for number in range(3 * _WAITING))
    (slow / "promptfooconfig.yaml").write_text(
        "prompts: ['{{n}}']\nproviders: [{id: fake, config: {delay: 2}}]\n"
        f"tests: [{{vars: {{n: [{names}]}}}}]\n"
    )
    with Stack(private_environ(folder), folder / "log") as stack:
        return asyncio.run(_ours(stack, suite, slow)) | _promptfoo(suite, folder)


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

        before = process.memory_info().rss
        seconds, done = await run(suite)
        assert done.counts.passed == _CASES
        grown = process.memory_info().rss - before
        waited, done = await run(slow, EvaluationOptions(max_concurrency=_WAITING))
        assert done.counts.done == 3 * _WAITING
    return {
        "cases": _CASES,
        "seconds": seconds,
        "cases_per_second": _CASES / seconds,
        "memory_grown_mb": grown / 1e6,
        "busy_share_of_1000_waiting": 3 * 2 / waited,
    }


def _promptfoo(suite: Path, folder: Path) -> dict[str, Any]:
    program = shutil.which("promptfoo")
    if program is None:
        return {"promptfoo": "not installed"}
    quiet = {"PROMPTFOO_DISABLE_TELEMETRY": "1", "PROMPTFOO_DISABLE_UPDATE": "1", "PROMPTFOO_CONFIG_DIR": str(folder)}
    command = [program, "eval", "--no-table", "--no-progress-bar", "--no-cache", "-o", str(folder / "theirs.json")]
    begun = time.monotonic()
    subprocess.run(command, cwd=suite, env={**os.environ, **quiet}, capture_output=True, check=False, timeout=900)
    seconds = time.monotonic() - begun
    return {"promptfoo_seconds": seconds, "promptfoo_cases_per_second": _CASES / seconds}


def show(result: dict[str, Any], console: Console) -> None:
    """A table."""
    table = Table(title="evaluation: deterministic cases through the gateway", title_justify="left")
    table.add_column("what")
    table.add_column("value", justify="right")
    for name, value in result.items():
        table.add_row(name.replace("_", " "), f"{value:.2f}" if isinstance(value, float) else str(value))
    console.print(table)
