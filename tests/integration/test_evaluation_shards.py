"""A run in shards, each in a process of its own as in an indexed Job: the whole is as if one had run it."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from evaluating import TENANT, Evaluating
from tools.stack import free_ports

from adwright.evaluator.v1 import evaluation_pb2 as pb
from adwright_servicekit.channel import open_channel
from adwright_servicekit.telemetry import Telemetry

CASES = 60
SHARDS = 3
NAMES = ", ".join(f"n{number}" for number in range(CASES))
SUITE = f"""
prompts: ["{{{{n}}}}"]
providers: [{{id: fake, config: {{delay: 0.05, cost: 0.001}}}}]
evaluateOptions: {{maxConcurrency: 2}}
tests: [{{vars: {{n: [{NAMES}]}}, assert: [{{type: icontains, value: a, metric: has an a}}]}}]
"""


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    [port] = free_ports(1)
    return {
        **os.environ,
        "ADWRIGHT_EVALUATOR_LISTEN": f"127.0.0.1:{port}",
        "ADWRIGHT_EVALUATOR_SQLITE_PATH": str(tmp_path / "evaluator.db"),
        "ADWRIGHT_EVALUATOR_MAX_RUNS": "0",
        "ADWRIGHT_GATEWAY_TARGET": "127.0.0.1:1",
        "ADWRIGHT_GENERATOR_TARGET": "127.0.0.1:1",
    }


def worker(environ: dict[str, str], name: str, index: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "adwright_evaluator", "admin", "work", name, "--tenant", "demo"]
    pod = {**environ, "JOB_COMPLETION_INDEX": str(index)}
    return subprocess.Popen(command, env=pod, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


async def ended(process: subprocess.Popen[str]) -> tuple[str, str]:
    return await asyncio.to_thread(process.communicate, timeout=60)


async def test_shards_of_several_processes_are_one_run(environ: dict[str, str], tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb") as log:
        server = subprocess.Popen([sys.executable, "-m", "adwright_evaluator"], env=environ, stderr=log)  # noqa: ASYNC220
    pods: list[subprocess.Popen[str]] = []
    try:
        async with open_channel(environ["ADWRIGHT_EVALUATOR_LISTEN"], Telemetry("test")) as channel:
            await asyncio.wait_for(channel.channel_ready(), 30)
            evaluating = Evaluating(channel)
            name = await evaluating.begin(SUITE, shards=SHARDS)
            assert (await evaluating.get(name)).counts.done == 0, "this server leaves runs to workers"

            stranger = worker(environ, name, SHARDS)
            assert "has 3, numbered from 0" in (await ended(stranger))[1]
            assert stranger.returncode == 2

            pods = [worker(environ, name, index) for index in range(SHARDS)]
            watching = evaluating.stub.WatchEvaluation(pb.WatchEvaluationRequest(name=name), metadata=TENANT)
            async for now in watching:
                if now.counts.done >= 6:
                    break
            watching.cancel()
            # One pod is moved to another node, and one is there twice for a while.
            pods[0].send_signal(signal.SIGTERM)
            said = await ended(pods[0])
            assert (pods[0].returncode, "was left for others" in said[1]) == (1, True)
            pods[0] = worker(environ, name, 0)
            pods.append(worker(environ, name, 1))
            for pod in pods:
                out, err = await ended(pod)
                assert (pod.returncode, "is done" in out) == (0, True), err

            whole = await evaluating.ended(name)
            cells = await evaluating.cells(name)
            [column] = whole.columns
    finally:
        for process in [server, *pods]:
            process.kill()
            process.wait()
    assert whole.state == pb.Evaluation.STATE_SUCCEEDED
    assert [cell.cell.case for cell in cells] == list(range(CASES))
    assert (whole.counts.done, column.scored, column.passed) == (CASES, CASES, whole.counts.passed)
    assert whole.counts.passed == sum("a" in cell.output.lower() for cell in cells)
    assert whole.counts.cost_usd == pytest.approx(0.001 * CASES)
