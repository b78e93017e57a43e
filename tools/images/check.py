"""Holds a built image against what it is to be: what is in it, what is not, how it starts, runs and ends.

It may be an image of a container engine, or its rehearsal; what only a base image can show is left out of the latter.
"""

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from . import dockerfile
from .declared import distributions, own_packages
from .engine import ROOT, SERVICES, ImageError
from .host import Host

__all__ = ["Measured", "check"]

_UID = 10001
_START_SECONDS = 60.0
_STOP_SECONDS = 20
_PORTS = dict(zip(SERVICES, range(50051, 50055), strict=True))
_INSIDE = Path(__file__).with_name("inside.py")


@dataclass(frozen=True, slots=True)
class Measured:
    """Sizes in bytes on the disk, times in seconds, memory in bytes; `size` is None where there is no base."""

    service: str
    python: str
    size: int | None
    above_base: int
    distributions: int
    modules: int
    start: float
    memory: int
    stop: float
    stop_while_starting: float

    def as_json(self) -> dict[str, object]:
        """For a file."""
        return asdict(self)


def check(host: Host, service: str, tag: str, *, base: str, root: Path = ROOT) -> Measured:
    """Raises ImageError with all that is wrong with what is in the image, or with the first thing about its run."""
    found = json.loads(host.python(tag, _INSIDE.read_text(encoding="utf-8")))
    wrong = [*_configured(host, service, tag), *_contents(host, service, found, root)]
    if wrong:
        raise ImageError(f"{service}: " + f"\n{service}: ".join(wrong))
    name = f"adwright-check-{service}"
    start, memory, stop = _run(host, service, tag, name)
    size, above_base = host.sizes(tag, base)
    return Measured(
        service=service,
        python=found["python"],
        size=size,
        above_base=above_base,
        distributions=len(found["distributions"]),
        modules=found["modules"],
        start=round(start, 2),
        memory=memory,
        stop=round(stop, 2),
        stop_while_starting=round(max(_stop_after(host, service, tag, name, wait) for wait in (0, start / 2)), 2),
    )


def _configured(host: Host, service: str, tag: str) -> list[str]:
    config = host.config(tag)
    labels, ports = config.get("Labels") or {}, config.get("ExposedPorts") or {}
    assert isinstance(labels, dict)
    assert isinstance(ports, dict)
    entrypoint = dockerfile.read(ROOT / f"services/{service}/Dockerfile").final.last("ENTRYPOINT").exec_form
    wanted = {
        "its user": (config.get("User"), f"{_UID}:{_UID}"),
        "its entry point": (config.get("Entrypoint"), entrypoint),
        "its title": (labels.get("org.opencontainers.image.title"), f"adwright-{service}"),
        "its ports": (f"{_PORTS[service]}/tcp" in ports, True),
        "its version": (bool(labels.get("org.opencontainers.image.version")), True),
        "its revision": (bool(labels.get("org.opencontainers.image.revision")), True),
    }
    return [f"{what} is {got}, not {expected}" for what, (got, expected) in wanted.items() if got != expected]


def _contents(host: Host, service: str, found: dict[str, object], root: Path) -> list[str]:
    wrong = []
    failures = found["failures"]
    assert isinstance(failures, dict)
    wrong += [f"cannot import {name}: {error}" for name, error in failures.items()]
    there, wanted = _names(found["distributions"]), distributions(service, root)
    own = {f"adwright_{name}" for name in (service, *(own_packages(service, root) - {"protos"}))}
    writable = _names(found["writable"]) | (_names(found["base_writable"]) if host.has_base else set())
    for what, difference in (
        ("distributions are missing", wanted - there),
        ("distributions are there that nobody asked for", there - wanted),
        ("packages of ours are missing", own - _names(found["own"])),
        ("packages of ours are there that it does not need", _names(found["own"]) - own),
        ("tools are there", _names(found["tools"])),
        ("folders can be written to", writable),
    ):
        if difference:
            wrong.append(f"{what}: {', '.join(sorted(difference))}")
    if (found["uid"], found["gid"]) != (host.uid, host.gid):
        wrong.append(f"runs as {found['uid']}:{found['gid']}, not {host.uid}:{host.gid}")
    if found["pip"]:
        wrong.append("pip can be imported")
    if host.has_base and not found["standard_library_bytecode"]:
        wrong.append("the standard library has no bytecode: every start compiles it")
    return wrong


def _names(value: object) -> set[str]:
    assert isinstance(value, list)
    return set(value)


def _run(host: Host, service: str, tag: str, name: str) -> tuple[float, int, float]:
    """Starts it with nothing but the image's own variables; gives seconds to SERVING, memory, seconds to stop."""
    host.remove(name)
    try:
        begun = time.monotonic()
        host.start(tag, name, _PORTS[service])
        _wait_until_serving(host, service, name)
        start = time.monotonic() - begun
        memory = host.memory(name)
        probed = host.probe(name, _PORTS[service])
        if probed != "SERVING":
            raise ImageError(f"{service}: the probe says {probed}")
        stop, code = host.stop(name, _STOP_SECONDS)
        if code != 0:
            raise ImageError(f"{service}: SIGTERM ended it with exit code {code} after {stop:.1f} s\n{host.logs(name)}")
        return start, memory, stop
    finally:
        host.remove(name)


def _wait_until_serving(host: Host, service: str, name: str) -> None:
    deadline = time.monotonic() + _START_SECONDS
    with grpc.insecure_channel(host.published(name, _PORTS[service])) as channel:
        check_health = health_pb2_grpc.HealthStub(channel).Check
        while True:
            try:
                answer = check_health(health_pb2.HealthCheckRequest(), timeout=1, wait_for_ready=True)
                if answer.status == health_pb2.HealthCheckResponse.SERVING:
                    return
            except grpc.RpcError:
                pass
            if host.ended(name):
                raise ImageError(f"{service}: ended while starting\n{host.logs(name)}")
            if time.monotonic() > deadline:
                raise ImageError(f"{service}: is not SERVING after {_START_SECONDS:.0f} s\n{host.logs(name)}")


def _stop_after(host: Host, service: str, tag: str, name: str, wait: float) -> float:
    """A pod can be deleted while it starts; it must not sit out its whole grace period then."""
    host.remove(name)
    try:
        host.start(tag, name, _PORTS[service])
        time.sleep(wait)
        stop, code = host.stop(name, _STOP_SECONDS)
        if code not in (0, 143):
            raise ImageError(
                f"{service}: SIGTERM {wait:.1f} s after its start ended it with exit code {code} after {stop:.1f} s"
                f"\n{host.logs(name)}"
            )
        return stop
    finally:
        host.remove(name)
