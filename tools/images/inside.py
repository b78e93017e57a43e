"""Runs inside an image, with nothing but what is there, and prints as JSON what is found.

Its own folders are the one that it is started in, and the one of its virtual environment.
"""

import importlib
import importlib.metadata
import importlib.util
import json
import os
import pkgutil
import shutil
import sys
import tempfile
from pathlib import Path

_APP, _VENV = Path.cwd(), Path(sys.prefix)
_BASE = tuple(map(Path, ("/", "/etc", "/usr/local", "/var", "/home")))
_NOT_WANTED = ("gcc", "cc", "clang", "ld", "make", "pip", "git", "curl")


def _modules(package: str) -> list[str]:
    spec = importlib.util.find_spec(package)
    places = spec.submodule_search_locations if spec else None
    if not places:
        return [package]
    # Parts for tests ask for pytest; in a service's image they are dead weight of some kilobytes, nothing more.
    walked = pkgutil.walk_packages(list(places), f"{package}.", onerror=lambda name: None)
    return [package, *(found.name for found in walked if ".testing" not in found.name)]


def _failures(modules: list[str]) -> dict[str, str]:
    failures = {}
    for name in modules:
        try:
            importlib.import_module(name)
        except BaseException as error:
            failures[name] = f"{type(error).__name__}: {error}"
    return failures


def _writable(*folders: Path) -> list[str]:
    found = []
    for folder in folders:
        try:
            with tempfile.TemporaryFile(dir=folder):
                found.append(str(folder))
        except OSError:
            pass
    return found


def main() -> None:
    """Prints one JSON object."""
    own = sorted(found.name for found in pkgutil.iter_modules([str(_APP)]) if found.name.startswith("adwright_"))
    modules = [name for package in ("adwright", *own) for name in _modules(package)]
    sources = [path for root in (_APP, _VENV / "lib") for path in root.rglob("*.py")]
    bytecode = [Path(importlib.util.cache_from_source(str(path))).exists() for path in sources]
    found = {
        "uid": os.getuid(),
        "gid": os.getgid(),
        "python": sys.version.split()[0],
        "own": own,
        "modules": len(modules),
        "failures": _failures(modules),
        "distributions": sorted(
            {d.metadata["Name"].lower().replace("_", "-").replace(".", "-") for d in importlib.metadata.distributions()}
        ),
        "tools": [name for name in _NOT_WANTED if shutil.which(name)],
        "pip": importlib.util.find_spec("pip") is not None,
        "writable": _writable(_APP, _VENV),
        "base_writable": _writable(*_BASE),
        "without_bytecode": bytecode.count(False),
        "sources": len(sources),
        "standard_library_bytecode": Path(importlib.util.cache_from_source(os.__file__)).exists(),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
