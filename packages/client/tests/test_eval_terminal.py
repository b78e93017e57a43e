import asyncio
import fcntl
import os
import pty
import re
import struct
import sys
import termios
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from client_events import command_environ
from eval_gateway import ERROR, RUNNING, EvalGateway, a_cell, a_run

from adwright.evaluator.v1.evaluation_pb2 import RunEvaluationRequest
from adwright.evaluator.v1.label_pb2 import CellKey, Label

COLOUR = re.compile(r"\x1b\[(?:\d+;)*(?:3[0-7]|38|9[0-7])(?:;|m)")


@pytest.fixture
async def gateway() -> AsyncIterator[EvalGateway]:
    async with EvalGateway() as gateway:
        yield gateway


class Terminal:
    """The command on a terminal of 120 columns, with somebody who types."""

    def __init__(self, ours: int, process: asyncio.subprocess.Process) -> None:
        self._ours = ours
        self._process = process
        self._seen = ""
        self._at = 0

    @classmethod
    async def of(cls, gateway: EvalGateway, *arguments: str, **environ: str) -> "Terminal":
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "adwright_client",
            *arguments,
            env=command_environ(gateway) | {"TERM": "xterm-256color"} | environ,  # type: ignore[arg-type]
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(theirs)
        return cls(ours, process)

    async def until(self, words: str) -> str:
        """What is new on the terminal, up to these words."""
        return await asyncio.wait_for(asyncio.to_thread(self._read, words), 20)

    def _read(self, words: str) -> str:
        while (at := self._seen.find(words, self._at)) < 0:
            self._seen += os.read(self._ours, 65536).decode("utf-8", "replace")
        new, self._at = self._seen[self._at : at], at + len(words)
        return new

    async def type(self, keys: str) -> None:
        # Keys that come before the program waits for one are thrown away by it.
        await asyncio.to_thread(time.sleep, 0.15)
        os.write(self._ours, keys.encode())

    async def end(self) -> tuple[int, str]:
        """The exit code, and all that was written."""

        def rest() -> None:
            try:
                while chunk := os.read(self._ours, 65536):
                    self._seen += chunk.decode("utf-8", "replace")
            except OSError:  # Linux says so when the other end is closed.
                pass

        await asyncio.wait_for(asyncio.to_thread(rest), 20)
        code = await self._process.wait()
        os.close(self._ours)
        return code, self._seen


def said(gateway: EvalGateway) -> list[tuple[int, int, bool, str]]:
    return [(each.cell.case, each.cell.provider, getattr(each, "pass"), each.comment) for each in gateway.labels]


async def test_outputs_are_labelled_key_by_key_without_a_word_of_whose_they_are(gateway: EvalGateway) -> None:
    gateway.cells[1] = a_cell(0, 1, ERROR, why="nothing to see")
    gateway.labels = [
        Label(cell=CellKey(case=0, provider=0), labeler="ida"),
        Label(cell=CellKey(case=1, provider=0), labeler="ida", metric="tone"),
        Label(cell=CellKey(case=1, provider=1), labeler="bo"),
    ]
    before = len(gateway.labels)
    terminal = await Terminal.of(gateway, "eval", "label", "latest", "--labeler", "ida")
    first = await terminal.until("y/n/c/s/q? ")
    assert "case 2: tent 1" in first
    await terminal.type("c")
    await terminal.until("comment: ")
    await terminal.type("too loud\n")
    await terminal.until("y/n/c/s/q? ")
    await terminal.type("n")
    second = await terminal.until("y/n/c/s/q? ")
    await terminal.type("y")
    code, text = await terminal.end()
    assert code == 0
    outputs = [re.search(r"Output 1\.(\d)", shown) for shown in (first, second)]
    order = [int(found[1]) for found in outputs if found]
    assert sorted(order) == [0, 1]
    del gateway.labels[:before]
    assert said(gateway) == [(1, order[0], False, "too loud"), (1, order[1], True, "")]
    assert {each.labeler for each in gateway.labels} == {"ida"}
    assert "2 labels written to evaluations/01jnew" in text
    assert not re.search("small|large|short", text)


@pytest.mark.parametrize("keys", ["q", "\x03"])
async def test_who_stops_keeps_what_was_said(gateway: EvalGateway, keys: str) -> None:
    terminal = await Terminal.of(gateway, "eval", "label", "latest", "--labeler", "ida")
    for key in ("s", "y", keys):
        await terminal.until("y/n/c/s/q? ")
        await terminal.type(key)
    code, text = await terminal.end()
    assert (code, len(gateway.labels)) == (0, 1)
    assert "1 labels written" in text


async def test_ctrl_c_in_a_comment_stops_too(gateway: EvalGateway) -> None:
    terminal = await Terminal.of(gateway, "eval", "label", "latest", "--labeler", "ida")
    await terminal.until("y/n/c/s/q? ")
    await terminal.type("c")
    await terminal.until("comment: ")
    await terminal.type("half a\x03")
    code, _ = await terminal.end()
    assert (code, gateway.labels) == (0, [])


async def test_on_a_terminal_there_is_a_bar_and_then_a_table(gateway: EvalGateway, tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text("prompts: [x]")
    gateway.runs[0].prompts[0].label = "[red]short[/red]"
    gateway.watched = [a_run(state=RUNNING, done=3, failed=1), 0.5]
    terminal = await Terminal.of(gateway, "eval", "run", str(tmp_path / "s.yaml"))
    code, text = await terminal.end()
    assert code == 0
    assert "3/4" in text
    assert "2 passed, 1 failed, 0 errors, $0.2500" in text
    assert "━" in text
    assert COLOUR.search(text)
    assert "[red]short[/red] × small" in text, "what a suite says is no markup"
    assert len(gateway.asked(RunEvaluationRequest)) == 1


async def test_a_table_has_no_colours_where_none_are_wanted(gateway: EvalGateway, tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text("prompts: [x]")
    gateway.watched = [a_run(state=RUNNING, done=3), 0.5]
    terminal = await Terminal.of(gateway, "eval", "run", str(tmp_path / "s.yaml"), NO_COLOR="1")
    code, text = await terminal.end()
    assert (code, "short × small" in text) == (0, True)
    assert not COLOUR.search(text)
