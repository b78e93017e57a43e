"""What a manifest names is there: in the render, or declared as made elsewhere."""

from collections.abc import Iterator
from pathlib import PurePosixPath

from ..facts import Facts
from ..findings import Finding
from ..objects import Object, Pod, Render, at, namespace_of, where

__all__ = [
    "ingresses_reach_services",
    "mounts_have_volumes",
    "objects_are_alone",
    "references_exist",
    "temporary_files_have_room",
]

_EXTERNALS = "deploy/kustomize/tests/externals.yaml"


def mounts_have_volumes(render: Render, facts: Facts) -> Iterator[Finding]:
    """Every mount has a volume, every volume is mounted, and no two are mounted at one path."""
    for pod in render.pods:
        volumes = {volume["name"] for volume in at(pod.spec, "volumes", default=[])}
        used = set()
        for container in pod.containers:
            paths: set[str] = set()
            for mount in at(container.spec, "volumeMounts", default=[]):
                field = f"{container.field}.volumeMounts[{mount['name']}]"
                used.add(mount["name"])
                if mount["name"] not in volumes:
                    yield pod.finding(
                        field, "there is no such volume", f"it has {', '.join(sorted(volumes)) or 'none'}"
                    )
                if mount["mountPath"] in paths:
                    yield pod.finding(field, f"{mount['mountPath']} is mounted twice", "use two paths")
                paths.add(mount["mountPath"])
        for name in sorted(volumes - used):
            yield pod.finding(f"volumes[{name}]", "no container mounts it", "mount or remove it")


def temporary_files_have_room(render: Render, facts: Facts) -> Iterator[Finding]:
    """Where the root file system is read-only, /tmp is a volume that can be written."""
    for pod in render.pods:
        for container in pod.containers:
            if at(container.spec, "securityContext", "readOnlyRootFilesystem") is not True:
                continue
            writable = [
                PurePosixPath(mount["mountPath"])
                for mount in at(container.spec, "volumeMounts", default=[])
                if not mount.get("readOnly")
            ]
            if PurePosixPath("/tmp") not in writable:
                yield pod.finding(
                    f"{container.field}.volumeMounts", "nothing can be written in /tmp", "mount an emptyDir"
                )


def references_exist(render: Render, facts: Facts) -> Iterator[Finding]:
    """ConfigMaps, Secrets, claims, accounts, classes and keys that are named exist, or are declared as external."""
    for pod in render.pods:
        for kind, name, key, field in _references(pod):
            thing = render.get(kind, pod.namespace, name)
            external = facts.external(kind, name)
            if thing is None and external is None:
                remedy = f"add it, or declare it in {_EXTERNALS}"
                yield pod.finding(field, f"{kind}/{name} is neither in the render nor declared as external", remedy)
            elif key and key not in _keys(thing, external.keys if external else ()):
                yield pod.finding(field, f"{kind}/{name} has no key '{key}'", "name one that it has")
    for budget in render.of("PersistentVolumeClaim"):
        name = at(budget, "spec", "storageClassName")
        known = {at(thing, "metadata", "name") for thing in render.of("StorageClass")}
        if name and name not in known and facts.external("StorageClass", name) is None:
            problem = f"StorageClass/{name} is neither in the render nor declared as external"
            yield Finding(where(budget), "spec.storageClassName", problem, f"add it, or declare it in {_EXTERNALS}")


def _keys(thing: Object | None, declared: tuple[str, ...]) -> set[str]:
    if thing is None:
        return set(declared)
    return {key for part in ("data", "stringData", "binaryData") for key in at(thing, part, default={})}


def _references(pod: Pod) -> Iterator[tuple[str, str, str, str]]:
    """(kind, name, key or nothing, field) of everything that the pods cannot start without."""
    yield from (
        ("ServiceAccount", name, "", "serviceAccountName") for name in [pod.spec.get("serviceAccountName")] if name
    )
    yield from (("Secret", one["name"], "", "imagePullSecrets") for one in at(pod.spec, "imagePullSecrets", default=[]))
    for container in pod.containers:
        for source in at(container.spec, "envFrom", default=[]):
            yield from _named(
                source, {"ConfigMap": "configMapRef", "Secret": "secretRef"}, f"{container.field}.envFrom"
            )
        for variable in at(container.spec, "env", default=[]):
            kinds = {"ConfigMap": "configMapKeyRef", "Secret": "secretKeyRef"}
            yield from _named(variable.get("valueFrom") or {}, kinds, f"{container.field}.env[{variable['name']}]")
    for volume in at(pod.spec, "volumes", default=[]):
        field = f"volumes[{volume['name']}]"
        if claim := at(volume, "persistentVolumeClaim", "claimName"):
            yield "PersistentVolumeClaim", claim, "", field
        if provider := at(volume, "csi", "volumeAttributes", "secretProviderClass"):
            yield "SecretProviderClass", provider, "", field
        for source in [volume, *at(volume, "projected", "sources", default=[])]:
            yield from _named(source, {"ConfigMap": "configMap", "Secret": "secret"}, field)


def _named(source: Object, kinds: dict[str, str], field: str) -> Iterator[tuple[str, str, str, str]]:
    for kind, key in kinds.items():
        given = source.get(key)
        if not given or given.get("optional"):
            continue
        name = given.get("name") or given.get("secretName", "")
        yield kind, name, given.get("key", ""), field
        for item in given.get("items") or ():
            yield kind, name, item["key"], f"{field}.items"


def ingresses_reach_services(render: Render, facts: Facts) -> Iterator[Finding]:
    """Behind every path of an Ingress there is a Service of the render with that port."""
    for ingress in render.of("Ingress"):
        backends = [at(ingress, "spec", "defaultBackend", "service")]
        for rule in at(ingress, "spec", "rules", default=[]):
            backends += [at(path, "backend", "service") for path in at(rule, "http", "paths", default=[])]
        for backend in filter(None, backends):
            service = render.get("Service", namespace_of(ingress), backend["name"])
            port = at(backend, "port", "name") or at(backend, "port", "number")
            ports = at(service, "spec", "ports", default=[])
            if not any(port in (known.get("name"), known["port"]) for known in ports):
                problem = f"there is no Service/{backend['name']} with port {port}"
                yield Finding(where(ingress), "spec.rules", problem, "name one of the render")


def objects_are_alone(render: Render, facts: Facts) -> Iterator[Finding]:
    """No object is there twice: the second would overwrite the first."""
    seen: set[tuple[str, ...]] = set()
    for thing in render.objects:
        key = (str(thing.get("kind")), namespace_of(thing), str(at(thing, "metadata", "name")))
        if key in seen:
            yield Finding(where(thing), "metadata.name", "is there twice", "remove or rename one")
        seen.add(key)
