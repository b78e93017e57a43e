"""What is spoiled to see it refused."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tools.images.engine import ROOT

Forget = Callable[..., None]


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """What an engine is sent, to be spoiled."""
    left_out = shutil.ignore_patterns("tests", "__pycache__", ".*")
    root = tmp_path / "sources"
    for name in ("packages", "requirements", "services"):
        shutil.copytree(ROOT / name, root / name, ignore=left_out)
    for name in ("LICENSE", ".dockerignore"):
        shutil.copy(ROOT / name, root / name)
    return root


@pytest.fixture
def forget(sources: Path) -> Forget:
    """Takes a distribution out of a service's requirements; out of every pyproject too, as if never declared."""

    def forget(service: str, name: str, *, pyproject: bool) -> None:
        path = sources / f"requirements/{service}.txt"
        text, gone = re.subn(rf"(?m)^{name}==.*\n(?: .*\n)*", "", path.read_text(encoding="utf-8"))
        assert gone == 1
        path.write_text(text, encoding="utf-8")
        for project in sources.glob("*/*/pyproject.toml") if pyproject else ():
            declared = project.read_text(encoding="utf-8")
            project.write_text(re.sub(rf'(?m)^ *"{name}.*\n', "", declared), encoding="utf-8")

    return forget
