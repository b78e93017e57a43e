"""The command imports a large file while the context service behind the gateway is killed and started again."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from commands import adwright
from tools.stack import ROOT, Stack, private_environ

ROWS = 40_000


@contextmanager
def running(stack: Stack, service: str, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """One service alone, until it ends or is ended."""
    with log.open("ab") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", f"adwright_{service}"], cwd=ROOT, env=stack.environ, stdout=out, stderr=out
        )
    try:
        stack.wait_until_serving(service, time.monotonic() + 60)
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(timeout=60)


def test_an_import_goes_on_by_itself_when_its_service_is_killed(tmp_path: Path) -> None:
    stack = Stack(private_environ(tmp_path) | {"ADWRIGHT_CONTEXT_EMBEDDINGS": "off"}, None)
    brand, file = tmp_path / "brands.jsonl", tmp_path / "products.jsonl"
    brand.write_text('{"name": "brands/large", "display_name": "Large", "languages": ["en"]}', encoding="utf-8")
    with file.open("w", encoding="utf-8") as out:
        for number in range(ROWS):
            row = {"name": f"brands/large/products/p-{number:05}", "display_name": f"Tent {number}"}
            out.write(json.dumps(row if number % 100 else {}) + "\n")
    log, command = tmp_path / "log", [sys.executable, "-m", "adwright_client"]
    with running(stack, "gateway", log):
        with running(stack, "context", log) as context:
            assert adwright(stack, "brands", "import", str(brand)).returncode == 0
            importing = subprocess.Popen(
                [*command, "products", "import", str(file), "--brand", "large"],
                env=stack.environ,
                stdout=subprocess.PIPE,
                text=True,
            )
            # In the middle: a row in a quarter of the file is there.
            while adwright(stack, "products", "get", f"p-{ROWS // 4 + 1:05}", "--brand", "large").returncode:
                assert importing.poll() is None
            os.kill(context.pid, signal.SIGKILL)
            context.wait(timeout=10)
        with running(stack, "context", log):
            said, _ = importing.communicate(timeout=120)
            assert importing.returncode == 1
            assert said.splitlines()[-1] == f"{ROWS - ROWS // 100} imported, {ROWS // 100} failed"
            exported = adwright(stack, "products", "export", "--brand", "large").stdout.splitlines()
            wanted = [f"brands/large/products/p-{number:05}" for number in range(ROWS) if number % 100]
            assert [json.loads(line)["name"] for line in exported] == wanted
