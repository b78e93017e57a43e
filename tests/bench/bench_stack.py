"""A real stack on this machine: how fast it starts, what it takes, how fast the embedded model writes.

Units: seconds and MB (10^6 bytes). `start` is from the launch of the process to SERVING; `idle` is the resident memory
of the process after that and before its first request.
"""

import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table
from tools.stack import ROOT, SERVICES, Stack, private_environ

from adwright_client import Client

_RUNS = 5


def measure(folder: Path) -> dict[str, Any]:
    """Starts, memory, and ads of the embedded model."""
    environ = private_environ(folder)
    services = {service: _alone(service, environ) for service in SERVICES}
    return {
        "services": services,
        "idle_mb_together": round(sum(item["idle_mb"] for item in services.values()), 1),
        "generate": _generate(folder),
    }


def _alone(service: str, environ: dict[str, str]) -> dict[str, float]:
    """One service, started by itself three times."""
    starts, memory = [], 0.0
    for _ in range(3):
        begun = time.perf_counter()
        command = [sys.executable, "-m", f"adwright_{service}"]
        process = subprocess.Popen(command, cwd=ROOT, env=environ, stderr=subprocess.DEVNULL)
        try:
            Stack(environ, None).wait_until_serving(service, time.monotonic() + 60)
            starts.append(time.perf_counter() - begun)
            time.sleep(1)
            memory = psutil.Process(process.pid).memory_info().rss / 1e6
        finally:
            process.terminate()
            process.wait(timeout=20)
    return {"start_s": round(statistics.median(starts), 2), "idle_mb": round(memory, 1)}


def _generate(folder: Path) -> dict[str, Any]:
    """Ads of the embedded model over the whole stack: the first of a process, then others."""
    figures: dict[str, Any] = {}
    with (
        Stack(private_environ(folder / "stack"), folder / "log") as stack,
        Client(stack.target("gateway"), stack.environ["ADWRIGHT_API_KEY"]) as client,
    ):
        for ad_format in ("plain", "google-rsa", "meta-feed"):
            runs = [_one(client, ad_format) for _ in range(1 + _RUNS)]
            figures[ad_format] = {"first_run": runs[0]} | {
                key: round(statistics.median(run[key] for run in runs[1:]), 3) for key in runs[0]
            }
        used = sum(stack.process(service).memory_info().rss for service in SERVICES)
        figures["memory_mb_after"] = round(used / 1e6, 1)
    return figures


def _one(client: Client, ad_format: str) -> dict[str, float]:
    begun = time.perf_counter()
    first = 0.0
    for event in client.generate("nordlys", ad_format, products=["aurora-trail-2"]):
        if event.HasField("delta") and not first:
            first = time.perf_counter() - begun
        if event.HasField("completed"):
            usage, ads = event.completed.usage, event.completed.ads
    total = time.perf_counter() - begun
    return {
        "first_delta_s": round(first, 3),
        "total_s": round(total, 3),
        "output_tokens": usage.output_tokens,
        "model_calls": usage.model_calls,
        "valid": float(all(ad.valid for ad in ads)),
    }


def show(results: dict[str, Any], console: Console) -> None:
    """Prints what `measure` found."""
    services = Table("service", "start, s", "idle, MB")
    for name, figures in results["services"].items():
        services.add_row(name, str(figures["start_s"]), str(figures["idle_mb"]))
    services.add_row("together", "", str(results["idle_mb_together"]))
    ads = Table("format", "first words, s", "whole ad, s", "tokens", "calls", "valid", title=f"medians of {_RUNS}")
    for name, figures in results["generate"].items():
        if isinstance(figures, dict):
            keys = ("first_delta_s", "total_s", "output_tokens", "model_calls", "valid")
            ads.add_row(name, *(str(figures[key]) for key in keys))
    console.print(services)
    console.print(ads)
    console.print(f"the four services after these runs: {results['generate']['memory_mb_after']} MB")
