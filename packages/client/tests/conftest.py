"""A fake gateway for every test, and clients of it."""

import asyncio
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from adwright_client import AsyncClient
from adwright_client.cli import main
from adwright_client.testing import FakeGateway

sys.path.insert(0, str(Path(__file__).parent))

from client_events import Adwright, Outcome, command_environ, sample


@pytest.fixture
async def gateway() -> AsyncIterator[FakeGateway]:
    """It knows the brand nordlys, and streams a sample ad of two headlines."""
    async with FakeGateway() as gateway:
        sample(gateway)
        yield gateway


@pytest.fixture
async def client(gateway: FakeGateway) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(gateway.address, gateway.api_key, timeout=10) as client:
        yield client


@pytest.fixture
def adwright(gateway: FakeGateway, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Adwright:
    """Runs the command's entry point in a thread: what a process would do, without the price of starting one."""

    async def run(*arguments: str, **environ: str) -> Outcome:
        with monkeypatch.context() as patch:
            for name, value in (command_environ(gateway) | environ).items():
                patch.setenv(name, value)
            capfd.readouterr()
            code = await asyncio.to_thread(main, arguments)
            out, err = capfd.readouterr()
        # gRPC's own log, which is off in a process of the command's own.
        spoken = [line for line in err.splitlines(keepends=True) if not re.match(r"[IWE]\d{4} ", line)]
        return Outcome(code, out, "".join(spoken))

    return run


@pytest.fixture
def adwright_process(gateway: FakeGateway) -> Adwright:
    """Runs the command as users do, in a process of its own, without a terminal."""

    async def run(*arguments: str, stdin: bytes = b"", **environ: str) -> Outcome:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "adwright_client",
            *arguments,
            env=command_environ(gateway) | environ,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await asyncio.wait_for(process.communicate(stdin), 30)
        return Outcome(process.returncode or 0, out.decode(), err.decode())

    return run
