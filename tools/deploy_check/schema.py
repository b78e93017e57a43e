"""Strict schemas, offline: Kubernetes' own kinds by kubernetes-validate, others by the trimmed ones in `crds/`."""

from collections.abc import Iterator
from functools import cache
from importlib import resources
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from kubernetes_validate.utils import schema_contents
from referencing import Registry, Resource

from .findings import Finding
from .objects import Object, where

__all__ = ["Schemas"]


class Schemas:
    """Validates objects."""

    def __init__(self, version: str) -> None:
        """`version` of Kubernetes, such as 1.37."""
        self._version = version

    def check(self, thing: Object) -> Iterator[Finding]:
        """What the API server would refuse."""
        for key in ("apiVersion", "kind", "metadata"):
            if not thing.get(key):
                yield Finding(where(thing), key, "is missing", "every object has one", "schema")
                return
        own = _own_schemas().get((thing["apiVersion"], thing["kind"]))
        validator = own or _built_in(thing["apiVersion"], thing["kind"], self._version)
        if validator is None:
            remedy = "correct it, or add a schema to tools/deploy_check/crds"
            yield Finding(where(thing), "apiVersion", f"{thing['apiVersion']} has no such kind", remedy, "schema")
            return
        for error in validator.iter_errors(thing):
            path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in error.absolute_path)
            yield Finding(
                where(thing), path.lstrip(".") or "object", _short(error.message), "see the API reference", "schema"
            )


def _short(message: str) -> str:
    return message if len(message) <= 200 else f"{message[:120]} … {message[-70:]}"


@cache
def _definitions(version: str) -> Registry[Any]:
    contents = schema_contents(f"{_folder(version)}/_definitions.json", version)
    return Resource.from_contents(contents) @ Registry()


def _folder(version: str) -> str:
    return f"kubernetes-json-schema/v{version}.0-local-strict"


@cache
def _built_in(api_version: str, kind: str, version: str) -> Draft202012Validator | None:
    """The validator of one of Kubernetes' own kinds; None where there is none."""
    group, slash, name = api_version.partition("/")
    file = f"{kind}-{group.partition('.')[0]}{slash.replace('/', '-')}{name}".lower()
    try:
        schema = schema_contents(f"{_folder(version)}/{file}.json", version)
    except FileNotFoundError:
        return None
    return Draft202012Validator(schema, registry=Resource.from_contents(schema) @ _definitions(version))


@cache
def _own_schemas() -> dict[tuple[str, str], Draft202012Validator]:
    """Those in `crds/`, each around the `spec` that its file has."""
    found: dict[tuple[str, str], Draft202012Validator] = {}
    for file in (resources.files(__package__) / "crds").iterdir():
        if not file.name.endswith(".yaml"):
            continue
        document = yaml.safe_load(file.read_text(encoding="utf-8"))
        defs = document["spec"].pop("$defs", {})
        found[document["apiVersion"], document["kind"]] = Draft202012Validator(
            {
                "type": "object",
                "additionalProperties": False,
                "required": ["apiVersion", "kind", "metadata", "spec"],
                "properties": {
                    "apiVersion": True,
                    "kind": True,
                    "metadata": {"type": "object", "required": ["name"]},
                    "spec": document["spec"],
                },
                "$defs": defs,
            }
        )
    return found
