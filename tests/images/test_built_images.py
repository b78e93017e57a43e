"""The images themselves, built and run: minutes and hundreds of megabytes, so only where `make images-check` asks.

What `python -m tools.images check` accepts is tested by what it must refuse.
"""

import os
import re
import shutil
from pathlib import Path

import pytest
from tools.images import dockerfile, standin
from tools.images.check import check
from tools.images.engine import ROOT, Engine, ImageError

ASKED = "ADWRIGHT_TEST_IMAGES"
pytestmark = [
    pytest.mark.skipif(
        os.environ.get(ASKED) != "1", reason=f"{ASKED}=1 asks for images to be built (make images-check)"
    ),
    pytest.mark.timeout(1200),
]
TAG = "adwright-context:test"


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine.find()


@pytest.fixture(scope="module")
def base(engine: Engine) -> str:
    wanted = os.environ.get("BASE")
    if wanted == "stand-in":
        return standin.make(engine)
    return wanted or dockerfile.read(ROOT / "services/context/Dockerfile").arguments["BASE"]


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """What docker is sent, to be spoiled."""
    left_out = shutil.ignore_patterns("tests", "__pycache__", ".*")
    for name in ("packages", "requirements", "services"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=left_out)
    for name in ("LICENSE", ".dockerignore"):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def _forget(sources: Path, name: str, *, pyproject: bool) -> None:
    """Takes a distribution out of the requirements, and as if nobody had ever declared it out of every pyproject."""
    path = sources / "requirements/context.txt"
    text, gone = re.subn(rf"(?m)^{name}==.*\n(?: .*\n)*", "", path.read_text(encoding="utf-8"))
    assert gone == 1
    path.write_text(text, encoding="utf-8")
    for project in sources.glob("*/*/pyproject.toml") if pyproject else ():
        declared = project.read_text(encoding="utf-8")
        project.write_text(re.sub(rf'(?m)^ *"{name}.*\n', "", declared), encoding="utf-8")


def test_a_declared_dependency_that_is_not_pinned_fails_the_build(engine: Engine, base: str, sources: Path) -> None:
    _forget(sources, "rapidfuzz", pyproject=False)
    with pytest.raises(ImageError, match=r"adwright-context 0\.1\.0 requires rapidfuzz, which is not installed"):
        engine.build("context", TAG, base=base, context=sources)


def test_an_import_that_nobody_declared_is_found_in_the_image(engine: Engine, base: str, sources: Path) -> None:
    _forget(sources, "rapidfuzz", pyproject=True)
    engine.build("context", TAG, base=base, context=sources)
    with pytest.raises(ImageError, match=r"cannot import adwright_context.*No module named 'rapidfuzz'"):
        check(engine, "context", TAG, base=base, root=sources)


def test_what_nobody_asked_for_is_found_in_the_image(engine: Engine, base: str, sources: Path) -> None:
    path = sources / "requirements/context.txt"
    path.write_text(
        path.read_text(encoding="utf-8") + (sources / "requirements/build.txt").read_text(encoding="utf-8"),
        encoding="utf-8",
    )
    engine.build("context", TAG, base=base, context=sources)
    with pytest.raises(ImageError, match="distributions are there that nobody asked for: hatchling"):
        check(engine, "context", TAG, base=base)
