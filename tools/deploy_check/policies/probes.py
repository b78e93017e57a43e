"""Probes ask what is really there: a declared port, and a gRPC service that the server registers with its health."""

from collections.abc import Iterator, Mapping
from functools import cache

from google.longrunning import operations_pb2
from google.protobuf.descriptor import FileDescriptor

from adwright.context.v1 import context_service_pb2
from adwright.evaluator.v1 import evaluator_service_pb2
from adwright.gateway.v1 import ad_service_pb2, generation_service_pb2, key_service_pb2, quota_service_pb2
from adwright.generator.v1 import generator_service_pb2

from ..facts import Facts
from ..findings import Finding
from ..objects import Container, Pod, Render, at
from .environment import environment, own_service

__all__ = [
    "grpc_probes_need_no_tls",
    "probes_are_there",
    "probes_name_real_services",
    "probes_use_declared_ports",
    "registered",
]

_HEALTH = "ADWRIGHT_HEALTH_LISTEN"
_KINDS = ("startupProbe", "readinessProbe", "livenessProbe")
_OPERATIONS = operations_pb2.DESCRIPTOR
_FILES: dict[str, tuple[FileDescriptor, ...]] = {
    # The gateway serves the others' services too, but their health is theirs to tell.
    "gateway": (
        ad_service_pb2.DESCRIPTOR,
        generation_service_pb2.DESCRIPTOR,
        key_service_pb2.DESCRIPTOR,
        quota_service_pb2.DESCRIPTOR,
    ),
    "context": (context_service_pb2.DESCRIPTOR, _OPERATIONS),
    "generator": (generator_service_pb2.DESCRIPTOR,),
    "evaluator": (evaluator_service_pb2.DESCRIPTOR, _OPERATIONS),
}


@cache
def registered(service: str) -> frozenset[str]:
    """Full names of the gRPC services whose health a server tells, from the protos."""
    return frozenset(one.full_name for file in _FILES[service] for one in file.services_by_name.values())


def _probes(render: Render) -> Iterator[tuple[Pod, Container, str, dict[str, object]]]:
    for pod in render.pods:
        for container in pod.containers:
            for kind in _KINDS:
                if kind in container.spec:
                    yield pod, container, f"{container.field}.{kind}", container.spec[kind]


def probes_are_there(render: Render, facts: Facts) -> Iterator[Finding]:
    """What serves says when it is ready, and when it hangs."""
    for pod in render.pods:
        for container in pod.containers:
            if not pod.runs_on or container.init or not container.ports:
                continue
            for kind in ("readinessProbe", "livenessProbe"):
                if kind not in container.spec:
                    yield pod.finding(f"{container.field}.{kind}", "is missing", "add one")


def probes_use_declared_ports(render: Render, facts: Facts) -> Iterator[Finding]:
    """A probe's port is one of the container's."""
    for pod, container, field, probe in _probes(render):
        known = {port["containerPort"] for port in container.ports} | {port.get("name") for port in container.ports}
        for kind in ("grpc", "httpGet", "tcpSocket"):
            port = at(probe, kind, "port")
            if port is not None and port not in known:
                names = ", ".join(sorted(map(str, known - {None})))
                yield pod.finding(f"{field}.{kind}.port", f"there is no port {port}", f"it has {names or 'none'}")


def probes_name_real_services(render: Render, facts: Facts) -> Iterator[Finding]:
    """A gRPC probe of ours names a service that the server registers, on a port where it answers health."""
    for pod, container, field, probe in _probes(render):
        service = own_service(container)
        if service is None or "grpc" not in probe:
            continue
        name = at(probe, "grpc", "service", default="")
        if name not in registered(service):
            known = " or ".join(sorted(registered(service)))
            yield pod.finding(f"{field}.grpc.service", f"the {service} registers no '{name}'", f"name {known}")
        environ = environment(render, pod, container, facts)
        ports = [_port(environ, variable) for variable in (f"ADWRIGHT_{service.upper()}_LISTEN", _HEALTH)]
        if at(probe, "grpc", "port") not in ports:
            remedy = f"use {' or '.join(str(port) for port in ports if port)}"
            yield pod.finding(f"{field}.grpc.port", "is not where it answers health", remedy)


def grpc_probes_need_no_tls(render: Render, facts: Facts) -> Iterator[Finding]:
    """Kubernetes' own gRPC probes speak no TLS: a server with a certificate is asked at its port for health alone."""
    for pod, container, field, probe in _probes(render):
        environ = environment(render, pod, container, facts)
        plain = at(probe, "grpc", "port") == _port(environ, _HEALTH)
        if "grpc" in probe and environ.get("ADWRIGHT_TLS_CERT_FILE") and not plain:
            yield pod.finding(f"{field}.grpc", "speaks no TLS, and the server does", f"ask the port of {_HEALTH}")


def _port(environ: Mapping[str, str], variable: str) -> int | None:
    number = environ.get(variable, "").rpartition(":")[2]
    return int(number) if number.isdigit() else None
