"""A good installation, and ways to spoil it: each policy is tried on one that is wrong in one place."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tools.deploy_check.facts import Facts
from tools.deploy_check.objects import Object, Render
from tools.deploy_check.policies import examine

GOOD = (Path(__file__).parent / "good.yaml").read_text(encoding="utf-8")
FACTS = Facts.model_validate(
    {
        "externals": [
            {"kind": "Secret", "name": "adwright", "keys": ["service-secret", "openai"], "reason": "made by hand"},
            {"kind": "Service", "name": "evaluator.elsewhere.svc", "reason": "in a namespace of its own"},
        ],
        "public_values": [{"value": "public-demo-value-1", "reason": "opens nothing"}],
        "outsiders": {
            "internet": {"description": "a public address", "ip": "203.0.113.7", "ports": [443]},
            "neighbour": {"description": "another pod", "namespace": "other", "ip": "10.1.1.1", "ports": [80]},
        },
        "calls": [
            {"from": "internet", "to": "gateway", "ports": "grpc"},
            {"from": "gateway", "to": "context", "ports": "grpc"},
        ],
    }
)

Spoil = Callable[[Render], object]


def thing(render: Render, name: str) -> Object:
    """An object by `Kind/name`."""
    kind, _, name = name.partition("/")
    namespace = "default" if kind == "Namespace" else "adwright"
    found = render.get(kind, namespace, name)
    assert found is not None, name
    return found


def put(name: str, path: str, value: object) -> Spoil:
    """Sets a field of an object; `path` is dotted, numbers are places in lists, a last `+` appends, None removes."""

    def spoil(render: Render) -> None:
        target: object = thing(render, name)
        *steps, last = [int(step) if step.isdigit() else step for step in re.split(r"(?<!\\)\.", path)]
        for step in steps:
            target = target[step.replace("\\", "") if isinstance(step, str) else step]  # type: ignore[index]
        if last == "+":
            target.append(value)  # type: ignore[attr-defined]
        elif value is None:
            del target[last]  # type: ignore[attr-defined]
        else:
            target[last.replace("\\", "") if isinstance(last, str) else last] = value  # type: ignore[index]

    return spoil


def add(text: str) -> Spoil:
    """One more object."""
    return lambda render: render.objects.extend(Render.parse(text).objects)


def both(*spoils: Spoil) -> Spoil:
    """One after the other."""
    return lambda render: [spoil(render) for spoil in spoils]


@dataclass(frozen=True)
class Case:
    """What is spoiled, which policy has to say so, and in which words."""

    policy: str
    what: str
    spoil: Spoil
    words: str
    also: frozenset[str] = frozenset()
    """Policies that cannot but complain too."""

    def __str__(self) -> str:
        return f"{self.policy}: {self.what}"

    def check(self) -> None:
        """The policy complains, in these words, and no other does."""
        render = Render.parse(GOOD)
        self.spoil(render)
        found = list(examine(Render(render.objects), FACTS))
        assert self.words in "\n".join(finding.line() for finding in found if finding.check == self.policy), found
        assert {finding.check for finding in found} - self.also == {self.policy}, found


POD = "spec.template.spec"
BOX = f"{POD}.containers.0"
GATEWAY, CONTEXT, GENERATOR = "Deployment/gateway", "Deployment/context", "Deployment/generator"
