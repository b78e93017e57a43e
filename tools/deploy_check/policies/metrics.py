"""What scalers ask Prometheus for is what somebody exposes; a name that nobody exposes never scales anything."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from ..facts import Facts
from ..findings import Finding
from ..objects import Object, Render, at, where
from .configuration import own_containers, start
from .reach import split_url, unreachable

__all__ = ["names_in", "own_metrics", "scalers_ask_for_real_metrics"]

_SERVICES = Path(__file__).resolve().parents[3] / "services"
# Of the model servers, from their sources: TGI 3.3 router/src/server.rs, vLLM v1/metrics/loggers.py.
_MODEL_SERVERS = frozenset(
    ("tgi_queue_size", "tgi_batch_current_size", "vllm:num_requests_waiting", "vllm:num_requests_running")
)
_NAME = re.compile(r"[a-zA-Z_][\w:]*")
_LABELS = re.compile(r"\{[^}]*\}|\[[^\]]*\]|\b(?:by|without|on|ignoring)\s*\([^)]*\)")
_WORDS = frozenset(("or", "and", "unless", "bool", "offset"))


@cache
def own_metrics() -> frozenset[str]:
    """Names as Prometheus spells them, from the instruments that the services' sources make."""
    found: set[str] = set()
    for file in _SERVICES.glob("*/src/**/*.py"):
        for name in re.findall(r'"(adwright(?:\.[a-z_]+)+)"', file.read_text(encoding="utf-8")):
            spelt = name.replace(".", "_")
            found |= {spelt, f"{spelt}_total"}
    return frozenset(found)


def names_in(query: str) -> set[str]:
    """The names of metrics in a PromQL query: what is neither a function, a label nor a word of the language."""
    bare = _LABELS.sub(" ", query)
    return {match[0] for match in _NAME.finditer(bare) if not bare[match.end() :].lstrip().startswith("(")} - _WORDS


def scalers_ask_for_real_metrics(render: Render, facts: Facts) -> Iterator[Finding]:
    """A trigger asks a Prometheus that is there, for metrics that are exposed, of backends that the generator has."""
    backends = _backends(render, facts)
    for scaler in render.of("ScaledObject"):
        for place, trigger in enumerate(at(scaler, "spec", "triggers", default=[])):
            if trigger.get("type") != "prometheus":
                continue
            field = f"spec.triggers[{trigger.get('name', place)}]"
            yield from _check(render, facts, scaler, field, trigger["metadata"], backends)


def _check(
    render: Render, facts: Facts, scaler: Object, field: str, metadata: dict[str, str], backends: set[str]
) -> Iterator[Finding]:
    namespace = at(scaler, "metadata", "namespace", default="default")
    problem = unreachable(render, namespace, facts, *split_url(metadata["serverAddress"]))
    if problem:
        yield Finding(where(scaler), f"{field}.serverAddress", problem, "name a Service of the render, and its port")
    for name in sorted(names_in(metadata["query"]) - own_metrics() - _MODEL_SERVERS):
        yield Finding(where(scaler), f"{field}.query", f"nobody exposes {name}", "name a metric that is exposed")
    for backend in re.findall(r'backend="([^"]*)"', metadata["query"]):
        if backend not in backends:
            known = ", ".join(sorted(backends)) or "none"
            yield Finding(
                where(scaler), f"{field}.query", f"the generator has no backend '{backend}'", f"it has {known}"
            )


def _backends(render: Render, facts: Facts) -> set[str]:
    found: set[str] = set()
    for service, pod, container in own_containers(render):
        started = start(service, render, pod, container, facts)
        if not isinstance(started, str) and started.backends:
            found |= {backend.name for backend in started.backends.backends}
    return found
