"""A release has one version, wherever it is written down."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

from tools.images.engine import ROOT, released

_IMAGE = re.compile(r"image: adwright-\w+:(\S+)")


def _places() -> Iterator[tuple[Path, str]]:
    for file in [*ROOT.glob("packages/*/pyproject.toml"), *ROOT.glob("services/*/pyproject.toml")]:
        project = tomllib.loads(file.read_text(encoding="utf-8"))["project"]
        yield file, project["version"]
        # Of one another they ask for the same release.
        for dependency in project.get("dependencies", ()):
            if found := re.match(r"adwright-[\w\[\]-]+>=(\S+)", dependency):
                yield file, found[1]
    for file in ROOT.glob("services/*/Dockerfile"):
        yield file, re.findall(r"^ARG VERSION=(\S+)", file.read_text(encoding="utf-8"), re.MULTILINE)[0]
    manifests = [ROOT / "deploy/compose.yaml", *(ROOT / "deploy/kustomize").rglob("*.yaml")]
    for file in manifests:
        yield from ((file, tag) for tag in _IMAGE.findall(file.read_text(encoding="utf-8")))
    client = ROOT / "packages/client/src/adwright_client/__init__.py"
    yield client, re.findall(r'__version__ = "(.*)"', client.read_text(encoding="utf-8"))[0]


def test_all_that_name_the_releases_version_name_the_same() -> None:
    places = list(_places())
    assert {file.name for file, _ in places} >= {
        "pyproject.toml",
        "Dockerfile",
        "compose.yaml",
        "deployment.yaml",
        "job.yaml",
    }
    other = {f"{file.relative_to(ROOT)}: {found}" for file, found in places if found != released()}
    assert other == set(), f"services/gateway/pyproject.toml says {released()}"


def test_what_a_deployment_runs_is_one_line() -> None:
    said = (ROOT / "deploy/kustomize/overlays/eks/version.env").read_text(encoding="utf-8").splitlines()
    assert [bool(re.fullmatch(r"version=\w[\w.-]*", line)) for line in said if not line.startswith("#")] == [True]
