"""Processes in the place of pods, and a Deployment that exchanges them one by one."""

import asyncio
import signal
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from tools.stack import ROOT

from .manifests import Manifest
from .names import Names

__all__ = ["Deployment", "Pod"]

_STARTS_WITHIN = 60.0


class Pod:
    """One replica: a process with an address of its own, on which it listens at the ports of the manifest."""

    def __init__(self, manifest: Manifest, address: str, environ: Mapping[str, str], log: Path) -> None:
        self.manifest = manifest
        self.address = address
        self.ready_at = 0.0
        """Monotonic seconds, as are the others."""
        self.told_at = 0.0
        self.ended_after: float | None = None
        """Seconds from SIGTERM to the end of the process."""
        self._environ = environ
        self._log = log
        self._process: asyncio.subprocess.Process | None = None

    def at(self, port: str) -> str:
        """`ADDRESS:PORT`, by the port's name."""
        return f"{self.address}:{self.manifest.ports[port]}"

    async def start(self) -> None:
        """Returns when the readiness probe says SERVING."""
        with self._log.open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                f"adwright_{self.manifest.service}",
                cwd=ROOT,
                env=self._environ,
                stdout=log,
                stderr=log,
            )
        request = health_pb2.HealthCheckRequest(service=self.manifest.probed)
        async with asyncio.timeout(_STARTS_WITHIN), grpc.aio.insecure_channel(self.at("grpc")) as channel:
            check = health_pb2_grpc.HealthStub(channel).Check
            while True:
                assert self._process.returncode is None, f"{self.manifest.service} ended: {self.log_tail()}"
                with suppress(grpc.aio.AioRpcError):
                    said = await check(request, timeout=2)
                    if said.status == health_pb2.HealthCheckResponse.SERVING:
                        break
                await asyncio.sleep(0.1)
        self.ready_at = time.monotonic()

    def tell_to_stop(self) -> None:
        """SIGTERM."""
        assert self._process is not None
        self.told_at = time.monotonic()
        self._process.send_signal(signal.SIGTERM)

    async def end(self) -> int:
        """The exit code; what has not ended by terminationGracePeriodSeconds after SIGTERM is killed: -9."""
        assert self._process is not None
        left = self.told_at + self.manifest.kill_after - time.monotonic()
        try:
            code = await asyncio.wait_for(self._process.wait(), left)
        except TimeoutError:
            self._process.kill()
            code = await self._process.wait()
        self.ended_after = time.monotonic() - self.told_at
        return code

    async def kill(self) -> None:
        """At once, if it still runs."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    def log_tail(self) -> str:
        """The last lines that it wrote."""
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-20:])


class Deployment:
    """Replicas of one service, and their addresses in DNS while they are ready."""

    def __init__(self, manifest: Manifest, names: Names, make: Callable[[], Pod]) -> None:
        self.manifest = manifest
        self.pods: list[Pod] = []
        """Those that are ready and stay."""
        self.all: list[Pod] = []
        """Those that there ever were."""
        self._names = names
        self._make = make

    async def start(self) -> None:
        """As many as the manifest wants, all at once."""
        self.all = [self._make() for _ in range(self.manifest.replicas)]
        async with asyncio.TaskGroup() as tasks:
            for pod in self.all:
                tasks.create_task(pod.start())
        self.pods = [*self.all]
        self._tell()

    async def roll(self) -> None:
        """Exchanges all: one new, then one old out, as maxSurge 1 and maxUnavailable 0 have it.

        As the controller does, it does not wait for the end of what it told to stop.
        """
        for old in [*self.pods]:
            new = self._make()
            self.all.append(new)
            await new.start()
            self.pods = [pod for pod in self.pods if pod is not old] + [new]
            self._tell()
            old.tell_to_stop()

    def _tell(self) -> None:
        self._names[self.manifest.service] = [pod.address for pod in self.pods]
