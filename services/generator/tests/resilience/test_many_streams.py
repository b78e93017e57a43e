"""A thousand streams at a time, between a generator and a model server that are processes of their own."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml
from resilience.conftest import Door, Seen, opened, tgi, wanting

from adwright.generator.v1 import generator_service_pb2 as pb
from adwright.generator.v1 import generator_service_pb2_grpc as pb_grpc
from adwright_generator.backends.fake_tgi import FakeTgi
from adwright_generator.backends.fake_tgi_text import said, split_prompt
from adwright_servicekit.channel import open_channel
from adwright_servicekit.telemetry import Telemetry

STREAMS = 1_000
BRIEFS = [f"offer number {number}" for number in range(8)]
SEED = 7


@asynccontextmanager
async def process(*arguments: str, environ: dict[str, str] | None = None) -> AsyncIterator[tuple[Process, str]]:
    """A Python process, and the address that it says it listens on. It is stopped at the end."""
    environ = dict(os.environ) | (environ or {})
    running = await asyncio.create_subprocess_exec(
        sys.executable, "-m", *arguments, env=environ, stdout=PIPE, stderr=asyncio.subprocess.STDOUT
    )
    assert running.stdout is not None
    said_so_far: list[str] = []
    reading: asyncio.Task[None] | None = None
    try:
        address = ""
        async with asyncio.timeout(30):
            while not address:
                line = (await running.stdout.readline()).decode()
                assert line, f"it ended: {''.join(said_so_far)}"
                said_so_far.append(line)
                address = next((word for word in line.split() if "127.0.0.1:" in word), "")
        # Whatever it says from now on must not fill the pipe.
        reading = asyncio.create_task(_drain(running.stdout))
        yield running, address.strip('",}')
    finally:
        with suppress(ProcessLookupError):
            running.terminate()
        try:
            await asyncio.wait_for(running.wait(), 10)
        except TimeoutError:
            running.kill()
            await running.wait()
        if reading is not None:
            await reading


async def _drain(stream: asyncio.StreamReader) -> None:
    while await stream.read(65_536):
        pass


@asynccontextmanager
async def stack(folder: Path, *arguments: str) -> AsyncIterator[tuple[Door, psutil.Process]]:
    """A generator in front of a double that was started with these arguments."""
    double = ("adwright_generator.backends.fake_tgi", "--listen", "127.0.0.1:0", "--max-concurrent", "2000")
    async with process(*double, *arguments) as (_, url):
        config = {
            "backends": [{"name": "tgi", "kind": "tgi", "url": url, "model": "fake", "max_concurrency": 1_200}],
            "routing": {"first_token_timeout": "30s", "stall_timeout": "30s"},
        }
        file = folder / "generator.yaml"
        file.write_text(yaml.safe_dump(config), encoding="utf-8")
        environ = {
            "ADWRIGHT_GENERATOR_CONFIG": str(file),
            "ADWRIGHT_GENERATOR_LISTEN": "127.0.0.1:0",
            "ADWRIGHT_LOG_FORMAT": "plain",
            "ADWRIGHT_SHUTDOWN_GRACE": "1",
        }
        async with process("adwright_generator", environ=environ) as (generator, address):
            channel = open_channel(address, Telemetry("test"), default_timeout=60)
            try:
                yield Door(pb_grpc.GeneratorServiceStub(channel)), psutil.Process(generator.pid)
            finally:
                await channel.close()


@pytest.fixture
def offer(ask: Any) -> Callable[[int], pb.GenerateRequest]:
    """The request of one stream. Neighbours ask for different texts."""
    requests = [wanting(ask, brief=brief, seed=SEED) for brief in BRIEFS]
    return lambda number: requests[number % len(requests)]


async def right_texts(offer: Callable[[int], pb.GenerateRequest], length: int) -> list[str]:
    """What the double says to each of the requests, from what it is asked."""
    async with FakeTgi() as server, opened(tgi(server)) as door:
        for number in range(len(BRIEFS)):
            await door.write(offer(number))
        texts = []
        for call in server.calls:
            conversation, prefix = split_prompt(call.body["inputs"])
            assert not prefix
            texts.append(said(conversation, call.body["parameters"]["seed"], None, length))
    assert len(set(texts)) == len(BRIEFS)
    return texts


async def slowly(door: Door, request: Any, others_are_done: asyncio.Event) -> tuple[Seen, int]:
    """Reads one event in 50 ms until the others are done, then as fast as they come. Says how many there were left."""
    seen, left = Seen(), 0
    async for event in door.begin(request, timeout=60):
        seen.events.append(event)
        if others_are_done.is_set():
            left += 1
        else:
            await asyncio.sleep(0.05)
    return seen, left


class Together:
    """Lets nobody read on before all have begun."""

    def __init__(self) -> None:
        self.begun = 0
        self.all_there = asyncio.Event()

    async def read(self, door: Door, request: pb.GenerateRequest, pause: float = 0.0) -> Seen:
        """One generation to its end, with a pause (seconds) before each event."""
        seen = Seen()
        async for event in door.begin(request, timeout=120):
            seen.events.append(event)
            if len(seen.events) == 1:
                self.begun += 1
                await self.all_there.wait()
            elif pause:
                await asyncio.sleep(pause)
        return seen

    async def wait(self, door: Door) -> int:
        """Lets them go on when they are all there. Says how many were at the model server together by then."""
        most = 0
        async with asyncio.timeout(100):
            while self.begun < STREAMS:
                await asyncio.sleep(0.1)
                most = max(most, (await door.status("tgi")).in_flight)
        self.all_there.set()
        return most


async def test_a_thousand_streams_all_come_through_and_leave_nothing(offer: Any, tmp_path: Path) -> None:
    length = 120
    right = await right_texts(offer, length)
    # Long enough for a machine with nothing else to do to have them all at the model server at the same time.
    paced = ("--text-length", str(length), "--tokens-per-second", "30", "--first-delay", "5", "--burst", "4")
    sizes = []
    async with stack(tmp_path, *paced) as (door, generator):
        for _ in range(2):
            together = Together()
            slow = asyncio.create_task(together.read(door, offer(0), pause=0.05))
            reading = [asyncio.create_task(together.read(door, offer(number))) for number in range(1, STREAMS)]
            most = await together.wait(door)
            results = [await task for task in [slow, *reading]]
            for number, seen in enumerate(results):
                assert seen.completed().ads[0].fields[0].text == right[number % len(right)]
                assert seen.switches() == []
            status = await door.status("tgi")
            assert (status.in_flight, status.state) == (0, status.STATE_READY)
            sizes.append(generator.memory_info().rss)
            print(f"{most} at a time at the model server, {sizes[-1] // 1_000_000} MB resident after")
            assert most > STREAMS / 4
        assert status.spend.model_calls == 2 * STREAMS
        assert not status.spend.estimated
    # What a stream took is there for the next one: a second thousand needs no more than the first.
    assert sizes[1] <= 1.3 * sizes[0], sizes


async def test_a_slow_reader_slows_only_itself(offer: Any, tmp_path: Path) -> None:
    length = 2_000
    right = await right_texts(offer, length)
    # Five times as fast as the slow one reads.
    async with stack(tmp_path, "--text-length", str(length), "--tokens-per-second", "250") as (door, _):
        done = asyncio.Event()
        slow = asyncio.create_task(slowly(door, offer(0), done))
        others = [asyncio.create_task(door.write(offer(number), timeout=60)) for number in range(1, 8)]
        results = [await task for task in others]
        done.set()
        seen, left = await slow
    assert left > 10, "the others had to wait for it"
    for number, one in enumerate([seen, *results]):
        assert one.completed().ads[0].fields[0].text == right[number]
