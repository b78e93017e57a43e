"""A service as a process: how it starts, and how it ends."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from service import generate_request

from adwright.generator.v1 import generator_service_pb2_grpc as pb_grpc
from adwright_servicekit.testing import as_tenant

SCRIPT = Path(__file__).parent / "service.py"


def _start(**environ: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, str(SCRIPT)], env=os.environ | environ, stderr=subprocess.PIPE, text=True)


@pytest.fixture
def process() -> Iterator[tuple[subprocess.Popen[str], str]]:
    process = _start()
    assert process.stderr is not None
    match = re.search(r"on (127\.0\.0\.1:\d+)", process.stderr.readline())
    assert match
    yield process, match[1]
    process.kill()
    process.wait()
    process.stderr.close()


def _stream(target: str) -> tuple[grpc.Channel, Any]:
    channel = grpc.insecure_channel(target)
    return channel, pb_grpc.GeneratorServiceStub(channel).Generate(generate_request(), metadata=as_tenant())


def test_sigterm_lets_a_stream_finish_takes_no_more_and_exits_0(process: tuple[subprocess.Popen[str], str]) -> None:
    running, target = process
    channel, stream = _stream(target)
    with channel:
        received = [next(stream)]
        running.send_signal(signal.SIGTERM)
        received += list(stream)
    assert len(received) == 20
    assert running.wait(timeout=5) == 0


def test_health_says_not_serving_while_draining(process: tuple[subprocess.Popen[str], str]) -> None:
    running, target = process
    channel, stream = _stream(target)
    with channel:
        check = health_pb2_grpc.HealthStub(channel).Check
        watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())
        next(stream)
        assert next(watch).status == health_pb2.HealthCheckResponse.SERVING
        assert check(health_pb2.HealthCheckRequest()).status == health_pb2.HealthCheckResponse.SERVING
        running.send_signal(signal.SIGTERM)
        assert next(watch).status == health_pb2.HealthCheckResponse.NOT_SERVING
        watch.cancel()


def test_a_second_signal_ends_it_at_once(process: tuple[subprocess.Popen[str], str]) -> None:
    running, target = process
    channel, stream = _stream(target)
    with channel:
        next(stream)
        running.send_signal(signal.SIGTERM)
        time.sleep(0.1)
        running.send_signal(signal.SIGTERM)
        with pytest.raises(grpc.RpcError):
            list(stream)
    assert running.wait(timeout=5) == 0


@pytest.mark.parametrize(
    ("environ", "says"),
    [
        ({"EXAMPLE_LISTEN": "nonsense"}, "example: EXAMPLE_LISTEN: expected HOST:PORT"),
        ({"EXAMPLE_LISTEN": "127.0.0.1:{port}"}, "example: cannot listen on 127.0.0.1:"),
    ],
)
def test_a_wrong_setting_is_one_line_and_exit_code_2(
    process: tuple[subprocess.Popen[str], str], environ: dict[str, str], says: str
) -> None:
    port = process[1].rpartition(":")[2]
    wrong = _start(**{key: value.format(port=port) for key, value in environ.items()})
    _, stderr = wrong.communicate(timeout=20)
    lines = [line for line in stderr.splitlines() if line.startswith("example:")]
    assert wrong.returncode == 2
    assert len(lines) == 1
    assert lines[0].startswith(says)
    assert "Traceback" not in stderr
