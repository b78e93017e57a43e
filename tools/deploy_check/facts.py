"""What the policies are told besides the manifests: data declared in `deploy/kustomize/tests`."""

from collections.abc import Container
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

__all__ = ["Call", "External", "Facts", "FactsError", "Outsider", "PublicValue"]


class FactsError(Exception):
    """A file cannot be read. The text is one line."""


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


def _listed(given: Any) -> Any:
    return (given,) if isinstance(given, (str, int)) else given


Words = Annotated[tuple[str, ...], BeforeValidator(_listed)]
Ports = Annotated[tuple[str | int, ...], BeforeValidator(_listed)]


class External(_Entry):
    """Something that a cluster must have before the manifests are applied."""

    kind: str
    name: str
    reason: str
    """Who makes it, and how."""
    keys: Words = ()
    """Of a Secret or ConfigMap: what is in it."""


class PublicValue(_Entry):
    """A value that looks like a secret and opens nothing."""

    value: str
    reason: str


class Outsider(_Entry):
    """Somebody who is not in the render: a pod of another namespace, or an address."""

    description: str
    namespace: str | None = None
    labels: dict[str, str] = {}
    ip: str = ""
    ports: Ports = ()
    """Where it listens: `443` or `53/UDP`. On all of them every pod is tried."""


class Call(_Entry):
    """Connections that must be possible. All that are in no entry must not be."""

    sources: Words = Field(alias="from")
    """Names; `pods` are all pods of the render, `outsiders` all others."""
    targets: Words = Field(alias="to")
    ports: Ports
    needed: bool = True
    """False: it may be possible and need not be. For what cannot be forbidden without forbidding more."""
    overlays: Words = ()
    """Holds only in these overlays; empty: in all."""
    components: Words = ()
    """Holds only where one of these components is in; `!x`: and where component x is not."""

    def holds(self, overlay: str, components: Container[str]) -> bool:
        """Whether it is about this combination."""
        wanted = [name for name in self.components if not name.startswith("!")]
        unwanted = [name.removeprefix("!") for name in self.components if name.startswith("!")]
        return (
            (not self.overlays or overlay in self.overlays)
            and (not wanted or any(name in components for name in wanted))
            and not any(name in components for name in unwanted)
        )


class Facts(BaseModel):
    """All declared data."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    externals: tuple[External, ...] = ()
    public_values: tuple[PublicValue, ...] = ()
    outsiders: dict[str, Outsider] = {}
    calls: tuple[Call, ...] = ()

    @classmethod
    def load(cls, folder: Path) -> "Facts":
        """From `externals.yaml` and `calls.yaml` in `folder`. Raises FactsError."""
        try:
            return cls.model_validate({**_read(folder / "externals.yaml"), **_read(folder / "calls.yaml")})
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(str(part) for part in first["loc"])
            file = "externals.yaml" if field.startswith(("externals", "public_values")) else "calls.yaml"
            raise FactsError(f"{folder / file}: {field}: {first['msg']}") from None

    def is_public(self, value: str) -> bool:
        """Whether it is declared that everybody may know it."""
        return any(one.value == value for one in self.public_values)

    def external(self, kind: str, name: str) -> External | None:
        """The declaration of something that is made elsewhere."""
        return next((one for one in self.externals if (one.kind, one.name) == (kind, name)), None)


def _read(path: Path) -> dict[str, Any]:
    try:
        return dict(yaml.safe_load(path.read_text(encoding="utf-8")) or {})
    except OSError as error:
        raise FactsError(f"{path}: cannot be read: {error.strerror}") from None
    except yaml.YAMLError as error:
        raise FactsError(f"{path}: is not YAML: {' '.join(str(error).split())}") from None
