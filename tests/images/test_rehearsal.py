"""The images' rehearsal without an engine: of a service that is four lines, always; of real ones where asked."""

import json
import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tools.images.check import check
from tools.images.engine import ROOT, ImageError, version
from tools.images.venv import Rehearsal

Forget = Callable[..., None]
ASKED = "ADWRIGHT_TEST_IMAGES"
asked = pytest.mark.skipif(
    os.environ.get(ASKED) != "1", reason=f"{ASKED}=1 asks for images to be rehearsed (make images-check)"
)
DOCKERFILE = f"""\
ARG BASE=docker.io/library/python:{sys.version_info.major}.{sys.version_info.minor}.0-slim-bookworm
FROM ${{BASE}} AS builder
WORKDIR /src
COPY services/tiny services/tiny
RUN --mount=type=cache,target=/root/.cache/pip python -m venv --without-pip /opt/venv \\
 && mkdir /app /left && cp services/tiny/tiny.py /app && ls services/tiny > /app/sent && touch /left/behind
FROM ${{BASE}}
RUN touch /app/of-the-base
COPY --from=builder /opt/venv /opt/venv
COPY --from=builder /app /app
ENV PATH=/opt/venv/bin:$PATH HOME=/tmp PYTHONPATH=/app:/opt/more TINY_LISTEN=0.0.0.0:50059
WORKDIR /app
USER 10001:10001
EXPOSE 50059
ENTRYPOINT ["tini", "--", "python", "-m", "tiny"]
LABEL org.opencontainers.image.title="tiny one"
"""
TINY = """\
import json, os, time
print(json.dumps({"environ": dict(os.environ), "uid": os.getuid(), "at": os.getcwd()}), flush=True)
time.sleep(60)
"""


@pytest.fixture
def context(tmp_path: Path) -> Path:
    """A repository with one service."""
    root = tmp_path / "context"
    service = root / "services/tiny"
    (service / "tests").mkdir(parents=True)
    (root / ".dockerignore").write_text("*\n!services\n**/tests\n**/Dockerfile\n", encoding="utf-8")
    (service / "Dockerfile").write_text(DOCKERFILE, encoding="utf-8")
    (service / "tiny.py").write_text(TINY, encoding="utf-8")
    return root


@pytest.fixture
def rehearsal(tmp_path: Path) -> Iterator[Rehearsal]:
    rehearsal = Rehearsal(tmp_path / "built")
    yield rehearsal
    rehearsal.remove("tiny")


def _spoil(context: Path, old: str, new: str) -> None:
    path = context / "services/tiny/Dockerfile"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_steps_are_carried_out_below_the_folder_and_only_what_is_copied_stays(
    rehearsal: Rehearsal, context: Path, tmp_path: Path
) -> None:
    rehearsal.build("tiny", "tiny", context=context)
    root = tmp_path / "built/tiny/root"
    assert {path.name for path in (root / "app").iterdir()} == {"tiny.py", "sent"}
    assert (root / "app/sent").read_text(encoding="utf-8") == "tiny.py\n", "tests and Dockerfile are not sent"
    assert {path.name for path in root.iterdir()} == {"app", "opt", "tmp", "var"}
    assert {path.name for path in root.parent.iterdir()} == {"root"}


def test_a_service_starts_with_the_variables_of_its_image_and_nothing_else(
    rehearsal: Rehearsal, context: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ADWRIGHT_API_KEY", "only-here")
    rehearsal.build("tiny", "tiny", context=context)
    rehearsal.start("tiny", "tiny", 50059)
    deadline = time.monotonic() + 20
    while not rehearsal.logs("tiny") and time.monotonic() < deadline:
        time.sleep(0.01)
    told = json.loads(rehearsal.logs("tiny"))
    root = tmp_path / "built/tiny/root"
    environ = {name: value for name, value in told["environ"].items() if name != "LC_CTYPE"}  # Python's own doing
    assert environ == {
        "PATH": f"{root}/opt/venv/bin",
        "HOME": f"{root}/tmp",
        "TMPDIR": f"{root}/tmp",
        "PYTHONPATH": f"{root}/app:{root}/opt/more",
        "TINY_LISTEN": rehearsal.published("tiny", 50059),
    }
    assert re.fullmatch(r"127\.0\.0\.1:\d+", environ["TINY_LISTEN"])
    assert told["at"] == str(root / "app")
    assert told["uid"] == (10001 if os.getuid() == 0 else os.getuid())
    assert rehearsal.memory("tiny") > 1_000_000
    assert not rehearsal.ended("tiny")
    seconds, code = rehearsal.stop("tiny", 5)
    assert (code, rehearsal.ended("tiny")) == (143, True)
    assert seconds < 5


def test_it_cannot_write_but_where_a_container_can(rehearsal: Rehearsal, context: Path) -> None:
    rehearsal.build("tiny", "tiny", context=context)
    for folder, allowed in (("/app", False), ("/opt/venv", False), ("/tmp", True), ("/var/lib/adwright", True)):
        script = f"open(__import__('os').environ['HOME'].removesuffix('/tmp') + '{folder}/x', 'w')"
        if allowed:
            rehearsal.python("tiny", script)
        else:
            with pytest.raises(ImageError, match="Permission denied"):
                rehearsal.python("tiny", script)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (" && mkdir /app", " && echo no luck && false && mkdir /app", "failed: no luck"),
        ("COPY services/tiny", "COPY docs", r"\.dockerignore keeps docs out"),
        ("--from=builder /app", "--from=builder /nothing", "there is no /nothing"),
        ("WORKDIR /app", "VOLUME /data", "without an engine VOLUME is not understood: /data"),
        ("python:3.", "pypy:3.", "names no version of Python"),
        ("python:3.", "python:3.999.", r"there is no python3\.999 here: install it"),
        ('"python", "-m"', '"perl", "-m"', "there is no perl in "),
    ],
)
def test_what_cannot_be_done_is_said(rehearsal: Rehearsal, context: Path, old: str, new: str, said: str) -> None:
    _spoil(context, old, new)
    with pytest.raises(ImageError, match=said):
        rehearsal.build("tiny", "tiny", context=context)
        rehearsal.start("tiny", "tiny", 50059)


def test_it_is_laid_out_anew_each_time(rehearsal: Rehearsal, context: Path, tmp_path: Path) -> None:
    rehearsal.build("tiny", "tiny", context=context)
    _spoil(context, "COPY --from=builder /app /app\n", "")
    rehearsal.build("tiny", "tiny", context=context)
    assert not list((tmp_path / "built/tiny/root/app").iterdir())


@asked
@pytest.mark.timeout(600)
def test_the_gateway_is_what_it_is_to_be(rehearsal: Rehearsal) -> None:
    tag = f"adwright-gateway:{version()}"
    rehearsal.build("gateway", tag)
    found = check(rehearsal, "gateway", tag, base="")
    assert found.size is None
    assert found.above_base > 50e6
    assert found.modules > 50


@asked
@pytest.mark.timeout(600)
def test_a_declared_dependency_that_is_not_pinned_is_named(rehearsal: Rehearsal, sources: Path, forget: Forget) -> None:
    forget("gateway", "uvicorn", pyproject=False)
    with pytest.raises(ImageError, match=r"adwright-gateway \S+ requires uvicorn, which is not installed"):
        rehearsal.build("gateway", "spoilt", context=sources)


@asked
@pytest.mark.timeout(600)
def test_an_import_that_nobody_declared_is_named(rehearsal: Rehearsal, sources: Path, forget: Forget) -> None:
    forget("gateway", "uvicorn", pyproject=True)
    rehearsal.build("gateway", "spoilt", context=sources)
    with pytest.raises(ImageError, match=r"cannot import adwright_gateway.*No module named 'uvicorn'"):
        check(rehearsal, "gateway", "spoilt", base="", root=sources)


@asked
@pytest.mark.timeout(600)
def test_what_nobody_asked_for_is_named(rehearsal: Rehearsal, sources: Path) -> None:
    path = sources / "requirements/gateway.txt"
    build = (ROOT / "requirements/build.txt").read_text(encoding="utf-8")
    path.write_text(path.read_text(encoding="utf-8") + build, encoding="utf-8")
    rehearsal.build("gateway", "spoilt", context=sources)
    with pytest.raises(ImageError, match="distributions are there that nobody asked for: hatchling"):
        check(rehearsal, "gateway", "spoilt", base="")
