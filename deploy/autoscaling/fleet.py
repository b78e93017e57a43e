"""Replicas and their nodes: asked for, starting, serving, draining, gone; and what they cost meanwhile."""

from dataclasses import dataclass, field

from .inputs import Inputs
from .manifests import Serving
from .model_server import ModelServer

__all__ = ["Fleet", "Pod"]


@dataclass(eq=False, slots=True)
class Pod:
    """One replica on a node of its own. Times in seconds."""

    ready_at: float
    node_since: float
    server: ModelServer | None = None
    draining: bool = False


@dataclass(slots=True)
class Fleet:
    """Follows the number of replicas that is wanted."""

    inputs: Inputs
    serving: Serving
    pods: list[Pod] = field(default_factory=list)
    nodes_seconds: float = 0.0
    """Of nodes that are gone."""
    _empty: list[tuple[float, float]] = field(default_factory=list)
    """Nodes without a pod: since when there is nothing on them, and since when they run."""

    def want(self, replicas: int, now: float) -> None:
        """Starts what is missing; lets the youngest go where there are too many, as Kubernetes does."""
        there = [pod for pod in self.pods if not pod.draining]
        for _ in range(replicas - len(there)):
            self.pods.append(self._pod(now))
        for pod in sorted(there, key=lambda pod: -pod.ready_at)[: max(0, len(there) - replicas)]:
            pod.draining = True

    def _pod(self, now: float) -> Pod:
        self._forget(now)
        if self._empty:
            _, node_since = self._empty.pop()
            return Pod(now + self.inputs.model_load, node_since)
        new_node = self.inputs.node_start + self.inputs.gpu_ready + self.inputs.image_pull
        return Pod(now + new_node + self.inputs.model_load, now)

    def look(self, now: float) -> None:
        """Those that have loaded serve; those that have drained are gone, and their nodes after a while."""
        for pod in self.pods:
            if pod.server is None and pod.ready_at <= now and not pod.draining:
                pod.server = ModelServer(self.inputs, now)
        for pod in [p for p in self.pods if p.draining and not (p.server and p.server.in_flight)]:
            self.pods.remove(pod)
            self._empty.append((now, pod.node_since))
        self._forget(now)

    def _forget(self, now: float) -> None:
        for node in [n for n in self._empty if now - n[0] >= self.serving.node_kept]:
            self._empty.remove(node)
            self.nodes_seconds += node[0] + self.serving.node_kept - node[1]

    @property
    def taking(self) -> list[ModelServer]:
        """The servers that new requests can go to."""
        return [pod.server for pod in self.pods if pod.server and not pod.draining]

    @property
    def servers(self) -> list[ModelServer]:
        """All that run, those that drain too."""
        return [pod.server for pod in self.pods if pod.server]

    def gpu_seconds(self, now: float) -> float:
        """Of all nodes until now."""
        running = [pod.node_since for pod in self.pods] + [since for _, since in self._empty]
        return self.nodes_seconds + sum(now - since for since in running)
