"""The `adwright` command as people run it."""

import json
import subprocess
import sys
from typing import Any

from tools.stack import ROOT, Stack

__all__ = ["AD", "adwright", "generate"]

AD = ("--brand", "nordlys", "--product", "aurora-trail-2", "--format", "google-rsa")


def adwright(stack: Stack, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Runs `adwright` against the stack's gateway."""
    return subprocess.run(
        [sys.executable, "-m", "adwright_client", *arguments],
        cwd=ROOT,
        env=stack.environ | environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=90,
    )


def generate(stack: Stack, *arguments: str) -> list[dict[str, Any]]:
    """The events of one `adwright generate --json`, which must go well."""
    done = adwright(stack, "generate", *arguments, "--json")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return [json.loads(line) for line in done.stdout.splitlines()]
