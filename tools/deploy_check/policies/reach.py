"""Whom a service is told to call exists, and so do the keys that it shows there."""

from collections.abc import Iterator
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from ..facts import Facts
from ..findings import Finding
from ..objects import Render, at
from .configuration import Started, own_containers, start
from .environment import environment, mounted_files

__all__ = ["addresses_have_a_service", "keys_of_backends_are_given", "split_url", "unreachable"]

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def addresses_have_a_service(render: Render, facts: Facts) -> Iterator[Finding]:
    """Every address inside the cluster that a container is told is that of a Service with this port."""
    for service, pod, container in own_containers(render):
        if not pod.runs_on:
            continue
        started = start(service, render, pod, container, facts)
        for name, host, port in _addresses(started, environment(render, pod, container, facts)):
            problem = unreachable(render, pod.namespace, facts, host, port)
            if problem:
                yield pod.finding(
                    f"{container.field}.env[{name}]", problem, "name a Service of the render, and its port"
                )


def _addresses(started: Started | str, environ: dict[str, str]) -> Iterator[tuple[str, str, int]]:
    """(where it stands, host, port) of all servers that are spoken to."""
    for name, value in environ.items():
        if name.startswith(("OTEL_EXPORTER_OTLP", "AWS_ENDPOINT_URL")) and name.endswith(("ENDPOINT", "URL")):
            yield name, *split_url(value)
    if isinstance(started, str):
        return
    for field, info in type(started.settings).model_fields.items():
        if field.endswith("_target"):
            yield str(info.alias), *split_url(str(getattr(started.settings, field)).rpartition("/")[2])
    for backend in started.backends.backends if started.backends else ():
        urls = getattr(backend, "url_list", None) or [getattr(backend, "base_url", "")]
        for url in filter(None, urls):
            yield f"ADWRIGHT_GENERATOR_CONFIG: {backend.name}", *split_url(url)


def split_url(url: str) -> tuple[str, int]:
    """(host, port) of an address, with or without a scheme."""
    parts = urlsplit(url if "://" in url else f"//{url}")
    return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


def unreachable(render: Render, namespace: str, facts: Facts, host: str, port: int) -> str:
    """Why nobody answers at an address, seen from a namespace; empty where somebody does, or it is outside."""
    if host in _LOOPBACK:
        return f"{host} is loopback, where a pod finds only itself"
    labels = host.split(".")
    inside = len(labels) < 3 or labels[2] == "svc"
    if not inside or facts.external("Service", host):
        return ""
    found = render.get("Service", labels[1] if len(labels) > 1 else namespace, labels[0])
    if found is None:
        return f"there is no Service/{labels[0]}"
    ports = {known["port"] for known in at(found, "spec", "ports", default=[])}
    return "" if port in ports else f"Service/{labels[0]} has no port {port}"


def keys_of_backends_are_given(render: Render, facts: Facts) -> Iterator[Finding]:
    """The variable or file that a backend's `api_key` names is there; secrets of Secrets Manager are declared."""
    for service, pod, container in own_containers(render):
        started = start(service, render, pod, container, facts)
        if isinstance(started, str) or started.backends is None:
            continue
        environ = environment(render, pod, container, facts)
        files = dict(mounted_files(render, pod, container, facts))
        for backend in started.backends.backends:
            problem = _missing_key(getattr(backend, "api_key", None), environ, files, facts)
            if problem:
                field = f"{container.field}.env[ADWRIGHT_GENERATOR_CONFIG: {backend.name}.api_key]"
                yield pod.finding(field, problem, "give it, or declare it in deploy/kustomize/tests/externals.yaml")


def _missing_key(key: object, environ: dict[str, str], files: dict[PurePosixPath, str], facts: Facts) -> str:
    name, file, secret = (getattr(key, part, None) for part in ("env", "file", "secret"))
    if name and name not in environ:
        return f"the variable {name} is not set"
    if file and PurePosixPath(file) not in files:
        return f"no volume holds {file}"
    if secret and facts.external("SecretsManager", secret) is None:
        return f"the secret {secret} of Secrets Manager is not declared"
    return ""
