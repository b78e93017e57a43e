"""What a service says that it needs: its own packages by pyproject.toml, everybody else's by requirements/*.txt."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from .engine import ROOT

__all__ = ["distributions", "own_packages", "pinned"]

_PINNED = re.compile(r"^(?P<requirement>[A-Za-z0-9][^\\#]*==[^\\#]*)\\?$")
# What an image is: CPython on Linux. The version of Python is the base image's.
_IMAGE = {
    "implementation_name": "cpython",
    "os_name": "posix",
    "platform_python_implementation": "CPython",
    "platform_system": "Linux",
    "python_full_version": "3.11.15",
    "python_version": "3.11",
    "sys_platform": "linux",
}


def own_packages(service: str, root: Path = ROOT) -> set[str]:
    """Folders of packages/ that the service depends on, directly or not: `{"protos", "servicekit", …}`."""
    found: set[str] = set()
    waiting = list(_own(root / "services" / service))
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += _own(root / "packages" / name)
    return found


def _own(folder: Path) -> Iterator[str]:
    project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for line in project["dependencies"]:
        name = canonicalize_name(Requirement(line).name)
        if name.startswith("adwright-"):
            yield name.removeprefix("adwright-")


def pinned(name: str, root: Path = ROOT) -> set[str]:
    """Distributions that requirements/`name`.txt has for an image, by their normalized names."""
    found: set[str] = set()
    for line in (root / f"requirements/{name}.txt").read_text(encoding="utf-8").splitlines():
        match = _PINNED.match(line.strip())
        if match is None:
            continue
        requirement = Requirement(match["requirement"].strip())
        if requirement.marker is None or requirement.marker.evaluate(dict(_IMAGE)):
            found.add(canonicalize_name(requirement.name))
    return found


def distributions(service: str, root: Path = ROOT) -> set[str]:
    """All that an image of `service` has, and nothing besides."""
    own = {f"adwright-{name}" for name in (service, *own_packages(service, root))}
    model = pinned("model", root) if service == "generator" else set()
    return pinned(service, root) | own | model
