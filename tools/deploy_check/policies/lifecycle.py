"""Coming and going: scalers, disruption budgets, one writer for a file, and time enough to end a stream."""

from collections.abc import Iterator

from ..facts import Facts
from ..findings import Finding
from ..network import selects
from ..objects import Object, Pod, Render, at, namespace_of, where
from .environment import environment, own_service

__all__ = [
    "disruption_budgets_allow_one",
    "files_have_one_writer",
    "pods_outlive_their_streams",
    "replicas_have_one_owner",
    "rollouts_keep_serving",
    "scalers_have_a_target",
]

_SCALERS = ("HorizontalPodAutoscaler", "ScaledObject")


def _target(scaler: Object) -> tuple[str, str, str]:
    reference = at(scaler, "spec", "scaleTargetRef", default={})
    return str(reference.get("kind", "Deployment")), namespace_of(scaler), str(reference.get("name", "?"))


def _scalers(render: Render, pod: Pod) -> list[Object]:
    mine = (pod.owner["kind"], pod.namespace, pod.name)
    return [scaler for scaler in render.of(*_SCALERS) if _target(scaler) == mine]


def _bounds(scaler: Object) -> tuple[int, int]:
    if scaler["kind"] == "ScaledObject":
        return int(at(scaler, "spec", "minReplicaCount", default=0)), int(
            at(scaler, "spec", "maxReplicaCount", default=100)
        )
    return int(at(scaler, "spec", "minReplicas", default=1)), int(at(scaler, "spec", "maxReplicas", default=0))


def scalers_have_a_target(render: Render, facts: Facts) -> Iterator[Finding]:
    """What a scaler scales is in the render, and its bounds are in order."""
    for scaler in render.of(*_SCALERS):
        kind, namespace, name = _target(scaler)
        if render.get(kind, namespace, name) is None:
            yield Finding(where(scaler), "spec.scaleTargetRef", f"there is no {kind}/{name}", "name one of the render")
        least, most = _bounds(scaler)
        if least > most:
            yield Finding(where(scaler), "spec", f"the least, {least}, is above the most, {most}", "swap them")


def replicas_have_one_owner(render: Render, facts: Facts) -> Iterator[Finding]:
    """One scaler at most for a workload, and no `replicas` beside it: applying again would reset what it chose."""
    for pod in render.pods:
        scalers = _scalers(render, pod)
        if len(scalers) > 1:
            names = " and ".join(where(scaler) for scaler in scalers)
            yield pod.finding("spec.replicas", f"{names} both scale it", "leave one of them")
        if scalers and at(pod.owner, "spec", "replicas") is not None:
            yield pod.finding("spec.replicas", f"is set beside {where(scalers[0])}", "remove it")


def disruption_budgets_allow_one(render: Render, facts: Facts) -> Iterator[Finding]:
    """A budget is for one workload of the render, and lets a node be drained while it has its fewest replicas."""
    for budget in render.of("PodDisruptionBudget"):
        selector = at(budget, "spec", "selector")
        meant = [
            pod
            for pod in render.pods
            if pod.runs_on and pod.namespace == namespace_of(budget) and selects(selector, pod.labels)
        ]
        if len(meant) != 1:
            names = ", ".join(where(pod.owner) for pod in meant) or "none"
            yield Finding(where(budget), "spec.selector", f"selects {names}", "select one workload's pods")
            continue
        fewest = max(1, min([_bounds(scaler)[0] for scaler in _scalers(render, meant[0])] or [meant[0].replicas]))
        if _spare(at(budget, "spec", default={}), fewest) < 1:
            problem = f"with {fewest} replicas no pod may ever be evicted, so no node be drained"
            yield Finding(where(budget), "spec", problem, "use maxUnavailable: 1")


def _spare(spec: Object, replicas: int) -> int:
    """How many pods may be evicted; Kubernetes rounds up both kinds of percentages."""
    if "maxUnavailable" in spec:
        return _count(spec["maxUnavailable"], replicas)
    return replicas - _count(spec.get("minAvailable", 1), replicas)


def _count(value: int | str, replicas: int) -> int:
    if isinstance(value, str) and value.endswith("%"):
        return -(-int(value[:-1]) * replicas // 100)
    return int(value)


def files_have_one_writer(render: Render, facts: Facts) -> Iterator[Finding]:
    """A service that keeps its data in SQLite has one pod at any time: no scaler, no second replica, no overlap."""
    for pod in render.pods:
        service = own_service(pod)
        if service is None or not pod.runs_on:
            continue
        stores = {environment(render, pod, one).get(f"ADWRIGHT_{service.upper()}_STORE") for one in pod.containers}
        # Without a word the services take SQLite; the generator has no store.
        if service == "generator" or "dynamodb" in stores:
            continue
        if pod.replicas != 1:
            yield pod.finding(
                "spec.replicas", f"{pod.replicas} pods would each have a file of their own", "set it to 1"
            )
        for scaler in _scalers(render, pod):
            yield pod.finding("spec", f"{where(scaler)} would give each pod a file of its own", "remove the scaler")
        if pod.owner["kind"] == "Deployment" and at(pod.owner, "spec", "strategy", "type") != "Recreate":
            yield pod.finding("spec.strategy.type", "two pods would write one file in a rollout", "set it to Recreate")


def rollouts_keep_serving(render: Render, facts: Facts) -> Iterator[Finding]:
    """A rollout takes no pod away before its successor is ready, unless the workload is one that may be away."""
    for pod in render.pods:
        if pod.owner["kind"] != "Deployment" or at(pod.owner, "spec", "strategy", "type") == "Recreate":
            continue
        if own_service(pod) and _count(
            at(pod.owner, "spec", "strategy", "rollingUpdate", "maxUnavailable", default="25%"), 100
        ):
            yield pod.finding("spec.strategy.rollingUpdate.maxUnavailable", "is above 0", "set it to 0, maxSurge to 1")


def pods_outlive_their_streams(render: Render, facts: Facts) -> Iterator[Finding]:
    """Kubernetes waits longer than a server may take to drain: its delay, its grace, and what a preStop hook sleeps."""
    for pod in render.pods:
        if own_service(pod) is None or not pod.runs_on:
            continue
        grace = float(at(pod.spec, "terminationGracePeriodSeconds", default=30))
        for container in pod.containers:
            if container.init:
                continue
            environ = environment(render, pod, container)
            needed = float(environ.get("ADWRIGHT_SHUTDOWN_DELAY", 0)) + float(
                environ.get("ADWRIGHT_SHUTDOWN_GRACE", 90)
            )
            needed += float(at(container.spec, "lifecycle", "preStop", "sleep", "seconds", default=0))
            if grace <= needed:
                problem = f"{grace:g} s is not more than the {needed:g} s that delay and grace take"
                yield pod.finding("terminationGracePeriodSeconds", problem, "raise it, or lower the settings")
