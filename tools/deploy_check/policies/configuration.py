"""The services' own settings classes read what each container would be given."""

import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath

from adwright_context.settings import ContextSettings
from adwright_context.settings import StoreSettings as ContextStore
from adwright_evaluator.settings import Settings as EvaluatorSettings
from adwright_evaluator.settings import StoreSettings as EvaluatorStore
from adwright_gateway.settings import Settings as GatewaySettings
from adwright_gateway.settings import StoreSettings as GatewayStore
from adwright_generator.config import GeneratorConfig, load_config
from adwright_generator.settings import Settings as GeneratorSettings
from adwright_servicekit.settings import ServerSettings, Settings, SettingsError

from ..facts import Facts
from ..findings import Finding
from ..objects import Container, Pod, Render, at
from .environment import environment, mounted_files, own_service

__all__ = [
    "listeners_match_ports",
    "own_containers",
    "settings_load",
    "start",
    "stores_can_be_written",
    "variables_are_known",
]

_SETTINGS: dict[str, type[ServerSettings]] = {
    "gateway": GatewaySettings,
    "context": ContextSettings,
    "generator": GeneratorSettings,
    "evaluator": EvaluatorSettings,
}
# What `admin …` reads.
_STORES: dict[str, type[Settings]] = {
    "gateway": GatewayStore,
    "context": ContextStore,
    "evaluator": EvaluatorStore,
}
# Read by adwright_servicekit.metrics, not by a settings class.
_BESIDES = frozenset(("ADWRIGHT_METRICS_LISTEN",))
_LISTENERS = {"_HTTP_LISTEN": "http", "_METRICS_LISTEN": "metrics", "_HEALTH_LISTEN": "health", "_LISTEN": "grpc"}


@dataclass(frozen=True, slots=True)
class Started:
    """What a service has read."""

    settings: Settings
    backends: GeneratorConfig | None
    """The generator's file."""


def own_containers(render: Render) -> Iterator[tuple[str, Pod, Container]]:
    """(service, pod, container) of all that run one of adwright's images."""
    for pod in render.pods:
        for container in pod.containers:
            if service := own_service(container):
                yield service, pod, container


def _known(service: str) -> frozenset[str]:
    return _BESIDES | {info.alias for info in _SETTINGS[service].model_fields.values() if info.alias}


def variables_are_known(render: Render, facts: Facts) -> Iterator[Finding]:
    """Every ADWRIGHT_ variable is one that the service reads, or a file with its value."""
    for service, pod, container in own_containers(render):
        known = _known(service)
        for name in environment(render, pod, container, facts):
            if name.startswith("ADWRIGHT_") and name not in known and name.removesuffix("_FILE") not in known:
                yield pod.finding(
                    f"{container.field}.env", f"the {service} does not read {name}", "remove or correct it"
                )


def settings_load(render: Render, facts: Facts) -> Iterator[Finding]:
    """The service would start: its settings class takes every value, and the generator its file of backends."""
    for service, pod, container in own_containers(render):
        started = start(service, render, pod, container, facts)
        if isinstance(started, str):
            yield pod.finding(f"{container.field}.env", started, "correct the variable or what it names")


def start(service: str, render: Render, pod: Pod, container: Container, facts: Facts) -> Started | str:
    """What the service reads when it starts, or what it says instead of starting."""
    environ = environment(render, pod, container, facts)
    files = {str(path): text for path, text in mounted_files(render, pod, container, facts)}
    kinds = _STORES if "admin" in at(container.spec, "args", default=[]) else _SETTINGS
    return _load(kinds[service], tuple(sorted(environ.items())), tuple(sorted(files.items())))


@lru_cache(maxsize=4096)
def _load(
    kind: type[Settings], environ: tuple[tuple[str, str], ...], files: tuple[tuple[str, str], ...]
) -> Started | str:
    # Most combinations start a service in one of a few ways. The files are laid out for it.
    with tempfile.TemporaryDirectory(prefix="adwright-mounts-") as root:
        for path, text in files:
            there = Path(root) / path.lstrip("/")
            there.parent.mkdir(parents=True, exist_ok=True)
            there.write_text(text, encoding="utf-8")
        moved = {name: _moved(name, value, root) for name, value in environ}
        try:
            settings = kind.load(moved)
            return Started(settings, load_config(settings.config) if isinstance(settings, GeneratorSettings) else None)
        except SettingsError as error:
            return str(error).replace(root, "")


def _moved(name: str, value: str, root: str) -> str:
    if (name.endswith("_FILE") or name == "ADWRIGHT_GENERATOR_CONFIG") and value.startswith("/"):
        return root + os.path.normpath(value)
    return value


def listeners_match_ports(render: Render, facts: Facts) -> Iterator[Finding]:
    """Where the settings have a server listen there is a port of that name, reachable from outside the pod."""
    for service, pod, container in own_containers(render):
        if not pod.runs_on or container.init:
            continue
        environ = environment(render, pod, container, facts)
        ports = {port.get("name"): port["containerPort"] for port in container.ports}
        wanted = {f"ADWRIGHT_{service.upper()}_LISTEN", "ADWRIGHT_METRICS_LISTEN"}
        wanted |= {"ADWRIGHT_GATEWAY_HTTP_LISTEN"} if service == "gateway" else set()
        wanted |= {"ADWRIGHT_HEALTH_LISTEN"} & environ.keys()
        for variable in sorted(wanted):
            name = next(port for ending, port in _LISTENERS.items() if variable.endswith(ending))
            host, _, number = environ.get(variable, "").rpartition(":")
            field = f"{container.field}.ports[{name}]"
            if str(ports.get(name)) != number:
                problem = f"is {ports.get(name, 'missing')}, and {variable} says {number or 'nothing'}"
                yield pod.finding(field, problem, "say the same in both")
            elif host not in ("0.0.0.0", "[::]"):
                yield pod.finding(field, f"{variable} listens on {host}", "listen on 0.0.0.0")


def stores_can_be_written(render: Render, facts: Facts) -> Iterator[Finding]:
    """A SQLite file lies on a volume that can be written and outlives the container."""
    for service, pod, container in own_containers(render):
        environ = environment(render, pod, container, facts)
        prefix = f"ADWRIGHT_{service.upper()}"
        if service == "generator" or not pod.runs_on or environ.get(f"{prefix}_STORE", "sqlite") != "sqlite":
            continue
        path = PurePosixPath(environ.get(f"{prefix}_SQLITE_PATH", "."))
        mounts = at(container.spec, "volumeMounts", default=[])
        inside = [mount for mount in mounts if path.is_relative_to(mount["mountPath"]) and not mount.get("readOnly")]
        if not inside:
            problem = f"{path} is on no volume that can be written"
            yield pod.finding(f"{container.field}.env[{prefix}_SQLITE_PATH]", problem, "mount one above it")
