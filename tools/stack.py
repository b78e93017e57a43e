"""The four services as the Procfile has them, run by honcho on loopback, seeded with the example brands."""

import contextlib
import os
import random
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import grpc
import psutil
from grpc_health.v1 import health_pb2, health_pb2_grpc

__all__ = ["SERVICES", "Stack", "StackError", "free_ports", "private_environ"]

ROOT = Path(__file__).resolve().parent.parent
SERVICES = ("gateway", "context", "generator", "evaluator")
_KEPT = ("ADWRIGHT_EMBEDDED_MODEL", "ADWRIGHT_GENERATOR_CONFIG")
_BELOW_EPHEMERAL = range(20_000, 32_000)
_DEFAULT_PORTS = dict(zip(SERVICES, range(50051, 50055), strict=True))


class StackError(Exception):
    """The stack did not start. The text says why, with the last lines of the log."""


def free_ports(count: int) -> list[int]:
    """Loopback ports that nothing listens on at this moment, and that no outgoing connection is given by chance."""
    found: list[int] = []
    for port in random.sample(_BELOW_EPHEMERAL, len(_BELOW_EPHEMERAL)):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            found.append(port)
        if len(found) == count:
            return found
    raise StackError("no loopback ports are free")


def private_environ(folder: Path) -> dict[str, str]:
    """An environment for a stack that shares nothing with another: own ports, own stores, own key."""
    environ = {
        key: value for key, value in os.environ.items() if key in _KEPT or not key.startswith(("ADWRIGHT_", "OTEL_"))
    }
    key = f"adw_{secrets.token_urlsafe(24)}"
    environ |= {"ADWRIGHT_API_KEY": key, "ADWRIGHT_GATEWAY_BOOTSTRAP_KEY": key}
    *ports, http = free_ports(len(SERVICES) + 1)
    environ["ADWRIGHT_GATEWAY_HTTP_LISTEN"] = f"127.0.0.1:{http}"
    for service, port in zip(SERVICES, ports, strict=True):
        environ[f"ADWRIGHT_{service.upper()}_LISTEN"] = f"127.0.0.1:{port}"
        environ[f"ADWRIGHT_{service.upper()}_TARGET"] = f"127.0.0.1:{port}"
        environ[f"ADWRIGHT_{service.upper()}_SQLITE_PATH"] = str(folder / f"{service}.db")
    return environ


class Stack:
    """A running stack; a context manager that stops it."""

    def __init__(self, environ: Mapping[str, str], log: Path | None, *, procfile: Path = ROOT / "Procfile") -> None:
        """`log` gets what the services print; without it they print to the terminal."""
        self.environ = dict(environ)
        self.environ.setdefault("ADWRIGHT_LOG_FORMAT", "plain")
        self.environ.setdefault("ADWRIGHT_SERVICE_SECRET", secrets.token_urlsafe(32))
        # Whoever runs a suite here may run programs anyway.
        self.environ.setdefault("ADWRIGHT_EVALUATOR_ALLOW_PYTHON", "true")
        # What gRPC's core has to say is said by the services in their own words.
        self.environ.setdefault("GRPC_VERBOSITY", "NONE")
        # Python finds honcho and the services in the environment that runs this.
        self.environ["VENV"] = sys.prefix
        self._log = log
        self._procfile = procfile
        self._honcho: subprocess.Popen[bytes] | None = None

    def target(self, service: str) -> str:
        """Where `service` listens."""
        default = f"127.0.0.1:{_DEFAULT_PORTS[service]}"
        return self.environ.get(f"ADWRIGHT_{service.upper()}_LISTEN", default)

    @property
    def http_address(self) -> str:
        """Where the gateway answers HTTP."""
        return self.environ.get("ADWRIGHT_GATEWAY_HTTP_LISTEN", "127.0.0.1:8080")

    def check_ports(self) -> None:
        """Raises StackError when something else listens where a service wants to."""
        places = {f"ADWRIGHT_{service.upper()}_LISTEN": self.target(service) for service in SERVICES}
        places["ADWRIGHT_GATEWAY_HTTP_LISTEN"] = self.http_address
        for variable, place in places.items():
            host, _, port = place.rpartition(":")
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind((host, int(port)))
                except OSError as error:
                    raise StackError(
                        f"cannot listen on {host}:{port} ({error.strerror}): is the stack running already? "
                        f"{variable} names another address"
                    ) from None

    def start(self, *, timeout: float = 90.0) -> None:
        """Starts the services, seeds the examples meanwhile, and returns when all are SERVING. Raises StackError."""
        command = [sys.executable, "-m", "tools.procfile", str(self._procfile)]
        out = self._log.open("wb") if self._log else None
        try:
            # A group of its own: Ctrl-C is for us, who then stop honcho in order.
            self._honcho = subprocess.Popen(
                command, cwd=ROOT, env=self.environ, stdout=out, stderr=out, start_new_session=True
            )
        finally:
            if out:
                out.close()
        try:
            self.seed()
            deadline = time.monotonic() + timeout
            for service in SERVICES:
                self.wait_until_serving(service, deadline)
        except BaseException:
            self.stop()
            raise

    def seed(self) -> None:
        """Puts the example brands into the store of tenant `demo`; again is the same as once."""
        command = [
            sys.executable,
            "-m",
            "adwright_context",
            "admin",
            "seed",
            "examples/data",
            "--tenant",
            "demo",
        ]
        done = subprocess.run(
            command, cwd=ROOT, env=self.environ, capture_output=True, text=True, check=False, timeout=60
        )
        if done.returncode:
            raise StackError(f"seeding failed: {done.stderr.strip()}")

    def wait_until_serving(self, service: str, deadline: float) -> None:
        """Returns when health says SERVING. Raises StackError after `deadline` (monotonic seconds)."""
        with grpc.insecure_channel(self.target(service)) as channel:
            check = health_pb2_grpc.HealthStub(channel).Check
            while True:
                if self._honcho is not None and self._honcho.poll() is not None:
                    raise StackError(f"a service ended while starting\n{self.log_tail()}")
                try:
                    answer = check(health_pb2.HealthCheckRequest(), timeout=1, wait_for_ready=True)
                    if answer.status == health_pb2.HealthCheckResponse.SERVING:
                        return
                except grpc.RpcError:
                    pass
                if time.monotonic() > deadline:
                    raise StackError(f"{service} on {self.target(service)} is not up\n{self.log_tail()}")

    def process(self, service: str) -> psutil.Process:
        """The running process of `service`. Raises StackError when there is none."""
        assert self._honcho is not None
        for process in psutil.Process(self._honcho.pid).children(recursive=True):
            with contextlib.suppress(psutil.Error):
                if f"adwright_{service}" in process.cmdline():
                    return process
        raise StackError(f"{service} is not running")

    def wait(self) -> int:
        """Until a service ends by itself; gives honcho's exit code."""
        assert self._honcho is not None
        return self._honcho.wait()

    def stop(self) -> None:
        """Stops all services, which finish their streams first; a second Ctrl-C does not wait for them."""
        if self._honcho is None:
            return
        if self._honcho.poll() is None:
            self._honcho.send_signal(signal.SIGTERM)
            try:
                self._honcho.wait(timeout=120)
            except (subprocess.TimeoutExpired, KeyboardInterrupt):
                honcho = psutil.Process(self._honcho.pid)
                # honcho itself too: it waits for the word of those that start its processes.
                for process in (*honcho.children(recursive=True), honcho):
                    with contextlib.suppress(psutil.NoSuchProcess):
                        process.kill()
        self._honcho.wait()

    def log_tail(self, lines: int = 20) -> str:
        """The last lines of the log."""
        if self._log is None or not self._log.exists():
            return ""
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-lines:])

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
