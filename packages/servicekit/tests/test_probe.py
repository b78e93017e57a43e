"""What a command can ask a server."""

import asyncio

import pytest

from adwright_servicekit import probe
from adwright_servicekit.settings import ServerSettings
from adwright_servicekit.testing import served

SERVICE = "adwright.test.v1.Test"


async def _probe(*arguments: str) -> int:
    return await asyncio.to_thread(probe.main, list(arguments))


async def test_a_server_that_serves_answers_0() -> None:
    async with served(lambda server: None, [SERVICE]) as server:
        assert await _probe(server.address) == 0
        assert await _probe(server.address, SERVICE) == 0


async def test_a_service_that_nobody_has_answers_1(capsys: pytest.CaptureFixture[str]) -> None:
    async with served(lambda server: None, [SERVICE]) as server:
        assert await _probe(server.address, "adwright.other.v1.Other") == 1
    assert "NOT_FOUND" in capsys.readouterr().err


async def test_a_server_that_drains_answers_1(capsys: pytest.CaptureFixture[str]) -> None:
    settings = ServerSettings.load({"ADWRIGHT_SHUTDOWN_DELAY": "30"})
    async with served(lambda server: None, [SERVICE], settings=settings) as server:
        draining = asyncio.create_task(server.stop())
        await asyncio.sleep(0)
        assert await _probe(server.address) == 1
        draining.cancel()
    assert "NOT_SERVING" in capsys.readouterr().out


async def test_nobody_there_answers_1_with_one_line(capsys: pytest.CaptureFixture[str], unused_tcp_port: int) -> None:
    assert await _probe(f"127.0.0.1:{unused_tcp_port}") == 1
    assert capsys.readouterr().err.count("\n") == 1


async def test_a_wrong_command_line_answers_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert await _probe() == 2
    assert "usage" in capsys.readouterr().err
