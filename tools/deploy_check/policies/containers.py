"""Of each container: its image, what it may use, what it may do."""

import re
from collections.abc import Iterator

from ..facts import Facts
from ..findings import Finding
from ..objects import Container, Pod, Render, at
from .values import quantity

__all__ = ["containers_are_restricted", "images_are_pinned", "pods_are_restricted", "resources_are_bounded"]

_IMAGE = re.compile(r"(?P<name>[^@:]+(?::\d+/[^@:]+)?)(?::(?P<tag>[\w.-]+))?(?:@sha256:(?P<digest>[0-9a-f]{64}))?")
_DRIFTING = ("latest", "main", "master", "edge", "nightly", "stable")


def _containers(render: Render) -> Iterator[tuple[Pod, Container]]:
    return ((pod, container) for pod in render.pods for container in pod.containers)


def images_are_pinned(render: Render, facts: Facts) -> Iterator[Finding]:
    """Every image, image volumes too, has a version or a digest, so that what runs is what was reviewed."""
    for pod in render.pods:
        named = [(f"{container.field}.image", container.image) for container in pod.containers]
        named += [
            (f"volumes[{volume['name']}].image.reference", at(volume, "image", "reference", default=""))
            for volume in at(pod.spec, "volumes", default=[])
            if "image" in volume
        ]
        for field, image in named:
            match = _IMAGE.fullmatch(image)
            if match is None or not (match["digest"] or (match["tag"] and match["tag"] not in _DRIFTING)):
                yield pod.finding(field, f"'{image}' is not pinned", "give it a version's tag or a digest")


def resources_are_bounded(render: Render, facts: Facts) -> Iterator[Finding]:
    """CPU and memory are asked for and limited, and no more is asked for than is allowed."""
    for pod, container in _containers(render):
        requests, limits = (at(container.spec, "resources", key, default={}) for key in ("requests", "limits"))
        for key, given in (("requests", requests), ("limits", limits)):
            for unit in ("cpu", "memory"):
                if unit not in given:
                    field = f"{container.field}.resources.{key}.{unit}"
                    yield pod.finding(field, "is not set", "say how much it may use")
        for unit in requests.keys() & limits.keys():
            asked, allowed = quantity(requests[unit]), quantity(limits[unit])
            if asked is not None and allowed is not None and asked > allowed:
                field = f"{container.field}.resources.requests.{unit}"
                yield pod.finding(field, f"{requests[unit]} is more than the limit {limits[unit]}", "ask for less")


def pods_are_restricted(render: Render, facts: Facts) -> Iterator[Finding]:
    """The pod's part of Kubernetes' Pod Security Standard "restricted", and no token of the API that nobody uses."""
    for pod in render.pods:
        for key in ("hostNetwork", "hostPID", "hostIPC"):
            if pod.spec.get(key):
                yield pod.finding(key, "shares the machine's", "remove it")
        for volume in at(pod.spec, "volumes", default=[]):
            if "hostPath" in volume:
                yield pod.finding(
                    f"volumes[{volume['name']}]", "is a path of the machine", "use another kind of volume"
                )
        if not _needs_token(render, pod) and pod.spec.get("automountServiceAccountToken") is not False:
            yield pod.finding("automountServiceAccountToken", "mounts a token that has no role", "set it to false")


def _needs_token(render: Render, pod: Pod) -> bool:
    """Whether a role is bound to the pod's account."""
    account = pod.spec.get("serviceAccountName", "default")
    return any(
        subject.get("kind") == "ServiceAccount" and subject.get("name") == account
        for binding in render.of("RoleBinding", "ClusterRoleBinding")
        for subject in binding.get("subjects") or ()
    )


def containers_are_restricted(render: Render, facts: Facts) -> Iterator[Finding]:
    """The container's part of "restricted", and a root file system that cannot be written."""
    for pod, container in _containers(render):

        def value(*path: str, pod: Pod = pod, container: Container = container) -> object:
            own = at(container.spec, "securityContext", *path)
            return at(pod.spec, "securityContext", *path) if own is None else own

        wrong = []
        if value("runAsNonRoot") is not True or value("runAsUser") == 0:
            wrong.append(("runAsNonRoot", "may run as root", "set runAsNonRoot: true and a runAsUser above 0"))
        if value("seccompProfile", "type") not in ("RuntimeDefault", "Localhost"):
            wrong.append(("seccompProfile", "system calls are not filtered", "set type: RuntimeDefault"))
        if value("allowPrivilegeEscalation") is not False:
            wrong.append(("allowPrivilegeEscalation", "is not false", "set it to false"))
        if value("privileged"):
            wrong.append(("privileged", "owns the machine", "remove it"))
        if "ALL" not in at(container.spec, "securityContext", "capabilities", "drop", default=[]):
            wrong.append(("capabilities.drop", "keeps capabilities of root", "drop ALL"))
        if set(at(container.spec, "securityContext", "capabilities", "add", default=[])) - {"NET_BIND_SERVICE"}:
            wrong.append(("capabilities.add", "adds capabilities", "remove them"))
        if value("readOnlyRootFilesystem") is not True:
            wrong.append(("readOnlyRootFilesystem", "is not true", "set it, with an emptyDir where it must write"))
        for field, problem, remedy in wrong:
            yield pod.finding(f"{container.field}.securityContext.{field}", problem, remedy)
        for port in container.ports:
            if port.get("hostPort"):
                yield pod.finding(f"{container.field}.ports", "takes a port of the machine", "remove hostPort")
