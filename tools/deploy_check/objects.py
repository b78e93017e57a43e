"""Rendered manifests as the policies look at them: objects by kind and name, and the pods that they would start."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import yaml

from .findings import Finding

__all__ = ["Container", "Object", "Pod", "Render", "at", "where"]

Object = dict[str, Any]

_POD_SPECS = {
    "Pod": (),
    "Deployment": ("spec", "template"),
    "StatefulSet": ("spec", "template"),
    "DaemonSet": ("spec", "template"),
    "ReplicaSet": ("spec", "template"),
    "Job": ("spec", "template"),
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
}
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def at(value: Any, *path: str | int, default: Any = None) -> Any:
    """The value at a path of keys and indexes; `default` where there is none, or null."""
    for step in path:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return default
    return default if value is None else value


def where(thing: Object) -> str:
    """`Kind/name`."""
    return f"{thing.get('kind', '?')}/{at(thing, 'metadata', 'name', default='?')}"


@dataclass(frozen=True)
class Container:
    """One container of a pod; `field` is where it stands in the pod's spec."""

    spec: Object
    field: str
    init: bool

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.spec.get("name", "?"))

    @property
    def image(self) -> str:
        """Its image, with tag or digest."""
        return str(self.spec.get("image", ""))

    @property
    def ports(self) -> list[Object]:
        """Its `ports`."""
        return list(at(self.spec, "ports", default=[]))


@dataclass(frozen=True)
class Pod:
    """The pods of one workload: they are all alike."""

    owner: Object
    namespace: str
    labels: Mapping[str, str]
    spec: Object

    @property
    def name(self) -> str:
        """The workload's name."""
        return str(at(self.owner, "metadata", "name", default="?"))

    @property
    def app(self) -> str:
        """Its label `app.kubernetes.io/name`, or the workload's name."""
        return self.labels.get("app.kubernetes.io/name", self.name)

    @property
    def replicas(self) -> int:
        """How many the manifest asks for; without a word it is one."""
        return int(at(self.owner, "spec", "replicas", default=1))

    @property
    def runs_on(self) -> bool:
        """Whether the workload is meant to run for ever."""
        return self.owner["kind"] not in ("Job", "CronJob")

    @cached_property
    def containers(self) -> list[Container]:
        """Those of init first."""
        return [
            Container(spec, f"{key}[{spec.get('name', place)}]", key == "initContainers")
            for key in ("initContainers", "containers")
            for place, spec in enumerate(at(self.spec, key, default=[]))
        ]

    @property
    def ports(self) -> list[Object]:
        """The ports of all containers."""
        return [port for container in self.containers for port in container.ports]

    def port_number(self, port: str | int) -> int | None:
        """The number of a port that is given by name or number; None where no container has one of that name."""
        if isinstance(port, int):
            return port
        return next((int(found["containerPort"]) for found in self.ports if found.get("name") == port), None)

    def finding(self, field: str, problem: str, remedy: str) -> Finding:
        """A finding about the workload."""
        return Finding(where(self.owner), field, problem, remedy)


class Render:
    """What `kubectl apply` would be given, and which overlay and components it was made of."""

    def __init__(self, objects: list[Object], overlay: str = "", components: Iterable[str] = ()) -> None:
        self.objects = objects
        self.overlay = overlay
        self.components = frozenset(components)

    @classmethod
    def parse(cls, text: str, overlay: str = "", components: Iterable[str] = ()) -> "Render":
        """From YAML documents."""
        return cls([thing for thing in yaml.load_all(text, Loader=_LOADER) if thing], overlay, components)

    def of(self, *kinds: str) -> Iterator[Object]:
        """All objects of these kinds."""
        return (thing for thing in self.objects if thing.get("kind") in kinds)

    def get(self, kind: str, namespace: str, name: str) -> Object | None:
        """One object, or None. Secrets that cert-manager makes of a Certificate count as there."""
        return self._index.get((kind, namespace, name))

    @cached_property
    def _index(self) -> dict[tuple[str, str, str], Object]:
        there = [*map(_secret_of_certificate, self.of("Certificate")), *self.objects]
        return {(thing.get("kind", ""), namespace_of(thing), at(thing, "metadata", "name")): thing for thing in there}

    @cached_property
    def pods(self) -> list[Pod]:
        """One a workload."""
        found = []
        for thing in self.objects:
            path = _POD_SPECS.get(thing.get("kind", ""))
            if path is None:
                continue
            template = at(thing, *path, default={})
            labels = at(template, "metadata", "labels", default={})
            found.append(Pod(thing, namespace_of(thing), labels, at(template, "spec", default={})))
        return found

    def pod(self, kind: str, namespace: str, name: str) -> Pod | None:
        """The pods of one workload."""
        owner = self.get(kind, namespace, name)
        return next((pod for pod in self.pods if pod.owner is owner), None) if owner else None


def namespace_of(thing: Object) -> str:
    """Where it is; `default` where it does not say."""
    return str(at(thing, "metadata", "namespace", default="default"))


def _secret_of_certificate(certificate: Object) -> Object:
    return {
        "kind": "Secret",
        "metadata": {"name": at(certificate, "spec", "secretName"), "namespace": namespace_of(certificate)},
        "data": dict.fromkeys(("tls.crt", "tls.key", "ca.crt"), ""),
    }
