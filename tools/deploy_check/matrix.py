"""Which overlays and components there are, and which of them go together: `deploy/kustomize/tests/matrix.yaml`."""

from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.functional_validators import BeforeValidator

from .findings import Finding

__all__ = ["Combination", "Component", "Matrix", "MatrixError"]

_FILE = "deploy/kustomize/tests/matrix.yaml"


class MatrixError(Exception):
    """The matrix cannot be read. The text is one line."""


@dataclass(frozen=True, slots=True)
class Combination:
    """An overlay with components on top, in the order in which they are applied."""

    overlay: str
    components: tuple[str, ...] = ()
    folder: str = ""
    """The overlay's, where its name is another."""
    instead: tuple[str, ...] = ()
    """Components that the overlay lists in the place of its own."""

    def __str__(self) -> str:
        return " + ".join((self.overlay, *self.components))


Names = Annotated[tuple[str, ...], BeforeValidator(lambda given: () if given is None else given)]


class Component(BaseModel):
    """What a component goes with."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    overlays: Names = ()
    """Where it can be put on top; empty: everywhere."""
    requires: Names = ()
    """All of these must be there too."""
    requires_any: Names = ()
    """One of these must be there too."""
    excludes: Names = ()
    """None of these may be there; said on one side, it holds for both."""


class Overlay(BaseModel):
    """What an overlay brings along."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    contains: Names = ()
    """Components that its own kustomization lists: they are not put on top once more."""
    edited_from: str = ""
    """Another overlay, whose list of components is edited to be `contains`."""
    on_top: Names | None = None
    """The only components that are put on top; without: all that may."""


class Matrix(BaseModel):
    """The whole file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kubernetes: tuple[str, ...]
    """Versions whose schemas hold: the oldest that is supported, and the newest."""
    overlays: dict[str, Overlay]
    components: dict[str, Component]

    @classmethod
    def load(cls, path: Path) -> "Matrix":
        """Raises MatrixError."""
        try:
            matrix = cls.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
        except OSError as error:
            raise MatrixError(f"{_FILE}: cannot be read: {error.strerror}") from None
        except yaml.YAMLError as error:
            raise MatrixError(f"{_FILE}: is not YAML: {' '.join(str(error).split())}") from None
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(str(part) for part in first["loc"]) or "the file"
            raise MatrixError(f"{_FILE}: {field}: {first['msg']}") from None
        matrix._check_names()
        return matrix

    def _check_names(self) -> None:
        for name, overlay in self.overlays.items():
            if overlay.edited_from and overlay.edited_from not in self.overlays:
                raise MatrixError(f"{_FILE}: overlays.{name}.edited_from: there is no overlay '{overlay.edited_from}'")
            for key in ("contains", "on_top"):
                for other in getattr(overlay, key) or ():
                    if other not in self.components:
                        raise MatrixError(f"{_FILE}: overlays.{name}.{key}: there is no component '{other}'")
        for name, component in self.components.items():
            for key in ("requires", "requires_any", "excludes"):
                for other in getattr(component, key):
                    if other not in self.components:
                        raise MatrixError(f"{_FILE}: components.{name}.{key}: there is no component '{other}'")
            for other in component.overlays:
                if other not in self.overlays:
                    raise MatrixError(f"{_FILE}: components.{name}.overlays: there is no overlay '{other}'")

    def combinations(self) -> list[Combination]:
        """Every overlay with every set of components that may go together, the small ones first."""
        return [
            Combination(name, chosen, overlay.edited_from or name, overlay.contains if overlay.edited_from else ())
            for name, overlay in self.overlays.items()
            for size in range(len(self.components) + 1)
            for chosen in combinations(self.components, size)
            if self.allows(name, chosen)
        ]

    def allows(self, overlay: str, chosen: tuple[str, ...]) -> bool:
        """Whether these components may be put on this overlay."""
        inside, on_top = self.overlays[overlay].contains, self.overlays[overlay].on_top
        there = {*inside, *chosen}
        for name in chosen:
            component = self.components[name]
            if name in inside or (on_top is not None and name not in on_top):
                return False
            if component.overlays and overlay not in component.overlays:
                return False
            if not there.issuperset(component.requires):
                return False
            if component.requires_any and there.isdisjoint(component.requires_any):
                return False
        return not any(there.intersection(self.components[name].excludes) for name in there)

    def compare(self, kustomize: Path) -> list[Finding]:
        """What is in the tree and not in the matrix, and the other way round."""
        findings = []
        own = {name: overlay for name, overlay in self.overlays.items() if not overlay.edited_from}
        for kind, declared in (("overlays", set(own)), ("components", set(self.components))):
            there = {path.parent.name for path in (kustomize / kind).glob("*/kustomization.yaml")}
            findings += [
                Finding(
                    f"{kind}/{name}", "kustomization.yaml", "is in no combination", f"declare it in {_FILE}", "matrix"
                )
                for name in sorted(there - declared)
            ]
            findings += [
                Finding(_FILE, f"{kind}.{name}", "there is no such folder", "remove it, or add the folder", "matrix")
                for name in sorted(declared - there)
            ]
            findings += [
                Finding(f"{kind}/{name}", "README.md", "is missing", "say what it is for and what it needs", "matrix")
                for name in sorted(there)
                if not (kustomize / kind / name / "README.md").exists()
            ]
        used = {name for one in self.combinations() for name in (*one.components, *self.overlays[one.overlay].contains)}
        findings += [
            Finding(_FILE, f"components.{name}", "no combination has it", "let it go with something", "matrix")
            for name in sorted(self.components.keys() - used)
        ]
        for name, overlay in own.items():
            findings += _compare_contents(name, set(overlay.contains), kustomize / "overlays" / name)
        return findings


def _compare_contents(name: str, declared: set[str], folder: Path) -> list[Finding]:
    file = folder / "kustomization.yaml"
    if not file.exists():
        return []
    listed = {
        Path(path).name for path in (yaml.safe_load(file.read_text(encoding="utf-8")) or {}).get("components") or ()
    }
    if listed == declared:
        return []
    contents = ", ".join(sorted(listed)) or "none"
    return [
        Finding(
            _FILE,
            f"overlays.{name}.contains",
            f"the overlay lists other components ({contents})",
            "say the same",
            "matrix",
        )
    ]
