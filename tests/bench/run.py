"""`make bench`: measures on this machine, prints tables, and writes `build/bench.json`."""

import json
import os
import platform
import sys
import tempfile
from pathlib import Path
from typing import Any

import bench_context
import bench_evaluation
import bench_retrieval
import bench_stack
import bench_tokens
from rich.console import Console
from tools.stack import ROOT

_PARTS = {
    "stack": bench_stack,
    "tokens": bench_tokens,
    "retrieval": bench_retrieval,
    "context": bench_context,
    "evaluation": bench_evaluation,
}


def main() -> int:
    """Runs the parts that are named, or all; exit code 0 when they ran."""
    console = Console()
    results: dict[str, Any] = {"machine": {"cpus": os.cpu_count(), "python": platform.python_version()}}
    for name in sys.argv[1:] or _PARTS:
        with tempfile.TemporaryDirectory(prefix="adwright-bench-") as folder:
            results[name] = _PARTS[name].measure(Path(folder))
        _PARTS[name].show(results[name], console)
    out = ROOT / "build" / "bench.json"
    out.parent.mkdir(exist_ok=True)
    out.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    console.print(f"written to {out.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
