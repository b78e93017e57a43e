"""Somebody's own overlay, in whatever folder: which of adwright's overlays and components it is made of."""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from .matrix import Matrix

__all__ = ["OverlayError", "made_of"]

_FILES = ("kustomization.yaml", "kustomization.yml", "Kustomization")


class OverlayError(Exception):
    """It cannot be read. The text is one line."""


def made_of(folder: Path, kustomize: Path, matrix: Matrix) -> tuple[str, frozenset[str]]:
    """(overlay, components) as `calls.yaml` names them; the overlay is empty where it is on none of adwright's.

    A copy of one of adwright's overlays is known by its folder's name. Raises OverlayError.
    """
    known = {kustomize.resolve() / "overlays" / name for name in matrix.overlays}
    overlays, components = set(), set()
    for kind, name in _walk(folder.resolve(), known, set()):
        if kind == "overlays" and name in matrix.overlays:
            overlays.add(name)
            components |= set(matrix.overlays[name].contains)
        elif kind == "components" and name in matrix.components:
            components.add(name)
    if not overlays and folder.resolve().name in matrix.overlays:
        overlays.add(folder.resolve().name)
    return min(overlays, default=""), frozenset(components)


def _walk(folder: Path, known: set[Path], seen: set[Path]) -> Iterator[tuple[str, str]]:
    if folder in known:
        yield "overlays", folder.name
        return
    if folder in seen:
        return
    seen.add(folder)
    document = _read(folder)
    for key in ("resources", "bases", "components"):
        for place in document.get(key) or ():
            # What is elsewhere is known by its address alone: …/overlays/eks?ref=v0.1.0
            parts = PurePosixPath(str(place).partition("?")[0]).parts
            if key == "components":
                yield "components", parts[-1] if parts else ""
            elif (inner := (folder / str(place)).resolve()).is_dir():
                yield from _walk(inner, known, seen)
            elif len(parts) > 1:
                yield parts[-2], parts[-1]


def _read(folder: Path) -> dict[str, Any]:
    found = next((folder / name for name in _FILES if (folder / name).is_file()), None)
    if found is None:
        raise OverlayError(f"{folder} has no kustomization.yaml; name the folder of an overlay")
    try:
        document = yaml.safe_load(found.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise OverlayError(f"{found}: cannot be read: {getattr(error, 'strerror', None) or error}") from None
    except yaml.YAMLError as error:
        raise OverlayError(f"{found}: is not YAML: {' '.join(str(error).split())}") from None
    if not isinstance(document, dict):
        raise OverlayError(f"{found}: expected a kustomization, a mapping with `resources` and `components`")
    return document
