"""No secret stands in a manifest."""

import base64
import re
from collections.abc import Iterator

from ..facts import Facts
from ..findings import Finding
from ..objects import Object, Render, at, where

__all__ = ["secrets_are_not_written_down"]

_SECRET_NAME = re.compile(r"(?i)(secret|password|passwd|token|api_?key|_key$|credential)")
_SECRET_VALUE = re.compile(
    r"\b(?:sk-[A-Za-z0-9_-]{16,}|AKIA[0-9A-Z]{16}|adw_[A-Za-z0-9_-]{16,}|hf_[A-Za-z0-9]{20,}|gh[pousr]_[A-Za-z0-9]{20,})"
    r"|-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----"
)
_HARMLESS = ("_FILE", "_PATH", "_NAME", "_name", "_URL")
_REMEDY = "make it outside of the manifests, or declare it public in deploy/kustomize/tests/externals.yaml"


def secrets_are_not_written_down(render: Render, facts: Facts) -> Iterator[Finding]:
    """Neither in Secrets, nor in variables that are called one, nor as values that look like one."""
    for thing in render.objects:
        for field, value in _secrets_in(thing):
            if not facts.is_public(value):
                yield Finding(where(thing), field, "looks like a secret", _REMEDY)


def _secrets_in(thing: Object) -> Iterator[tuple[str, str]]:
    if thing.get("kind") == "Secret":
        for key, value in at(thing, "data", default={}).items():
            yield f"data.{key}", base64.b64decode(value).decode(errors="replace")
        for key, value in at(thing, "stringData", default={}).items():
            yield f"stringData.{key}", value
    for field, name, value in _texts(thing):
        if isinstance(value, str) and value and (_SECRET_VALUE.search(value) or _names_one(name)):
            yield field, value


def _names_one(name: str) -> bool:
    return bool(_SECRET_NAME.search(name)) and not name.endswith(_HARMLESS)


def _texts(thing: Object) -> Iterator[tuple[str, str, object]]:
    """(field, name, value) of the contents of ConfigMaps, of variables, and of arguments."""
    if thing.get("kind") == "ConfigMap":
        for key, value in at(thing, "data", default={}).items():
            yield f"data.{key}", key, value
    for pod in Render([thing]).pods:
        for container in pod.containers:
            for variable in at(container.spec, "env", default=[]):
                yield f"{container.field}.env[{variable['name']}]", variable["name"], variable.get("value")
            for part in ("command", "args"):
                for value in at(container.spec, part, default=[]):
                    yield f"{container.field}.{part}", "", value
