"""Who may call whom: what the NetworkPolicies allow, computed, is exactly what is declared in `calls.yaml`."""

from collections.abc import Iterable, Iterator, Mapping

from ..facts import Facts
from ..findings import Finding
from ..network import Party, Policies, Port
from ..objects import Pod, Render

__all__ = ["allowed_calls", "calls_are_as_declared", "declared_calls"]

Edge = tuple[str, str, str]
"""From, to, port."""

# Nobody listens there: who may reach it may reach everything.
_ANY_OTHER = Port(9, name="any other port")
_DECLARED_IN = "deploy/kustomize/tests/calls.yaml"


def _port(text: str | int) -> Port:
    number, _, protocol = str(text).partition("/")
    return Port(int(number), protocol or "TCP")


def _pod_party(pod: Pod, place: int) -> Party:
    ports = tuple(
        Port(int(port["containerPort"]), port.get("protocol", "TCP"), port.get("name", "")) for port in pod.ports
    )
    # Addresses as clusters give them to pods; only ipBlocks look at them.
    return Party(pod.app, pod.namespace, pod.labels, f"10.244.0.{place + 1}", ports)


def parties(render: Render, facts: Facts) -> tuple[dict[str, Party], dict[str, Party]]:
    """(inside, outside): the pods of the render, and who else there is."""
    inside = {}
    for place, pod in enumerate(render.pods):
        party = _pod_party(pod, place)
        # Jobs share the label of the service whose image they run.
        name = party.name if party.name not in inside else pod.name
        inside[name] = party
    outside = {
        name: Party(name, one.namespace, one.labels, one.ip, tuple(map(_port, one.ports)))
        for name, one in facts.outsiders.items()
        if name not in inside
    }
    return inside, outside


def allowed_calls(render: Render, facts: Facts, *, blocks_reach_pods: bool) -> set[Edge]:
    """Every connection that the NetworkPolicies let through, from or to a pod of the render."""
    policies = Policies(render, blocks_reach_pods=blocks_reach_pods)
    inside, outside = parties(render, facts)
    everybody = {**inside, **outside}
    return {
        (source, target, str(port))
        for source, source_party in everybody.items()
        for target, target_party in everybody.items()
        if source in inside or target in inside
        for port in (*target_party.ports, _ANY_OTHER)
        if policies.allow(source_party, target_party, port)
    }


def declared_calls(render: Render, facts: Facts, *, needed: bool) -> set[Edge]:
    """Every connection that may be possible here, or, if `needed`, must be."""
    inside, outside = parties(render, facts)
    found: set[Edge] = set()
    for call in facts.calls:
        if call.holds(render.overlay, render.components) and (call.needed or not needed):
            found |= {
                (source, target, str(port))
                for source in _named(call.sources, inside, outside)
                for target in _named(call.targets, inside, outside)
                if source in inside or target in inside
                for port in call.ports
            }
    return found


def _named(names: Iterable[str], inside: Mapping[str, Party], outside: Mapping[str, Party]) -> Iterator[str]:
    """Those of the names that are here; `pods` are all of the render, `outsiders` all others."""
    for name in names:
        if name in ("pods", "outsiders"):
            yield from inside if name == "pods" else outside
        elif name in inside or name in outside:
            yield name


def calls_are_as_declared(render: Render, facts: Facts) -> Iterator[Finding]:
    """The NetworkPolicies let through what is declared and nothing else, however a network plugin reads ipBlocks."""
    needed = declared_calls(render, facts, needed=True)
    for edge in sorted(needed - allowed_calls(render, facts, blocks_reach_pods=False)):
        yield _finding(edge, "is not allowed, and needed", "allow it, egress and ingress")
    declared = declared_calls(render, facts, needed=False)
    for edge in sorted(allowed_calls(render, facts, blocks_reach_pods=True) - declared):
        yield _finding(edge, "is allowed, and in no declared call", f"forbid it, or declare it in {_DECLARED_IN}")


def _finding(edge: Edge, problem: str, remedy: str) -> Finding:
    source, target, port = edge
    return Finding("NetworkPolicy", f"{source} → {target}:{port}", problem, remedy)
