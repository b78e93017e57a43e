"""Holds a built image against what it is to be: what is in it, what is not, how it starts, runs and ends."""

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from . import dockerfile
from .declared import distributions, own_packages
from .engine import ROOT, SERVICES, Engine, ImageError

__all__ = ["Measured", "check"]

_UID = 10001
_START_SECONDS = 60.0
_STOP_SECONDS = 20
_KEY = "adw_0123456789abcdef"  # a key that nothing but the container under test ever knew
_PORTS = dict(zip(SERVICES, range(50051, 50055), strict=True))
_INSIDE = Path(__file__).with_name("inside.py")


@dataclass(frozen=True, slots=True)
class Measured:
    """Sizes in bytes on the engine's disk, times in seconds, memory in bytes."""

    service: str
    python: str
    size: int
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


def check(engine: Engine, service: str, tag: str, *, base: str, root: Path = ROOT) -> Measured:
    """Raises ImageError with all that is wrong with what is in the image, or with the first thing about its run."""
    found = json.loads(engine.python(tag, _INSIDE.read_text(encoding="utf-8")))
    wrong = [*_configured(engine, service, tag), *_contents(service, found, root)]
    if wrong:
        raise ImageError(f"{service}: " + f"\n{service}: ".join(wrong))
    name = f"adwright-check-{service}"
    start, memory, stop = _run(engine, service, tag, name)
    size = int(engine.inspect("image", tag)["Size"])
    return Measured(
        service=service,
        python=found["python"],
        size=size,
        above_base=size - int(engine.inspect("image", base)["Size"]),
        distributions=len(found["distributions"]),
        modules=found["modules"],
        start=round(start, 2),
        memory=memory,
        stop=round(stop, 2),
        stop_while_starting=round(_stop_at_once(engine, service, tag, name), 2),
    )


def _configured(engine: Engine, service: str, tag: str) -> list[str]:
    config = engine.inspect("image", tag)["Config"]
    labels = config.get("Labels") or {}
    entrypoint = dockerfile.read(ROOT / f"services/{service}/Dockerfile").final.last("ENTRYPOINT").exec_form
    wanted = {
        "its user": (config.get("User"), f"{_UID}:{_UID}"),
        "its entry point": (config.get("Entrypoint"), entrypoint),
        "its title": (labels.get("org.opencontainers.image.title"), f"adwright-{service}"),
        "its ports": (f"{_PORTS[service]}/tcp" in (config.get("ExposedPorts") or {}), True),
        "its version": (bool(labels.get("org.opencontainers.image.version")), True),
        "its revision": (bool(labels.get("org.opencontainers.image.revision")), True),
    }
    return [f"{what} is {got}, not {expected}" for what, (got, expected) in wanted.items() if got != expected]


def _contents(service: str, found: dict[str, object], root: Path) -> list[str]:
    wrong = []
    failures = found["failures"]
    assert isinstance(failures, dict)
    wrong += [f"cannot import {name}: {error}" for name, error in failures.items()]
    there, wanted = _names(found["distributions"]), distributions(service, root)
    own = {f"adwright_{name}" for name in (service, *(own_packages(service, root) - {"protos"}))}
    for what, difference in (
        ("distributions are missing", wanted - there),
        ("distributions are there that nobody asked for", there - wanted),
        ("packages of ours are missing", own - _names(found["own"])),
        ("packages of ours are there that it does not need", _names(found["own"]) - own),
        ("tools are there", _names(found["tools"])),
        ("folders can be written to", _names(found["writable"])),
    ):
        if difference:
            wrong.append(f"{what}: {', '.join(sorted(difference))}")
    if (found["uid"], found["gid"]) != (_UID, _UID):
        wrong.append(f"runs as {found['uid']}:{found['gid']}, not {_UID}:{_UID}")
    if found["pip"]:
        wrong.append("pip can be imported")
    if not found["standard_library_bytecode"]:
        wrong.append("the standard library has no bytecode: every start compiles it")
    return wrong


def _names(value: object) -> set[str]:
    assert isinstance(value, list)
    return set(value)


def _run(engine: Engine, service: str, tag: str, name: str) -> tuple[float, int, float]:
    """Starts it with nothing but the image's own variables; gives seconds to SERVING, memory, seconds to stop."""
    engine.remove(name)
    try:
        begun = time.monotonic()
        engine.start(tag, name, _PORTS[service])
        _wait_until_serving(engine, service, name)
        start = time.monotonic() - begun
        status = engine.call("exec", name, "cat", *(f"/proc/{pid}/status" for pid in _processes(engine, name)))
        memory = sum(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:")) * 1024
        probed = engine.call("exec", name, "python", "-m", "adwright_servicekit.probe", f"127.0.0.1:{_PORTS[service]}")
        if probed.strip() != "SERVING":
            raise ImageError(f"{service}: the probe says {probed.strip()}")
        stop, code = engine.stop(name, _STOP_SECONDS)
        if code != 0:
            raise ImageError(
                f"{service}: SIGTERM ended it with exit code {code} after {stop:.1f} s\n{engine.logs(name)}"
            )
        return start, memory, stop
    finally:
        engine.remove(name)


def _processes(engine: Engine, name: str) -> list[str]:
    """The processes of the container that were there before this question was asked."""
    listed = engine.call(
        "exec", name, "sh", "-c", "ls /proc/*/task/*/children | cut -d/ -f3 | sort -nu; echo $$"
    ).split()
    return [pid for pid in dict.fromkeys(listed[:-1]) if pid.isdigit() and int(pid) < int(listed[-1])]


def _wait_until_serving(engine: Engine, service: str, name: str) -> None:
    deadline = time.monotonic() + _START_SECONDS
    with grpc.insecure_channel(engine.published(name, _PORTS[service])) as channel:
        check_health = health_pb2_grpc.HealthStub(channel).Check
        while True:
            try:
                answer = check_health(health_pb2.HealthCheckRequest(), timeout=1, wait_for_ready=True)
                if answer.status == health_pb2.HealthCheckResponse.SERVING:
                    return
            except grpc.RpcError:
                pass
            if engine.inspect("container", name)["State"]["Status"] in ("exited", "dead", "stopped"):
                raise ImageError(f"{service}: ended while starting\n{engine.logs(name)}")
            if time.monotonic() > deadline:
                raise ImageError(f"{service}: is not SERVING after {_START_SECONDS:.0f} s\n{engine.logs(name)}")


def _stop_at_once(engine: Engine, service: str, tag: str, name: str) -> float:
    """A pod can be deleted while it starts; it must not sit out its whole grace period then."""
    engine.remove(name)
    try:
        engine.start(tag, name, _PORTS[service])
        stop, code = engine.stop(name, _STOP_SECONDS)
        if code not in (0, 143):
            raise ImageError(f"{service}: SIGTERM while starting ended it with exit code {code} after {stop:.1f} s")
        return stop
    finally:
        engine.remove(name)
