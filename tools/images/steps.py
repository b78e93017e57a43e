"""Carries out a Dockerfile's steps in a folder instead of an image: the real text, with its paths below the folder.

Of the last stage only what it copies: its commands change the base image, which this machine is not.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from . import dockerfile
from .dockerfile import Dockerfile, Instruction, Stage
from .engine import ROOT, ImageError

__all__ = ["carry_out", "remove_tree"]

_SAYS_ONLY = ("ARG", "ENV", "EXPOSE", "LABEL", "STOPSIGNAL", "USER", "ENTRYPOINT")
_ABSOLUTE = re.compile(r"""(^|[\s=:"'])/(?=\w)""")
_PIP = re.compile(r"\bpip (--|install|wheel)")
_OWN_PYTHON = ("PYTHON", "VIRTUAL_ENV", "__PYVENV")


def carry_out(service: str, folder: Path, context: Path = ROOT) -> tuple[Path, Dockerfile]:
    """Lays `service` out anew below `folder`; gives what is `/` in its image, and what its Dockerfile says.

    Raises ImageError with the command that failed and the last lines of what it said.
    """
    file = dockerfile.read(context / f"services/{service}/Dockerfile")
    remove_tree(folder)
    folder.mkdir(parents=True)
    base = folder / "base"
    _call([_python(file), "-m", "venv", *_without_pip(file), str(base)], folder, _environ(base))
    root = folder / "root"
    for stage in file.stages:
        _Stage(stage, root, context, base, runs=stage is not file.final).carry_out()
        if stage is not file.final:
            root.rename(folder / stage.name)
    for name in ("base", *(stage.name for stage in file.stages[:-1])):
        shutil.rmtree(folder / name)
    for path, _, _ in os.walk(root):
        Path(path).chmod(Path(path).stat().st_mode & ~0o222)
    return root, file


def remove_tree(folder: Path) -> None:
    """Removes what `carry_out` made, which nobody may write to."""
    for path, folders, _ in os.walk(folder):
        for name in (".", *folders):
            if not (found := Path(path, name)).is_symlink():
                found.chmod(found.stat().st_mode | 0o700)
    if folder.exists():
        shutil.rmtree(folder)


class _Stage:
    """One stage in `root`, which is its `/`."""

    def __init__(self, stage: Stage, root: Path, context: Path, base: Path, *, runs: bool) -> None:
        self._stage = stage
        self._root = root
        self._context = context
        self._environ = _environ(base) | {name: self._here(value) for name, value in stage.environ.items()}
        self._runs = runs
        self._at = root
        self._sent, self._left_out = _sent(context)

    def carry_out(self) -> None:
        self._root.mkdir()
        for step in self._stage.instructions:
            if step.name == "WORKDIR":
                self._at = self._path(step.text)
                self._at.mkdir(parents=True, exist_ok=True)
            elif step.name == "COPY":
                self._copy(step)
            elif step.name == "RUN":
                if self._runs:
                    _call(["sh", "-c", self._here(re.sub(r"--mount=\S+", "", step.text))], self._at, self._environ)
            elif step.name not in _SAYS_ONLY:
                raise ImageError(f"without an engine {step.name} is not understood: {step.text}")

    def _here(self, text: str) -> str:
        return _ABSOLUTE.sub(lambda found: f"{found[1]}{shlex.quote(str(self._root))}/", text)

    def _path(self, name: str) -> Path:
        return self._root / name.lstrip("/") if name.startswith("/") else self._at / name

    def _copy(self, step: Instruction) -> None:
        flags = [word for word in step.words if word.startswith("--")]
        *sources, target = [word for word in step.words if word not in flags]
        stages = [flag.removeprefix("--from=") for flag in flags]
        for source in sources:
            if stages:
                found = self._root.parent / stages[0] / source.lstrip("/")
                ignore = None
            else:
                if source.partition("/")[0] not in self._sent:
                    raise ImageError(f"COPY {step.text}: .dockerignore keeps {source} out")
                found, ignore = self._context / source, shutil.ignore_patterns(*self._left_out)
            if not found.exists():
                raise ImageError(f"COPY {step.text}: there is no {source}")
            to = self._path(target)
            if found.is_dir():
                # From another stage, which is about to go, links: these are hundreds of megabytes.
                copy = os.link if stages else shutil.copy2
                shutil.copytree(found, to, symlinks=True, ignore=ignore, copy_function=copy, dirs_exist_ok=True)
            else:
                to = to / found.name if target.endswith("/") or len(sources) > 1 else to
                to.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(found, to)


def _sent(context: Path) -> tuple[set[str], list[str]]:
    """What an engine is sent of `context`: names at its top, and patterns of what is left out below them."""
    lines = (context / ".dockerignore").read_text(encoding="utf-8").splitlines()
    sent = {line[1:] for line in lines if line.startswith("!")}
    return sent, [line.removeprefix("**/") for line in lines if line.startswith("**/")]


def _python(file: Dockerfile) -> str:
    """A Python of the images' minor version, as wheels are chosen by it."""
    found = re.search(r"python:(\d+\.\d+)", file.arguments["BASE"])
    if found is None:
        raise ImageError(f"BASE={file.arguments['BASE']} names no version of Python")
    if found[1] == "{}.{}".format(*sys.version_info):
        return sys.executable
    other = shutil.which(f"python{found[1]}")
    if other is None:
        raise ImageError(f"the images have Python {found[1]}, and there is no python{found[1]} here: install it")
    return other


def _without_pip(file: Dockerfile) -> list[str]:
    """It takes seconds to have pip, so only where a step calls it."""
    calls = (_PIP.search(run.text) for stage in file.stages[:-1] for run in stage.all("RUN"))
    return [] if any(calls) else ["--without-pip"]


def _environ(base: Path) -> dict[str, str]:
    """Where pip finds things is this machine's; which Python it is, is not."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_OWN_PYTHON)}
    return kept | {"PATH": f"{base}/bin{os.pathsep}{os.defpath}"}


def _call(command: list[str], at: Path, environ: dict[str, str]) -> None:
    done = subprocess.run(command, cwd=at, env=environ, capture_output=True, text=True, check=False, umask=0o022)
    if done.returncode:
        said = "\n".join((done.stdout + done.stderr).strip().splitlines()[-15:])
        raise ImageError(f"{shlex.join(command)} failed: {said}")
