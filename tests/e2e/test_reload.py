"""SIGHUP reads the generator's configuration again: no stream is dropped, and a wrong file changes nothing."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from tools.stack import ROOT, Stack, private_environ

from adwright.context.v1 import resources_pb2
from adwright.generator.v1 import generator_service_pb2 as pb
from adwright.generator.v1 import generator_service_pb2_grpc as pb_grpc

TENANT = [("x-adwright-tenant", "demo")]
SLOW = "backends: [{name: slow, kind: fake, tokens_per_second: 20, residency: eu}]\n"


class Generator:
    """One generator of its own, whose file and log can be looked at."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "generator.yaml"
        self.log = folder / "log"
        self.file.write_text(SLOW)
        self.environ = private_environ(folder) | {"ADWRIGHT_GENERATOR_CONFIG": str(self.file)}
        self.stub: Any = None
        self.process: subprocess.Popen[bytes]

    def reload(self, text: str, says: str) -> None:
        """Another file, and waits until the log has `says`."""
        self.file.write_text(text)
        self.process.send_signal(signal.SIGHUP)
        until = time.monotonic() + 20
        while says not in self.log.read_text():
            assert time.monotonic() < until, f"no '{says}' in: {self.log.read_text()}"
            time.sleep(0.02)

    def names(self) -> list[str]:
        return [b.name for b in self.stub.ListBackends(pb.ListBackendsRequest(), metadata=TENANT, timeout=10).backends]


@pytest.fixture
def generator(tmp_path: Path) -> Iterator[Generator]:
    own = Generator(tmp_path)
    with own.log.open("wb") as log:
        own.process = subprocess.Popen(
            [sys.executable, "-m", "adwright_generator"], cwd=ROOT, env=own.environ, stdout=log, stderr=log
        )
    try:
        Stack(own.environ, None).wait_until_serving("generator", time.monotonic() + 60)
        with grpc.insecure_channel(own.environ["ADWRIGHT_GENERATOR_LISTEN"]) as channel:
            own.stub = pb_grpc.GeneratorServiceStub(channel)
            yield own
    finally:
        own.process.terminate()
        assert own.process.wait(timeout=30) == 0


@pytest.fixture
def ask() -> Callable[[], pb.GenerateRequest]:
    brand = resources_pb2.Brand(name="brands/nordlys", display_name="Nordlys", languages=["en"])
    context = resources_pb2.PromptContext(brand=brand, language="en", revision="1")
    return lambda: pb.GenerateRequest(context=context, format="formats/plain", brief="A tent.", max_repairs=0)


def test_a_stream_that_runs_is_not_dropped_and_the_next_goes_elsewhere(generator: Generator, ask: Any) -> None:
    stream = generator.stub.Generate(ask(), metadata=TENANT, timeout=60)
    events = [next(stream), next(stream)]
    assert events[0].started.backend == "slow"
    generator.reload("backends: [{name: quick, kind: fake}]\n", "configuration reloaded")
    assert generator.names() == ["quick"]
    after = list(generator.stub.Generate(ask(), metadata=TENANT, timeout=60))
    assert after[0].started.backend == "quick"
    events += list(stream)
    assert events[-1].HasField("completed")
    text = "".join(event.delta.text for event in events if event.HasField("delta"))
    assert text == events[-1].completed.ads[0].fields[0].text
    assert not any(event.HasField("switched") for event in events)


def test_a_wrong_file_keeps_the_one_before_and_says_why(generator: Generator, ask: Any) -> None:
    wrong = SLOW + "routing:\n  order: [slow]\n  max_predicted_wait: soon\n"
    generator.reload(wrong, "configuration not reloaded, the one before stays")
    assert f"{generator.file}:4: routing.max_predicted_wait" in generator.log.read_text()
    assert generator.names() == ["slow"]
    generator.reload(SLOW.replace("slow", "mended"), "configuration reloaded")
    assert generator.names() == ["mended"]


def test_a_wrong_file_at_the_start_is_one_line_and_exit_code_2(tmp_path: Path) -> None:
    file = tmp_path / "generator.yaml"
    file.write_text("backends:\n  - name: tgi\n    kind: tgi\n    url: tgi:80\n    model: m\n")
    environ = private_environ(tmp_path) | {"ADWRIGHT_GENERATOR_CONFIG": str(file)}
    done = subprocess.run(
        [sys.executable, "-m", "adwright_generator"], cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 2
    [line] = done.stderr.strip().splitlines()
    assert f"{file}:4: backends[0].url" in line
