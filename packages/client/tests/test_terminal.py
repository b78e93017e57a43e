import asyncio
import fcntl
import os
import pty
import re
import struct
import sys
import termios

from client_events import GENERATE, command_environ

from adwright_client.testing import FakeGateway


async def on_a_terminal(gateway: FakeGateway, *arguments: str, **environ: str) -> str:
    """What the command writes to a terminal of 100 columns."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "adwright_client",
        *arguments,
        env=command_environ(gateway) | {"TERM": "xterm-256color"} | environ,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)

    def read() -> bytes:
        gathered = b""
        while True:
            try:
                chunk = os.read(ours, 65536)
            except OSError:  # Linux says so when the other end is closed.
                return gathered
            if not chunk:
                return gathered
            gathered += chunk

    output = await asyncio.wait_for(asyncio.to_thread(read), 20)
    assert await process.wait() == 0
    os.close(ours)
    return output.decode()


async def test_on_a_terminal_the_ad_is_painted_while_it_grows(gateway: FakeGateway) -> None:
    gateway.script.insert(4, 0.4)
    output = await on_a_terminal(gateway, *GENERATE)
    assert "\x1b[?25l" in output, "the cursor hides"
    assert output.rstrip().endswith("\x1b[0m") or "\x1b[?25h" in output, "and comes back"
    assert "Light as a \x1b[0m" in output or "Light as a " in output
    assert "▌" in output
    assert "23/30" in output
    assert "✗ not valid" in output
    assert "\x1b[3" in output, "with colours"


async def test_no_color_is_respected(gateway: FakeGateway) -> None:
    output = await on_a_terminal(gateway, *GENERATE, NO_COLOR="1")
    assert not re.search(r"\x1b\[(?:\d+;)*(?:3[0-7]|38|9[0-7])(?:;|m)", output)
    assert "23/30" in output
