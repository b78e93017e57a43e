"""What a token costs on its way through the services, with a TGI double in the place of the model server.

CPU is that of the service's process, from the operating system, divided by the tokens that went through it. A stream
costs something by itself too (prompt, checks, channels): streams of two lengths tell the two apart.
"""

import asyncio
import json
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import grpc
import psutil
import uvloop
from google.protobuf import json_format
from rich.console import Console
from rich.table import Table
from tools.stack import ROOT, Stack, free_ports, private_environ

from adwright.context.v1 import resources_pb2
from adwright.gateway.v1 import ad_service_pb2, ad_service_pb2_grpc
from adwright.generator.v1 import generator_service_pb2, generator_service_pb2_grpc
from adwright_generator.backends.fake_openai import FakeOpenAI, OpenAIScript
from adwright_generator.backends.fake_tgi import FakeTgi

__all__ = ["measure", "show"]

_STREAMS = 64
_PACE = 50
_SHORT, _LONG = 40, 240
"""Tokens of a stream; the double makes tokens of 4 characters."""
_MANY = 1000
_WAYS = ("generator", "gateway_and_generator", "http_gateway_and_generator")
_WAVES = {"paced": 2, "saturated": 10}
"""How often that many streams run at a time; what is over at once is repeated, so that there is something to count."""

_CANCELS = 20

Run = Callable[[str], Awaitable[tuple[int, float]]]
"""One stream from a backend: its tokens, and the seconds to the first of them."""


def measure(folder: Path) -> dict[str, Any]:
    """All figures. CPU in microseconds, times in milliseconds, memory in KB."""
    figures: dict[str, Any] = {}
    for name, options in {
        "paced": ["--tokens-per-second", str(_PACE)],
        "saturated": ["--burst", "8"],
    }.items():
        with _doubles(options) as urls, _stack(folder / name, urls) as stack:
            figures[name] = uvloop.run(_measure(stack, urls, _WAVES[name], paced=name == "paced"))
    return figures


@contextmanager
def _doubles(options: list[str]) -> Iterator[dict[str, str]]:
    """URLs of a double with short answers and one with long ones."""
    processes, urls = [], {}
    try:
        for name, tokens in (("short", _SHORT), ("long", _LONG)):
            command = [sys.executable, "-m", "adwright_generator.backends.fake_tgi", "--listen", "127.0.0.1:0"]
            command += ["--max-concurrent", "4096", "--text-length", str(tokens * 4), *options]
            process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
            processes.append(process)
            assert process.stdout is not None
            urls[name] = process.stdout.readline().strip()
        yield urls
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(timeout=20)


@contextmanager
def _stack(folder: Path, urls: dict[str, str]) -> Iterator[Stack]:
    folder.mkdir()
    backends = [
        {"name": name, "kind": "tgi", "url": url, "model": "fake", "max_concurrency": 4096}
        for name, url in urls.items()
    ]
    config = {"backends": backends, "routing": {"first_token_timeout": "60s", "stall_timeout": "60s"}}
    tgi, api = free_ports(2)
    watched = {"model": "fake", "max_concurrency": 16}
    backends += [
        watched | {"name": "watched-tgi", "kind": "tgi", "url": f"http://127.0.0.1:{tgi}"},
        watched | {"name": "watched-openai", "kind": "openai", "base_url": f"http://127.0.0.1:{api}/v1"},
    ]
    path = folder / "generator.yaml"
    path.write_text(json.dumps(config))
    environ = private_environ(folder) | {"ADWRIGHT_GENERATOR_CONFIG": str(path)}
    environ["ADWRIGHT_MAX_CONCURRENT_RPCS"] = "4096"
    environ |= {"BENCH_TGI": str(tgi), "BENCH_OPENAI": str(api)}
    with Stack(environ, folder / "log") as stack:
        yield stack


async def _measure(stack: Stack, urls: dict[str, str], waves: int, *, paced: bool) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    async with (
        _direct(urls) as direct,
        _generator(stack) as generator,
        _gateway(stack) as gateway,
        _http(stack) as http,
    ):
        alone = await _costs(generator, waves, [stack.process("generator")])
        both = await _costs(gateway, waves, [stack.process("generator"), stack.process("gateway")])
        web = await _costs(http, waves, [stack.process("generator"), stack.process("gateway")])
        for what, name in (("token", "cpu_us_a_token"), ("stream", "cpu_ms_a_stream"), ("rate", "tokens_a_second")):
            figures[name] = dict(zip(_WAYS, (alone[what], both[what], web[what]), strict=True))
        if paced:
            first = {
                name: [seconds for _ in range(10) for _, seconds in [await run("short")]]
                for name, run in (
                    ("direct", direct),
                    ("generator", generator),
                    ("gateway", gateway),
                    ("http", http),
                )
            }
            medians = {name: statistics.median(values) * 1000 for name, values in first.items()}
            figures["added_ms_to_first_token"] = {
                name: round(medians[name] - medians["direct"], 2) for name in ("generator", "gateway", "http")
            }
            figures["ms_until_cancelled"] = await _cancels(stack)
            figures["kb_a_stream"] = await _memory(gateway, http, stack)
    return figures


async def _costs(run: Run, waves: int, processes: list[psutil.Process]) -> dict[str, float]:
    """CPU of a token and of a stream, from streams of two lengths."""
    await _wave(run, "short", _STREAMS)
    short_cpu, short_tokens, _ = await _spent(run, "short", waves, processes)
    long_cpu, long_tokens, rate = await _spent(run, "long", waves, processes)
    token = (long_cpu - short_cpu) / (long_tokens - short_tokens)
    return {
        "token": round(token * 1e6, 2),
        "stream": round((short_cpu - token * short_tokens) / (waves * _STREAMS) * 1e3, 2),
        "rate": round(rate),
    }


async def _spent(run: Run, backend: str, waves: int, processes: list[psutil.Process]) -> tuple[float, int, float]:
    """CPU seconds, tokens, and tokens a second of so many waves."""
    before, begun = _cpu(processes), time.perf_counter()
    tokens = 0
    for _ in range(waves):
        tokens += await _wave(run, backend, _STREAMS)
    return _cpu(processes) - before, tokens, tokens / (time.perf_counter() - begun)


async def _wave(run: Run, backend: str, streams: int) -> int:
    return sum(tokens for tokens, _ in await asyncio.gather(*(run(backend) for _ in range(streams))))


def _cpu(processes: list[psutil.Process]) -> float:
    times = [process.cpu_times() for process in processes]
    return sum(t.user + t.system for t in times)


async def _memory(grpc_run: Run, http_run: Run, stack: Stack) -> dict[str, float]:
    """Growth of the resident memory while many streams are open, half of them over HTTP, a stream."""
    processes = {name: stack.process(name) for name in ("generator", "gateway")}
    before = {name: process.memory_info().rss for name, process in processes.items()}
    begun = time.perf_counter()
    halves = (_wave(grpc_run, "long", _MANY // 2), _wave(http_run, "long", _MANY // 2))
    wave = asyncio.ensure_future(asyncio.gather(*halves))
    most = dict(before)
    while not wave.done():
        await asyncio.sleep(0.2)
        most = {name: max(most[name], process.memory_info().rss) for name, process in processes.items()}
    await wave
    grown = {name: round((most[name] - before[name]) / _MANY / 1000, 1) for name in processes}
    return grown | {"seconds": round(time.perf_counter() - begun, 1)}


async def _cancels(stack: Stack) -> dict[str, dict[str, float]]:
    """From the client's cancellation at the gateway to the end of the connection as the model server sees it."""
    figures = {}
    tgi = FakeTgi(port=int(stack.environ["BENCH_TGI"]), text_length=900, tokens_per_second=20)
    api = FakeOpenAI(
        default=OpenAIScript(text="word " * 200, tokens_per_second=20), port=int(stack.environ["BENCH_OPENAI"])
    )
    async with tgi, api, grpc.aio.insecure_channel(stack.target("gateway")) as channel:
        stub = ad_service_pb2_grpc.AdServiceStub(channel)
        metadata = [("authorization", f"Bearer {stack.environ['ADWRIGHT_API_KEY']}")]
        await asyncio.sleep(1.5)  # Until the generator has noticed that they are there.
        for name, server in (("tgi", tgi), ("openai", api)):
            times = []
            for _ in range(_CANCELS):
                request = ad_service_pb2.GenerateAdRequest(
                    brand="nordlys", format="plain", products=["aurora-trail-2"], backend=f"watched-{name}"
                )
                call = stub.GenerateAd(request, metadata=metadata, timeout=60)
                async for event in call:
                    if event.HasField("delta"):
                        break
                cancelled = asyncio.get_running_loop().time()
                call.cancel()
                while not server.calls[-1].closed_early:  # noqa: ASYNC110 - it is the time that is measured
                    await asyncio.sleep(0.0005)
                times.append((asyncio.get_running_loop().time() - cancelled) * 1000)
            figures[name] = {"median": round(statistics.median(times), 1), "max": round(max(times), 1)}
    return figures


@asynccontextmanager
async def _direct(urls: dict[str, str]) -> AsyncIterator[Run]:
    async with aiohttp.ClientSession() as session:

        async def run(backend: str) -> tuple[int, float]:
            begun, first, tokens = time.perf_counter(), 0.0, 0
            body = {"inputs": "Write.", "parameters": {"max_new_tokens": 240, "details": True}}
            async with session.post(f"{urls[backend]}/generate_stream", json=body) as response:
                async for line in response.content:
                    first = first or time.perf_counter() - begun
                    tokens += line.startswith(b"data:")
            return tokens, first

        yield run


@asynccontextmanager
async def _generator(stack: Stack) -> AsyncIterator[Run]:
    context = json_format.ParseDict(
        {
            "brand": {"name": "brands/nordlys", "display_name": "Nordlys", "languages": ["en"]},
            "products": [{"product": {"name": "brands/nordlys/products/a", "display_name": "Aurora Trail 2"}}],
            "language": "en",
            "revision": "1",
        },
        resources_pb2.PromptContext(),
    )
    async with grpc.aio.insecure_channel(stack.target("generator")) as channel:
        stub = generator_service_pb2_grpc.GeneratorServiceStub(channel)
        metadata = [("x-adwright-tenant", "demo"), ("x-adwright-service", stack.environ["ADWRIGHT_SERVICE_SECRET"])]

        async def run(backend: str) -> tuple[int, float]:
            request = generator_service_pb2.GenerateRequest(
                context=context, format="formats/plain", backend=backend, max_repairs=0
            )
            return await _read(stub.Generate(request, metadata=metadata, timeout=120))

        yield run


@asynccontextmanager
async def _gateway(stack: Stack) -> AsyncIterator[Run]:
    async with grpc.aio.insecure_channel(stack.target("gateway")) as channel:
        stub = ad_service_pb2_grpc.AdServiceStub(channel)
        metadata = [("authorization", f"Bearer {stack.environ['ADWRIGHT_API_KEY']}")]

        async def run(backend: str) -> tuple[int, float]:
            request = ad_service_pb2.GenerateAdRequest(
                brand="nordlys", format="plain", products=["aurora-trail-2"], backend=backend, max_repairs=0
            )
            return await _read(stub.GenerateAd(request, metadata=metadata, timeout=120))

        yield run


@asynccontextmanager
async def _http(stack: Stack) -> AsyncIterator[Run]:
    headers = {"authorization": f"Bearer {stack.environ['ADWRIGHT_API_KEY']}", "accept": "text/event-stream"}
    url = f"http://{stack.http_address}/v1/ads:generate"
    async with aiohttp.ClientSession(headers=headers, connector=aiohttp.TCPConnector(limit=0)) as session:

        async def run(backend: str) -> tuple[int, float]:
            body = {
                "brand": "nordlys",
                "format": "plain",
                "products": ["aurora-trail-2"],
                "backend": backend,
                "maxRepairs": 0,
            }
            begun, first, tokens = time.perf_counter(), 0.0, 0
            async with session.post(url, json=body) as response:
                response.raise_for_status()
                async for line in response.content:
                    if line.startswith(b'data: {"delta"'):
                        first = first or time.perf_counter() - begun
                    elif line.startswith(b'data: {"completed"'):
                        tokens = int(json.loads(line[6:])["completed"]["usage"]["outputTokens"])
            assert tokens, "a stream without a token measures nothing"
            return tokens, first

        yield run


async def _read(call: Any) -> tuple[int, float]:
    begun, first, tokens = time.perf_counter(), 0.0, 0
    async for event in call:
        if event.HasField("delta"):
            first = first or time.perf_counter() - begun
        elif event.HasField("completed"):
            tokens = event.completed.usage.output_tokens
    assert tokens, "a stream without a token measures nothing"
    return tokens, first


def show(figures: dict[str, Any], console: Console) -> None:
    """Prints what `measure` found."""
    table = Table(
        "", "CPU µs a token", "CPU ms a stream", "tokens a second", title=f"{_STREAMS} streams of a TGI double"
    )
    for name in ("paced", "saturated"):
        for key, label in zip(_WAYS, ("generator", "gateway + generator", "HTTP gateway + generator"), strict=True):
            values = [figures[name][what][key] for what in ("cpu_us_a_token", "cpu_ms_a_stream", "tokens_a_second")]
            pace = f"{_PACE} tokens a second" if name == "paced" else "as fast as it goes"
            table.add_row(f"{label}, {pace}", *map(str, values))
    console.print(table)
    added, memory = figures["paced"]["added_ms_to_first_token"], figures["paced"]["kb_a_stream"]
    console.print(
        f"added to the first token, median: generator {added['generator']} ms, gateway {added['gateway']} ms, "
        f"over HTTP {added['http']} ms"
    )
    console.print(
        f"memory of one of {_MANY} open streams, half of them over HTTP: "
        f"{memory['generator']} + {memory['gateway']} KB; all whole after {memory['seconds']} s"
    )
    for name, times in figures["paced"]["ms_until_cancelled"].items():
        console.print(f"client gone, until {name} sees it: median {times['median']} ms, longest {times['max']} ms")
