"""Ending a service during a stream lets that stream finish."""

import json
import signal
import subprocess
import sys
from typing import Any

import pytest
from commands import AD
from events import hold_contract
from tools.stack import ROOT, SERVICES, Stack


@pytest.mark.parametrize("service", SERVICES)
def test_sigterm_of_a_service_lets_a_running_stream_finish(own_stack: Stack, service: str) -> None:
    command = [sys.executable, "-m", "adwright_client", "generate", *AD[:4], "--format", "meta-feed", "--json"]
    client = subprocess.Popen(command, cwd=ROOT, env=own_stack.environ, stdout=subprocess.PIPE, text=True)
    assert client.stdout is not None
    events: list[dict[str, Any]] = []
    for line in client.stdout:
        events.append(json.loads(line))
        if sum("delta" in event for event in events) == 2:
            break
    own_stack.process(service).send_signal(signal.SIGTERM)
    events += [json.loads(line) for line in client.stdout]
    assert client.wait(timeout=30) == 0
    hold_contract(events)
