"""The example for Node: grpc-js reads the protos and streams an ad from the real stack."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from tools.stack import ROOT, Stack

EXAMPLE = ROOT / "examples" / "client" / "node"


def node(stack: Stack, *arguments: str, key: str = "") -> subprocess.CompletedProcess[str]:
    program = shutil.which("node")
    if program is None:
        pytest.skip("node is not installed")
    there = subprocess.run(
        [program, "-e", "require('@grpc/grpc-js'); require('@grpc/proto-loader')"], cwd=EXAMPLE, capture_output=True
    )
    if there.returncode:
        pytest.skip(f"grpc-js is not installed: npm install --prefix {EXAMPLE.relative_to(ROOT)}")
    environ = {
        **os.environ,
        "ADWRIGHT_GATEWAY_TARGET": stack.target("gateway"),
        "ADWRIGHT_API_KEY": key or stack.environ["ADWRIGHT_API_KEY"],
    }
    command = [program, str(Path("generate.cjs")), *arguments]
    return subprocess.run(command, cwd=EXAMPLE, env=environ, capture_output=True, text=True, timeout=120)


def test_grpc_js_streams_an_ad_whose_pieces_add_up(stack: Stack) -> None:
    done = node(stack)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    assert said["texts"] == said["fields"]


def test_grpc_js_reads_why_a_call_is_refused(stack: Stack) -> None:
    done = node(stack, key="adw_wrong")
    assert done.returncode == 1
    assert done.stderr.startswith("UNAUTHENTICATED: ")
