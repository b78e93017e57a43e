"""An evaluator that is killed in the middle of a run: whoever comes next goes on, and each case is there once."""

import asyncio
import os
import random
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from evaluating import Evaluating
from tools.stack import free_ports

from adwright.evaluator.v1 import evaluation_pb2 as pb
from adwright_servicekit.channel import open_channel
from adwright_servicekit.telemetry import Telemetry

SEED = int(os.environ.get("ADWRIGHT_TEST_SEED", "1"))
CASES = 500
NAMES = ", ".join(f"n{number}" for number in range(CASES))
SUITE = f"""
prompts: ["{{{{n}}}}"]
providers: [{{id: fake, config: {{delay: 0.06}}}}]
evaluateOptions: {{maxConcurrency: 8}}
tests: [{{vars: {{n: [{NAMES}]}}, assert: [{{type: icontains, value: a}}]}}]
"""


@asynccontextmanager
async def evaluator(folder: Path) -> AsyncIterator[tuple[subprocess.Popen[bytes], Evaluating]]:
    [port] = free_ports(1)
    environ = {
        **os.environ,
        "ADWRIGHT_EVALUATOR_LISTEN": f"127.0.0.1:{port}",
        "ADWRIGHT_EVALUATOR_SQLITE_PATH": str(folder / "evaluator.db"),
        "ADWRIGHT_GATEWAY_TARGET": "127.0.0.1:1",
        "ADWRIGHT_GENERATOR_TARGET": "127.0.0.1:1",
    }
    with (folder / "log").open("ab") as log:
        command = [sys.executable, "-m", "adwright_evaluator"]
        process = subprocess.Popen(command, env=environ, stderr=log)  # noqa: ASYNC220 - killed by its id
    try:
        async with open_channel(f"127.0.0.1:{port}", Telemetry("test")) as channel:
            await asyncio.wait_for(channel.channel_ready(), 30)
            yield process, Evaluating(channel)
    finally:
        process.kill()
        process.wait()


async def test_no_case_is_lost_or_doubled_by_kills_at_any_moment(tmp_path: Path) -> None:
    chance = random.Random(SEED)
    name, seen = "", 0
    progress: list[int] = []
    for target in sorted(chance.sample(range(1, CASES - 100), 4)):
        async with evaluator(tmp_path) as (process, evaluating):
            name = name or await evaluating.begin(SUITE)
            while True:
                now = await evaluating.get(name)
                assert now.counts.done >= seen, "what was done stays done"
                seen = now.counts.done
                if seen >= target:
                    break
                await asyncio.sleep(0.01)
            await asyncio.sleep(chance.uniform(0, 0.1))
            process.send_signal(signal.SIGKILL)
            process.wait()
            progress.append(seen)
    assert 0 < progress[0] < progress[-1] < CASES, "the kills came in the middle, and between them it went on"
    async with evaluator(tmp_path) as (_, evaluating):
        whole = await asyncio.wait_for(evaluating.ended(name), 90)
        cells = await evaluating.cells(name, page_size=500)
        uninterrupted = await evaluating.run(SUITE)
        others = await evaluating.cells(uninterrupted.name, page_size=500)
    assert whole.state == pb.Evaluation.STATE_SUCCEEDED
    assert [cell.cell.case for cell in cells] == list(range(CASES))
    assert whole.counts == uninterrupted.counts
    assert [(cell.output, cell.status) for cell in cells] == [(cell.output, cell.status) for cell in others]
