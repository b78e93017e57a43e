"""What the schemas let pass: values outside of an enumeration, quantities that are none, names that are too long."""

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from ..facts import Facts
from ..findings import Finding
from ..objects import Render, at, where

__all__ = ["enumerations_are_known", "names_are_valid", "quantities_parse", "quantity"]

# Of Kubernetes' API reference 1.37: (key above, key) → values; "" above: wherever the key stands.
_ENUMS: dict[tuple[str, str], frozenset[str]] = {
    key: frozenset(values.split())
    for key, values in {
        ("", "imagePullPolicy"): "Always IfNotPresent Never",
        ("", "restartPolicy"): "Always OnFailure Never",
        ("", "protocol"): "TCP UDP SCTP",
        ("", "whenUnsatisfiable"): "DoNotSchedule ScheduleAnyway",
        ("", "concurrencyPolicy"): "Allow Forbid Replace",
        ("", "dnsPolicy"): "ClusterFirst ClusterFirstWithHostNet Default None",
        ("", "terminationMessagePolicy"): "File FallbackToLogsOnError",
        ("", "unhealthyPodEvictionPolicy"): "IfHealthyBudget AlwaysAllow",
        ("", "selectPolicy"): "Max Min Disabled",
        ("", "pathType"): "Exact Prefix ImplementationSpecific",
        ("", "reclaimPolicy"): "Retain Delete Recycle",
        ("", "persistentVolumeReclaimPolicy"): "Retain Delete Recycle",
        ("", "volumeBindingMode"): "Immediate WaitForFirstConsumer",
        ("", "volumeMode"): "Filesystem Block",
        ("", "podManagementPolicy"): "OrderedReady Parallel",
        ("", "fsGroupChangePolicy"): "OnRootMismatch Always",
        ("", "pullPolicy"): "Always IfNotPresent Never",
        ("", "preemptionPolicy"): "PreemptLowerPriority Never",
        ("", "completionMode"): "NonIndexed Indexed",
        ("", "podReplacementPolicy"): "TerminatingOrFailed Failed",
        ("", "internalTrafficPolicy"): "Cluster Local",
        ("", "externalTrafficPolicy"): "Cluster Local",
        ("", "trafficDistribution"): "PreferClose PreferSameZone PreferSameNode",
        ("emptyDir", "medium"): "Memory HugePages",
        ("seccompProfile", "type"): "RuntimeDefault Localhost Unconfined",
        ("strategy", "type"): "RollingUpdate Recreate",
        ("updateStrategy", "type"): "RollingUpdate OnDelete",
        ("target", "type"): "Utilization Value AverageValue",
        ("metrics", "type"): "Object Pods Resource ContainerResource External",
        ("policies", "type"): "Pods Percent",
        ("tolerations", "operator"): "Exists Equal Lt Gt",
        ("tolerations", "effect"): "NoSchedule PreferNoSchedule NoExecute",
        ("taints", "effect"): "NoSchedule PreferNoSchedule NoExecute",
        ("matchExpressions", "operator"): "In NotIn Exists DoesNotExist Gt Lt",
        ("httpGet", "scheme"): "HTTP HTTPS",
    }.items()
}
_LISTS = {
    "policyTypes": frozenset(("Ingress", "Egress")),
    "accessModes": frozenset(("ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany", "ReadWriteOncePod")),
}
_SERVICE_TYPES = frozenset(("ClusterIP", "NodePort", "LoadBalancer", "ExternalName"))

_SUFFIXES = {"": 0, "n": -9, "u": -6, "m": -3, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_QUANTITY = re.compile(r"([+-]?(?:\d+(?:\.\d*)?|\.\d+))(?:([KMGTPE]i)|([numkMGTPE])|[eE]([+-]?\d+))?")
_QUANTITIES = (
    "sizeLimit",
    "averageValue",
    "divisor",
    "storage",
    "cpu",
    "memory",
    "ephemeral-storage",
    "nvidia.com/gpu",
)
_AROUND_QUANTITIES = ("requests", "limits", "capacity", "target", "emptyDir", "resourceFieldRef", "hard")

_DNS = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?")
_PORT = re.compile(r"(?=.*[a-z])[a-z0-9]+(-[a-z0-9]+)*")
_LABEL = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?")


def quantity(value: Any) -> Decimal | None:
    """The number that a Kubernetes quantity (`500m`, `1Gi`, `2`) means; None where it is none."""
    match = _QUANTITY.fullmatch(str(value))
    if match is None:
        return None
    number, binary, decimal, exponent = match.groups()
    if binary:
        return Decimal(number) * Decimal(1024) ** (1 + "KMGTPE".index(binary[0]))
    return Decimal(number).scaleb(int(exponent) if exponent else _SUFFIXES[decimal or ""])


def _built_in(render: Render) -> Iterator[dict[str, Any]]:
    for thing in render.objects:
        group = str(thing.get("apiVersion", "")).rpartition("/")[0]
        if "." not in group or group.endswith(".k8s.io"):
            yield thing


def _walk(value: Any, path: str = "", above: str = "") -> Iterator[tuple[str, str, str, Any]]:
    """(path, key above, key, value) of everything below; places in lists have no key of their own."""
    if isinstance(value, dict):
        for key, inner in value.items():
            inside = f"{path}.{key}" if path else str(key)
            yield inside, above, str(key), inner
            yield from _walk(inner, inside, str(key))
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from _walk(inner, f"{path}[{place}]", above)


def enumerations_are_known(render: Render, facts: Facts) -> Iterator[Finding]:
    """Fields with a fixed set of values have one of them; a schema only knows that they are strings."""
    for thing in _built_in(render):
        for path, above, key, value in _walk(
            {key: inner for key, inner in thing.items() if key not in ("data", "metadata")}
        ):
            allowed = _ENUMS.get((above, key)) or _ENUMS.get(("", key))
            if allowed and isinstance(value, str) and value not in allowed:
                yield Finding(
                    where(thing), path, f"'{value}' is not a value of it", f"use {' or '.join(sorted(allowed))}"
                )
            for one in value if key in _LISTS and isinstance(value, list) else ():
                if one not in _LISTS[key]:
                    remedy = f"use {' or '.join(sorted(_LISTS[key]))}"
                    yield Finding(where(thing), path, f"'{one}' is not a value of it", remedy)
        kind = at(thing, "spec", "type")
        if thing.get("kind") == "Service" and kind is not None and kind not in _SERVICE_TYPES:
            yield Finding(
                where(thing), "spec.type", f"'{kind}' is not a value of it", f"use {' or '.join(_SERVICE_TYPES)}"
            )


def quantities_parse(render: Render, facts: Facts) -> Iterator[Finding]:
    """Amounts of CPU, memory and storage are quantities, and above zero."""
    for thing in _built_in(render):
        for path, above, key, value in _walk(thing.get("spec", {}), "spec"):
            if key in _QUANTITIES and above in _AROUND_QUANTITIES and not isinstance(value, (dict, list)):
                amount = quantity(value)
                if amount is None or amount < 0:
                    yield Finding(where(thing), path, f"'{value}' is not a quantity", "write 500m, 2, 256Mi or 1Gi")


def names_are_valid(render: Render, facts: Facts) -> Iterator[Finding]:
    """Names, labels and names of ports have the form and the length that the API server takes."""
    for thing in render.objects:
        name = str(at(thing, "metadata", "name", default=""))
        longest = 63 if thing.get("kind") in ("Service", "Namespace") else 253
        if len(name) > longest or not _DNS.fullmatch(name):
            yield Finding(where(thing), "metadata.name", f"'{name}' is not a name", "small letters, digits, - and .")
        for path, above, _, value in _walk(thing):
            if above in ("labels", "matchLabels") and (not _LABEL.fullmatch(str(value)) or len(str(value)) > 63):
                yield Finding(where(thing), path, f"'{value}' is not a label's value", "63 letters, digits, -, _ and .")
            if above == "labels" and not isinstance(value, str):
                yield Finding(where(thing), path, f"{value!r} is not text", "put it in quotes")
    for pod in render.pods:
        for port in pod.ports:
            name = str(port.get("name", "a"))
            if len(name) > 15 or not _PORT.fullmatch(name):
                yield pod.finding(
                    "ports.name", f"'{name}' is not a port's name", "15 small letters, digits and - at most"
                )
