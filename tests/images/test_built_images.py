"""The images themselves, built and run: minutes and hundreds of megabytes, so only where `make images-check` asks.

What `python -m tools.images check` accepts is tested by what it must refuse.
"""

import os
from collections.abc import Callable
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
Forget = Callable[..., None]


@pytest.fixture(scope="module")
def engine() -> Engine:
    try:
        return Engine.find()
    except ImageError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def base(engine: Engine) -> str:
    wanted = os.environ.get("BASE")
    if wanted == "stand-in":
        return standin.make(engine)
    return wanted or dockerfile.read(ROOT / "services/context/Dockerfile").arguments["BASE"]


def test_a_declared_dependency_that_is_not_pinned_fails_the_build(
    engine: Engine, base: str, sources: Path, forget: Forget
) -> None:
    forget("context", "rapidfuzz", pyproject=False)
    with pytest.raises(ImageError, match=r"adwright-context 0\.1\.0 requires rapidfuzz, which is not installed"):
        engine.build("context", TAG, base=base, context=sources)


def test_an_import_that_nobody_declared_is_found_in_the_image(
    engine: Engine, base: str, sources: Path, forget: Forget
) -> None:
    forget("context", "rapidfuzz", pyproject=True)
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
