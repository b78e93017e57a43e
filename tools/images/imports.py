"""Which distribution each import of a source tree comes from, read from the sources without running them."""

import ast
import importlib.metadata
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from packaging.utils import canonicalize_name

__all__ = ["imported", "origin"]

_SUFFIXES = (".py", ".pyi", ".so")


def imported(folder: Path) -> dict[str, str]:
    """Modules of others that the sources in `folder` import, each with one `file:line` that does.

    Also what is imported inside of functions; not what only type checkers read, and no parts for tests.
    `from a import b` is `a.b`: `b` may be a module, and `origin` knows.
    """
    found: dict[str, str] = {}
    for path in sorted(folder.rglob("*.py")):
        if "testing" in path.relative_to(folder).as_posix():
            continue
        for name, line in _imports(ast.parse(path.read_text(encoding="utf-8"))):
            if name.partition(".")[0] not in sys.stdlib_module_names:
                found.setdefault(name, f"{path.name}:{line}")
    return found


def _imports(node: ast.AST) -> Iterator[tuple[str, int]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from ((alias.name, child.lineno) for alias in child.names)
        elif isinstance(child, ast.ImportFrom) and child.level == 0 and child.module:
            yield from ((f"{child.module}.{alias.name}", child.lineno) for alias in child.names)
        elif isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            for other in child.orelse:
                yield from _imports(other)
        else:
            yield from _imports(child)


def origin(module: str) -> str | None:
    """The distribution that has `module` in the environment that runs this; None where none has.

    The longest part of the name that is a file or a package of somebody decides, since `google` and `opentelemetry` are
    many distributions'.
    """
    known = _modules()
    parts = module.split(".")
    for end in range(len(parts), 0, -1):
        if (name := ".".join(parts[:end])) in known:
            return known[name]
    return None


@cache
def _modules() -> dict[str, str]:
    found: dict[str, str] = {}
    for distribution in importlib.metadata.distributions():
        for file in distribution.files or ():
            if file.suffix in _SUFFIXES and ".." not in file.parts:
                stem = file.name.partition(".")[0]
                parts = file.parts[:-1] if stem == "__init__" else (*file.parts[:-1], stem)
                found.setdefault(".".join(parts), canonicalize_name(distribution.metadata["Name"]))
    return found
