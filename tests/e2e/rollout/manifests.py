"""What the manifests say of a Deployment, as far as a rollout without a cluster needs it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from tools.stack import ROOT

__all__ = ["Manifest", "load_manifest"]

_BASE = ROOT / "deploy" / "kustomize" / "base"


@dataclass(frozen=True, slots=True)
class Manifest:
    """Of one service."""

    service: str
    environ: dict[str, str]
    """Of its ConfigMaps, that of all services and its own."""
    ports: dict[str, int]
    """By name."""
    probed: str
    """The gRPC service that the readiness probe asks for."""
    replicas: int
    """As many as there are at least."""
    kill_after: float
    """terminationGracePeriodSeconds."""

    @property
    def delay(self) -> float:
        """Seconds for which a replica that was told to stop goes on taking calls."""
        return float(self.environ["ADWRIGHT_SHUTDOWN_DELAY"])


def load_manifest(service: str) -> Manifest:
    """From deploy/kustomize/base. The rollout rehearsed is the one it names: one more first, never one too few."""
    folder = _BASE / service
    [deployment] = [found for found in _documents(folder / "deployment.yaml") if found["kind"] == "Deployment"]
    [scaler] = [f for f in _documents(folder / "availability.yaml") if f["kind"] == "HorizontalPodAutoscaler"]
    spec = deployment["spec"]
    assert spec["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}, f"{service} rolls another way"
    pod = spec["template"]["spec"]
    [container] = [c for c in pod["containers"] if c["name"] == service]
    return Manifest(
        service=service,
        environ=_variables(_BASE / "adwright.env") | _variables(folder / f"{service}.env"),
        ports={port["name"]: port["containerPort"] for port in container["ports"]},
        probed=container["readinessProbe"]["grpc"]["service"],
        replicas=scaler["spec"]["minReplicas"],
        kill_after=float(pod["terminationGracePeriodSeconds"]),
    )


def _documents(path: Path) -> list[dict[str, Any]]:
    return [document for document in yaml.safe_load_all(path.read_text()) if document]


def _variables(path: Path) -> dict[str, str]:
    lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)
