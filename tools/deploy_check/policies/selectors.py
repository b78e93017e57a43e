"""Who selects whom: workloads their own pods, Services one workload, ports that exist."""

from collections.abc import Iterator

from ..facts import Facts
from ..findings import Finding
from ..network import selects
from ..objects import Pod, Render, at, namespace_of, where

__all__ = ["selectors_match_own_pods", "service_ports_exist", "services_select_one_workload"]


def selectors_match_own_pods(render: Render, facts: Facts) -> Iterator[Finding]:
    """A workload's selector means its own pods and nobody else's; otherwise two controllers fight for pods."""
    owners = [pod for pod in render.pods if at(pod.owner, "spec", "selector")]
    for pod in owners:
        selector = pod.owner["spec"]["selector"]
        if not selects(selector, pod.labels):
            yield pod.finding("spec.selector", "does not match the labels of its pods", "use labels of spec.template")
        for other in owners:
            if other is not pod and other.namespace == pod.namespace and selects(selector, other.labels):
                yield pod.finding(
                    "spec.selector", f"also means the pods of {where(other.owner)}", "use app.kubernetes.io/name"
                )


def services_select_one_workload(render: Render, facts: Facts) -> Iterator[Finding]:
    """A Service finds the pods of exactly one workload."""
    for service in render.of("Service"):
        selector = at(service, "spec", "selector")
        if selector is None:
            continue
        found = _selected(render, service)
        if len(found) != 1:
            names = ", ".join(where(pod.owner) for pod in found) or "none"
            yield Finding(where(service), "spec.selector", f"selects {names}", "select one workload's pods")


def service_ports_exist(render: Render, facts: Facts) -> Iterator[Finding]:
    """What a Service hands on goes to a declared port of the container."""
    for service in render.of("Service"):
        for pod in _selected(render, service):
            for place, port in enumerate(at(service, "spec", "ports", default=[])):
                target = port.get("targetPort", port["port"])
                numbers = {found["containerPort"] for found in pod.ports}
                if at(service, "spec", "clusterIP") == "None" and pod.port_number(target) not in (port["port"], None):
                    yield Finding(
                        where(service),
                        f"spec.ports[{port.get('name', place)}].port",
                        f"a headless Service translates no ports, and {port['port']} is not where the pods listen",
                        f"use {pod.port_number(target)}",
                    )
                if pod.port_number(target) not in numbers:
                    known = ", ".join(str(found.get("name", found["containerPort"])) for found in pod.ports)
                    yield Finding(
                        where(service),
                        f"spec.ports[{port.get('name', place)}].targetPort",
                        f"{where(pod.owner)} has no port {target}",
                        f"it has {known or 'none'}",
                    )


def _selected(render: Render, service: dict[str, object]) -> list[Pod]:
    selector = at(service, "spec", "selector")
    if not selector:
        return []
    return [
        pod
        for pod in render.pods
        if pod.runs_on and pod.namespace == namespace_of(service) and selects({"matchLabels": selector}, pod.labels)
    ]
