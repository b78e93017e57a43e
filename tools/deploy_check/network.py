"""What NetworkPolicies allow, computed: may this party open a connection to that one on this port?

The semantics are those of networking.k8s.io/v1: a pod that no policy selects for a direction is open in it; a pod
that one selects may do in it what any of the policies that select it allows; a connection needs both the egress of
where it comes from and the ingress of where it goes to. Policies are additive, and there are no denials.
Answers to a connection that was allowed are allowed; traffic of the node itself to its pods (probes) is, too.
"""

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from .objects import Object, Render, at, namespace_of

__all__ = ["Party", "Policies", "Port", "selects"]


@dataclass(frozen=True, slots=True, order=True)
class Port:
    """A port where somebody listens."""

    number: int
    protocol: str = "TCP"
    name: str = ""

    def __str__(self) -> str:
        return self.name or (str(self.number) if self.protocol == "TCP" else f"{self.number}/{self.protocol}")


@dataclass(frozen=True)
class Party:
    """A pod of the cluster, or, without a namespace, an address outside of it."""

    name: str
    namespace: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    ip: str = ""
    ports: tuple[Port, ...] = ()


class Policies:
    """The NetworkPolicies of a render.

    `blocks_reach_pods` says whether an ipBlock also means pods that have such an address: the specification leaves
    that open, and network plugins differ. What is needed must be open without, and all else shut with.
    """

    def __init__(self, render: Render, *, blocks_reach_pods: bool) -> None:
        self._policies = list(render.of("NetworkPolicy"))
        self._namespaces = {
            at(thing, "metadata", "name"): at(thing, "metadata", "labels", default={})
            for thing in render.of("Namespace")
        }
        self._blocks_reach_pods = blocks_reach_pods
        self._found: dict[tuple[str, str | None, str], list[Object] | None] = {}

    def allow(self, source: Party, target: Party, port: Port) -> bool:
        """Whether `source` may connect to `port` of `target`."""
        return self._one_way("Egress", source, target, target, port) and self._one_way(
            "Ingress", target, source, target, port
        )

    def _one_way(self, direction: str, pod: Party, other: Party, listener: Party, port: Port) -> bool:
        """Whether what selects `pod` lets it have this connection with `other`."""
        rules = self._rules(direction, pod)
        if rules is None:
            return True
        peers = "to" if direction == "Egress" else "from"
        return any(
            self._meets_peer(at(rule, peers, default=[]), other, pod.namespace)
            and _meets_port(at(rule, "ports", default=[]), listener, port)
            for rule in rules
        )

    def _rules(self, direction: str, pod: Party) -> list[Object] | None:
        """Those of all policies that select the pod for this direction; None where no policy does."""
        key = (direction, pod.namespace, pod.name)
        if key not in self._found:
            selecting = [
                policy for policy in self._policies if _concerns(policy, direction) and _selects_pod(policy, pod)
            ]
            rules = [rule for policy in selecting for rule in at(policy, "spec", direction.lower(), default=[])]
            self._found[key] = rules if selecting else None
        return self._found[key]

    def _meets_peer(self, peers: Sequence[Object], other: Party, own_namespace: str | None) -> bool:
        return not peers or any(self._is_peer(peer, other, own_namespace) for peer in peers)

    def _is_peer(self, peer: Object, other: Party, own_namespace: str | None) -> bool:
        block = peer.get("ipBlock")
        if block is not None:
            in_question = other.namespace is None or self._blocks_reach_pods
            return in_question and bool(other.ip) and _in_block(other.ip, block)
        if other.namespace is None:
            return False
        if "namespaceSelector" in peer:
            in_namespace = selects(peer["namespaceSelector"], self._namespace_labels(other.namespace))
        else:
            in_namespace = other.namespace == own_namespace
        return in_namespace and selects(peer.get("podSelector"), other.labels)

    def _namespace_labels(self, name: str) -> Mapping[str, str]:
        # Kubernetes sets this label on every namespace by itself.
        return {**self._namespaces.get(name, {}), "kubernetes.io/metadata.name": name}


def _concerns(policy: Object, direction: str) -> bool:
    types = at(policy, "spec", "policyTypes")
    if types is None:
        return direction == "Ingress" or "egress" in policy.get("spec", {})
    return direction in types


def _selects_pod(policy: Object, pod: Party) -> bool:
    return namespace_of(policy) == pod.namespace and selects(at(policy, "spec", "podSelector"), pod.labels)


def _in_block(ip: str, block: Object) -> bool:
    address = ipaddress.ip_address(ip)
    return address in _network(block["cidr"]) and not any(
        address in _network(part) for part in block.get("except") or ()
    )


_network = lru_cache(ipaddress.ip_network)


def _meets_port(ports: Iterable[Object], listener: Party, port: Port) -> bool:
    """Whether one of `ports` is the port; names are those of the listener's containers."""
    wanted = list(ports)
    return not wanted or any(_is_port(one, listener, port) for one in wanted)


def _is_port(wanted: Object, listener: Party, port: Port) -> bool:
    if wanted.get("protocol", "TCP") != port.protocol:
        return False
    number: str | int | None = wanted.get("port")
    if number is None:
        return True
    if isinstance(number, str):
        return any(
            known.name == number and (known.number, known.protocol) == (port.number, port.protocol)
            for known in listener.ports
        )
    last: int = wanted.get("endPort", number)
    return number <= port.number <= last


def selects(selector: Object | None, labels: Mapping[str, str]) -> bool:
    """Whether a label selector means these labels; an empty or missing one means all."""
    if not selector:
        return True
    if any(labels.get(key) != value for key, value in at(selector, "matchLabels", default={}).items()):
        return False
    return all(_meets(expression, labels) for expression in at(selector, "matchExpressions", default=[]))


def _meets(expression: Object, labels: Mapping[str, str]) -> bool:
    key, operator, values = expression["key"], expression["operator"], expression.get("values") or ()
    if operator == "In":
        return labels.get(key) in values
    if operator == "NotIn":
        # Also where the label is missing, as Kubernetes has it.
        return labels.get(key) not in values
    if operator == "Exists":
        return key in labels
    if operator == "DoesNotExist":
        return key not in labels
    raise ValueError(f"matchExpressions: unknown operator {operator!r}")
