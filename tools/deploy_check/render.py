"""Rendering combinations with `kubectl kustomize`, offline, several at a time."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import yaml

from .matrix import Combination

__all__ = ["Rendered", "Renderer", "kustomize_command"]


def kustomize_command() -> list[str] | None:
    """What renders on this machine; None where neither kubectl nor kustomize is installed."""
    if shutil.which("kubectl"):
        return ["kubectl", "kustomize"]
    if shutil.which("kustomize"):
        return ["kustomize", "build"]
    return None


@dataclass(frozen=True, slots=True)
class Rendered:
    """YAML documents, or why there are none."""

    text: str
    error: str = ""


class Renderer:
    """Renders what is below `kustomize`; what was rendered before, from the same `watched` folders, is in `cache`."""

    def __init__(
        self, kustomize: Path, command: list[str], cache: Path | None = None, watched: Sequence[Path] = ()
    ) -> None:
        self._kustomize = kustomize.resolve()
        self._command = command
        self._cache = cache / _state(watched or [self._kustomize], command) if cache else None

    def all(self, combinations: Iterable[Combination]) -> dict[Combination, Rendered]:
        """One kustomize a core at a time."""
        wanted = list(combinations)
        with (
            tempfile.TemporaryDirectory(prefix="adwright-render-") as folder,
            ThreadPoolExecutor(os.cpu_count()) as pool,
        ):
            # Resolved: kustomize refuses a relative path that crosses a symbolic link.
            rendered = list(pool.map(lambda one: self._render(one, Path(folder).resolve()), wanted))
        if self._cache and self._cache.parent.exists():
            for old in self._cache.parent.iterdir():
                if old != self._cache:
                    shutil.rmtree(old)
        return dict(zip(wanted, rendered, strict=True))

    def _render(self, combination: Combination, scratch: Path) -> Rendered:
        name = hashlib.sha256(repr(combination).encode()).hexdigest()[:16]
        kept = self._cache / f"{name}.yaml" if self._cache else None
        if kept and kept.exists():
            return Rendered(kept.read_text(encoding="utf-8"))
        rendered = self._run(self._compose(combination, scratch / name))
        if kept and not rendered.error:
            kept.parent.mkdir(parents=True, exist_ok=True)
            # Whole or not at all: a check that is stopped must not leave half a file.
            part = kept.with_suffix(".part")
            part.write_text(rendered.text, encoding="utf-8")
            part.replace(kept)
        return rendered

    def _compose(self, combination: Combination, folder: Path) -> Path:
        """A kustomization as somebody would write it for this combination."""
        folder.mkdir()

        overlay = self._kustomize / "overlays" / (combination.folder or combination.overlay)
        if combination.instead:
            overlay = self._edit(overlay, folder / "overlay", combination.instead)
        document = {
            "apiVersion": "kustomize.config.k8s.io/v1beta1",
            "kind": "Kustomization",
            "resources": [os.path.relpath(overlay, folder)],
            "components": [
                os.path.relpath(self._kustomize / "components" / name, folder) for name in combination.components
            ],
        }
        # JSON is YAML.
        (folder / "kustomization.yaml").write_text(json.dumps(document), encoding="utf-8")
        return folder

    def _edit(self, overlay: Path, copy: Path, components: Iterable[str]) -> Path:
        """A copy of the overlay with another list of components, as its owner would edit it."""
        shutil.copytree(overlay, copy)
        file = copy / "kustomization.yaml"
        document = yaml.safe_load(file.read_text(encoding="utf-8"))
        # Folders are looked for from the new place; files have come along.
        document["resources"] = [
            os.path.relpath(overlay / path, copy) if (overlay / path).is_dir() else path
            for path in document.get("resources", ())
        ]
        document["components"] = [os.path.relpath(self._kustomize / "components" / name, copy) for name in components]
        file.write_text(json.dumps(document), encoding="utf-8")
        return copy

    def _run(self, folder: Path) -> Rendered:
        done = subprocess.run([*self._command, str(folder)], capture_output=True, text=True, check=False, timeout=120)
        if done.returncode:
            # kubectl logs it: `E1128 … "command failed" err="…"`.
            said = re.sub(r'^E\d{4} .*? err="', "", " ".join(done.stderr.split())).replace("\\", "").rstrip('"')
            return Rendered("", said.replace(f"{folder}", "the combination"))
        return Rendered(done.stdout)


def _state(folders: Iterable[Path], command: list[str]) -> str:
    """Another one whenever a file of the folders or the program changes."""
    program = Path(shutil.which(command[0]) or command[0]).resolve()
    digest = hashlib.sha256(f"{command} {program} {program.stat().st_mtime_ns}".encode())
    for folder in folders:
        for parent, inner, files in os.walk(folder):
            inner[:] = sorted(name for name in inner if not name.startswith("."))
            for file in sorted(files):
                path = Path(parent) / file
                digest.update(f"{path.relative_to(folder)}\0".encode())
                digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
