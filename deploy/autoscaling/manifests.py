"""What the manifests say about scaling and spilling, read from `deploy/kustomize/components`."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import yaml

from .inputs import InputsError

__all__ = ["Policy", "Rules", "ScaledObject", "Serving", "Trigger"]

_TGI_LIMIT = 128
"""`--max-concurrent-requests` of text-generation-inference 3.x, where nothing is said."""
_WRONG = (OSError, AttributeError, KeyError, TypeError, ValueError, yaml.YAMLError)
"""What comes of a file that is not there, is not YAML, or says something else than is looked for."""
_COMPONENTS = Path(__file__).parent.parent / "kustomize" / "components"


@dataclass(frozen=True, slots=True)
class Trigger:
    """One metric: a replica for each `threshold`, and awake above `activation`."""

    name: str
    threshold: float
    activation: float


@dataclass(frozen=True, slots=True)
class Policy:
    """At most so much change within `period` seconds; `percent` of the replicas there are, or a number of them."""

    value: float
    period: float
    percent: bool


@dataclass(frozen=True, slots=True)
class Rules:
    """`behavior` of one direction."""

    window: float
    policies: tuple[Policy, ...]
    widest: bool = True
    """Of several policies the one that allows most counts, else the one that allows least."""


@dataclass(frozen=True, slots=True)
class ScaledObject:
    """KEDA's. Seconds."""

    polling: float
    cooldown: float
    least: int
    most: int
    triggers: tuple[Trigger, ...]
    up: Rules
    down: Rules

    @classmethod
    def load(cls, path: Path = _COMPONENTS / "autoscaling-tgi" / "tgi.yaml") -> Self:
        """Raises InputsError."""
        try:
            [found] = [d for d in yaml.safe_load_all(path.read_text()) if d and d["kind"] == "ScaledObject"]
            spec = found["spec"]
            behavior = spec["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]
            return cls(
                polling=_positive("pollingInterval", spec.get("pollingInterval", 30)),
                cooldown=float(spec.get("cooldownPeriod", 300)),
                least=int(spec.get("minReplicaCount", 0)),
                most=int(spec.get("maxReplicaCount", 100)),
                triggers=tuple(_triggers(spec["triggers"])),
                up=_rules(behavior["scaleUp"], default_window=0),
                down=_rules(behavior["scaleDown"], default_window=300),
            )
        except _WRONG as error:
            raise InputsError(
                f"{path}: expected one ScaledObject with `behavior` in both directions ({_said(error)})"
            ) from None


@dataclass(frozen=True, slots=True)
class Serving:
    """What the generator's configuration says of the model server and of the API, and what keeps an empty node."""

    slots: int
    """Of one replica: its own limit, which all generators share, or theirs where that is lower."""
    gpu_usd_per_hour: float
    api_slots: int
    api_usd_per_mtok_in: float
    api_usd_per_mtok_out: float
    max_predicted_wait: float
    first_token_timeout: float
    max_wait: float
    node_kept: float
    """Seconds for which an empty node stays."""

    @classmethod
    def load(cls, components: Path = _COMPONENTS) -> Self:
        """Raises InputsError."""
        try:
            said = yaml.safe_load((components / "tgi" / "generator.yaml").read_text())
            by_name = {backend["name"]: backend for backend in said["backends"]}
            server, api = (by_name[name] for name in said["routing"]["order"][:2])
            [pool] = [
                d
                for d in yaml.safe_load_all((components / "karpenter" / "node-pool.yaml").read_text())
                if d and d["kind"] == "NodePool"
            ]
            routing = said["routing"]
            return cls(
                slots=min(server["max_concurrency"], _limit(components / "tgi" / "deployment.yaml")),
                gpu_usd_per_hour=server["price"]["usd_per_hour"],
                api_slots=api["max_concurrency"],
                api_usd_per_mtok_in=api["price"]["usd_per_mtok_in"],
                api_usd_per_mtok_out=api["price"]["usd_per_mtok_out"],
                max_predicted_wait=_seconds(routing["max_predicted_wait"]),
                first_token_timeout=_seconds(routing["first_token_timeout"]),
                max_wait=_seconds(routing["queue"]["max_wait"]),
                node_kept=_seconds(pool["spec"]["disruption"]["consolidateAfter"]),
            )
        except _WRONG as error:
            raise InputsError(f"{components}: expected the components tgi and karpenter ({_said(error)})") from None


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


def _limit(path: Path) -> int:
    [deployment] = [d for d in yaml.safe_load_all(path.read_text()) if d and d["kind"] == "Deployment"]
    [container] = [c for c in deployment["spec"]["template"]["spec"]["containers"] if c["name"] == "tgi"]
    limits = [a for a in container["args"] if a.startswith("--max-concurrent-requests=")]
    return int(limits[0].partition("=")[2]) if limits else _TGI_LIMIT


def _triggers(said: Iterable[Mapping[str, Any]]) -> Iterable[Trigger]:
    for trigger in said:
        metadata = trigger["metadata"]
        threshold = _positive(f"threshold of {trigger['name']}", metadata["threshold"])
        yield Trigger(trigger["name"], threshold, float(metadata.get("activationThreshold", 0)))


def _positive(name: str, said: Any) -> float:
    value = float(said)
    if not 0 < value < math.inf:
        raise ValueError(f"{name}: expected a finite number above 0, not {said}")
    return value


def _rules(said: Mapping[str, Any], *, default_window: float) -> Rules:
    return Rules(
        window=float(said.get("stabilizationWindowSeconds", default_window)),
        policies=tuple(
            Policy(float(p["value"]), float(p["periodSeconds"]), p["type"] == "Percent") for p in said["policies"]
        ),
        widest=said.get("selectPolicy", "Max") == "Max",
    )


def _seconds(said: str) -> float:
    units = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
    number = said.rstrip("msh")
    return float(number) * units[said[len(number) :]]
