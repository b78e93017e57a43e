"""The context service with catalogues of growing size, over gRPC, on SQLite: what a call takes, and what memory.

A real process serves each catalogue. Times are a client's, one call after the other; every brief is another one, so its
meaning is computed anew. `first` is the first call after a start, which reads the index; `vectors` is how long all
vectors take to be made, once in the life of a catalogue. Units: seconds, milliseconds, MB (10^6 bytes).
"""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import grpc
import psutil
from retrieval_data.products import LANGUAGES, catalogue
from rich.console import Console
from rich.table import Table
from tools.stack import ROOT, Stack, free_ports, private_environ

from adwright.context.v1 import context_service_pb2 as pb
from adwright.context.v1 import context_service_pb2_grpc, resources_pb2
from adwright_servicekit.testing import as_tenant

__all__ = ["measure", "show"]

_SIZES = tuple(int(size) for size in os.environ.get("BENCH_CONTEXT_SIZES", "1000,10000,100000").split(","))
_CALLS = 1000
_PIECE = 512 * 1024
_BRAND = "brands/large"
_A_BRIEF = "a light tent for two people"


def measure(folder: Path) -> dict[str, Any]:
    """All figures, by size."""
    return {"sizes": [_of_size(folder / str(size), size) for size in _SIZES]}


def _of_size(folder: Path, size: int) -> dict[str, Any]:
    figures: dict[str, Any] = {"products": size}
    environ = private_environ(folder)
    environ["ADWRIGHT_METRICS_LISTEN"] = f"127.0.0.1:{free_ports(1)[0]}"
    with _serving(environ) as (process, stub):
        brand = resources_pb2.Brand(display_name="Large", languages=list(LANGUAGES))
        stub.CreateBrand(pb.CreateBrandRequest(brand_id="large", brand=brand), metadata=as_tenant("demo"))
        begun = time.perf_counter()
        report = stub.ImportProducts(_file(size), metadata=as_tenant("demo"), timeout=1800)
        assert report.imported_count == size, report
        figures["import_rows_s"] = round(size / (time.perf_counter() - begun))
        begun = time.perf_counter()
        _assemble(stub, _A_BRIEF, 1800)
        while _missing_vectors(environ):
            time.sleep(0.5)
            _assemble(stub, _A_BRIEF)
        figures["vectors_s"] = round(time.perf_counter() - begun, 1)
    with _serving(environ) as (process, stub):
        before = process.memory_info().rss
        begun = time.perf_counter()
        while True:
            try:
                _assemble(stub, _A_BRIEF, 120)
                break
            except grpc.RpcError as error:
                if error.code() is not grpc.StatusCode.UNAVAILABLE:
                    raise
        figures["first_s"] = round(time.perf_counter() - begun, 2)
        for at in range(50):
            _assemble(stub, f"warm {at}")
        briefs = [json.loads(line)["text"] for line in _briefs()]
        names = [f"{_BRAND}/products/p-{(at * 7919) % size}" for at in range(_CALLS)]
        figures["assemble_brief_ms"] = _timed(lambda at: _assemble(stub, f"{briefs[at % len(briefs)]} {at}"))
        asked = [f"{brief} again" for brief in briefs]
        for brief in asked:
            _assemble(stub, brief)
        figures["assemble_again_ms"] = _timed(lambda at: _assemble(stub, asked[at % len(asked)]))
        figures["assemble_named_ms"] = _timed(lambda at: _assemble(stub, "", names=[names[at]]))
        get = pb.GetProductRequest
        figures["get_product_ms"] = _timed(lambda at: stub.GetProduct(get(name=names[at]), metadata=as_tenant("demo")))
        brand_request = pb.GetBrandRequest(name=_BRAND)
        figures["get_brand_ms"] = _timed(lambda at: stub.GetBrand(brand_request, metadata=as_tenant("demo")))
        figures["rss_mb"] = round(process.memory_info().rss / 1e6, 1)
        figures["rss_grown_mb"] = round((process.memory_info().rss - before) / 1e6, 1)
    return figures


def _briefs() -> list[str]:
    path = Path(__file__).parent / "retrieval_data" / "briefs.jsonl"
    return path.read_text(encoding="utf-8").splitlines()


def _assemble(stub: Any, brief: str, timeout: float = 60, names: list[str] | None = None) -> Any:
    request = pb.AssembleContextRequest(
        brand=_BRAND, format="formats/google-rsa", brief=brief, products=names or [], token_budget=4000
    )
    return stub.AssembleContext(request, metadata=as_tenant("demo"), timeout=timeout).context


def _missing_vectors(environ: dict[str, str]) -> float:
    with urlopen(f"http://{environ['ADWRIGHT_METRICS_LISTEN']}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    return float(next(line for line in lines if line.startswith("adwright_context_vectors_missing")).split()[-1])


def _timed(call: Callable[[int], object]) -> dict[str, float]:
    values = []
    for at in range(_CALLS):
        begun = time.perf_counter()
        call(at)
        values.append((time.perf_counter() - begun) * 1000)
    cuts = statistics.quantiles(values, n=100)
    return {"p50": round(cuts[49], 2), "p99": round(cuts[98], 2)}


def _file(size: int) -> Iterator[pb.ImportProductsRequest]:
    config = pb.ImportConfig(parent=_BRAND, file_format=pb.ImportConfig.FILE_FORMAT_JSONL)
    yield pb.ImportProductsRequest(config=config)
    items, piece = catalogue("en"), b""
    for at in range(size):
        item = items[at % len(items)]
        row = item.content | {"name": f"{_BRAND}/products/p-{at}", "display_name": f"{item.name}-{at // len(items)}"}
        piece += json.dumps(row).encode() + b"\n"
        if len(piece) >= _PIECE:
            yield pb.ImportProductsRequest(data=piece)
            piece = b""
    yield pb.ImportProductsRequest(data=piece)


@contextmanager
def _serving(environ: dict[str, str]) -> Iterator[tuple[psutil.Process, Any]]:
    command = [sys.executable, "-m", "adwright_context"]
    process = subprocess.Popen(command, cwd=ROOT, env=environ, stderr=subprocess.DEVNULL)
    try:
        Stack(environ, None).wait_until_serving("context", time.monotonic() + 60)
        with grpc.insecure_channel(environ["ADWRIGHT_CONTEXT_LISTEN"]) as channel:
            yield psutil.Process(process.pid), context_service_pb2_grpc.ContextServiceStub(channel)
    finally:
        process.terminate()
        process.wait(timeout=60)


def show(results: dict[str, Any], console: Console) -> None:
    """Prints what `measure` found."""
    table = Table(
        "products", "import, rows/s", "vectors, s", "first, s", "process, MB", title="context service, SQLite"
    )
    calls = {
        "by new brief": "assemble_brief_ms",
        "again": "assemble_again_ms",
        "named": "assemble_named_ms",
        "get product": "get_product_ms",
    }
    calls["get brand"] = "get_brand_ms"
    for name in calls:
        table.add_column(f"{name} p50 / p99, ms")
    for row in results["sizes"]:
        times = [f"{row[key]['p50']} / {row[key]['p99']}" for key in calls.values()]
        shown = (row["products"], row["import_rows_s"], row["vectors_s"], row["first_s"], row["rss_mb"])
        table.add_row(*map(str, shown), *times)
    console.print(table)
