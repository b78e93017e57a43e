"""What a container sees when it starts: its variables, and the files that are mounted into it."""

import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

import yaml

from ..facts import Facts
from ..objects import Container, Object, Pod, Render, at

__all__ = ["PLACEHOLDER", "environment", "mounted_files", "own_service"]

PLACEHOLDER = "placeholder-of-a-secret"
"""Stands for what only the cluster knows; long enough for every secret."""

_OWN_IMAGE = re.compile(r"(?:.*/)?adwright[-/](gateway|context|generator|evaluator)[:@].+")


def own_service(thing: Pod | Container) -> str | None:
    """Which of adwright's services it runs, told by its image."""
    containers = thing.containers if isinstance(thing, Pod) else [thing]
    for container in containers:
        if match := _OWN_IMAGE.fullmatch(container.image):
            return match[1]
    return None


def environment(render: Render, pod: Pod, container: Container, facts: Facts | None = None) -> dict[str, str]:
    """Its variables as Kubernetes would set them; secrets are placeholders."""
    found: dict[str, str] = {}
    for source in at(container.spec, "envFrom", default=[]):
        prefix = source.get("prefix", "")
        for kind, key in (("ConfigMap", "configMapRef"), ("Secret", "secretRef")):
            if key in source:
                data = _contents(render, pod, kind, source[key]["name"], facts)
                found |= {f"{prefix}{name}": value for name, value in data.items()}
    for variable in at(container.spec, "env", default=[]):
        if "valueFrom" in variable:
            found[variable["name"]] = _value_from(render, pod, variable["valueFrom"], facts)
        else:
            found[variable["name"]] = _expand(str(variable.get("value", "")), found)
    return found


def _expand(value: str, known: Mapping[str, str]) -> str:
    """`$(NAME)` is replaced by a variable that was set before it, as Kubernetes does."""
    return re.sub(r"\$\(([A-Za-z_][\w.-]*)\)", lambda match: known.get(match[1], match[0]), value)


def _value_from(render: Render, pod: Pod, source: Object, facts: Facts | None) -> str:
    for kind, key in (("ConfigMap", "configMapKeyRef"), ("Secret", "secretKeyRef")):
        if key in source:
            data = _contents(render, pod, kind, source[key]["name"], facts)
            return data.get(source[key]["key"], PLACEHOLDER)
    return PLACEHOLDER


def _contents(render: Render, pod: Pod, kind: str, name: str, facts: Facts | None) -> dict[str, str]:
    thing = render.get(kind, pod.namespace, name)
    if thing is not None:
        # Bytes stand in base64; what they are is of no interest here.
        binary = dict.fromkeys({**at(thing, "binaryData", default={})}, PLACEHOLDER)
        data = dict(at(thing, "data", default={}))
        if kind == "Secret":
            data = dict.fromkeys({**data, **at(thing, "stringData", default={})}, PLACEHOLDER)
        return {**binary, **data}
    declared = facts.external(kind, name) if facts else None
    return dict.fromkeys(declared.keys, PLACEHOLDER) if declared else {}


def mounted_files(render: Render, pod: Pod, container: Container, facts: Facts) -> Iterator[tuple[PurePosixPath, str]]:
    """(path, text) of every file that ConfigMaps and Secrets put into the container, as far as it is known."""
    volumes = {volume["name"]: volume for volume in at(pod.spec, "volumes", default=[])}
    for mount in at(container.spec, "volumeMounts", default=[]):
        volume = volumes.get(mount["name"], {})
        for source in [volume, *at(volume, "projected", "sources", default=[])]:
            files = [*_files_of(render, pod, source, facts), *_files_of_provider(render, pod, source)]
            for name, text in files:
                path = PurePosixPath(mount["mountPath"])
                if "subPath" not in mount:
                    yield path / name, text
                elif mount["subPath"] == name:
                    yield path, text


def _files_of(render: Render, pod: Pod, source: Object, facts: Facts) -> Iterator[tuple[str, str]]:
    for kind, key in (("ConfigMap", "configMap"), ("Secret", "secret")):
        if key not in source:
            continue
        data = _contents(render, pod, kind, source[key].get("name") or source[key].get("secretName", ""), facts)
        items = source[key].get("items")
        if items is None:
            yield from data.items()
        else:
            yield from ((item["path"], data[item["key"]]) for item in items if item["key"] in data)


def _files_of_provider(render: Render, pod: Pod, source: Object) -> Iterator[tuple[str, str]]:
    """What the secrets store's driver mounts: one file an object of the SecretProviderClass."""
    name = at(source, "csi", "volumeAttributes", "secretProviderClass")
    provider = render.get("SecretProviderClass", pod.namespace, name) if name else None
    for thing in yaml.safe_load(at(provider, "spec", "parameters", "objects", default="[]")):
        for part in [thing, *thing.get("jmesPath", ())]:
            yield part.get("objectAlias") or part.get("objectName", ""), PLACEHOLDER
