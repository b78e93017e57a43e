"""`terraform fmt` and `validate`, offline where the providers are at hand."""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from .findings import Finding
from .tooling import Skipped

__all__ = ["check_terraform", "roots"]

_PLUGINS = "ADWRIGHT_TF_PLUGIN_DIR"
_HOW = (
    "let `terraform init` reach a registry, or name a folder with the providers "
    f"(as `terraform providers mirror` writes it) in {_PLUGINS}"
)


def roots(folder: Path) -> list[Path]:
    """Folders that are applied: those whose files name providers, and that no other folder calls as a module."""
    folders = sorted({file.parent for file in folder.rglob("*.tf") if ".terraform" not in file.parts})
    called = {
        (caller / match).resolve()
        for caller in folders
        for file in caller.glob("*.tf")
        for match in re.findall(r'source\s*=\s*"(\.[^"]*)"', file.read_text(encoding="utf-8"))
    }
    return [one for one in folders if one.resolve() not in called]


def check_terraform(folder: Path, environ: Mapping[str, str] = os.environ) -> Iterator[Finding | Skipped]:
    """Formatting of everything, then `validate` of every root; init as the environment says, or from a folder."""
    if not folder.exists():
        return
    terraform = shutil.which("terraform", path=environ.get("PATH"))
    if terraform is None:
        yield Skipped("terraform", "is not installed", "install Terraform 1.9 or newer and put it on the PATH")
        return
    settings = {**environ, "TF_IN_AUTOMATION": "1", "CHECKPOINT_DISABLE": "1", "TF_INPUT": "0"}
    done = _run(terraform, ["fmt", "-check", "-recursive", "-no-color", "."], folder, settings)
    for name in done.stdout.split():
        yield Finding(
            f"{folder.name}/{name}", "format", "is not formatted", "run terraform fmt -recursive", "terraform fmt"
        )
    if done.returncode and not done.stdout:
        yield Finding(folder.name, "format", _words(done), "correct it", "terraform fmt")
    with tempfile.TemporaryDirectory(prefix="adwright-terraform-") as scratch:
        # A copy, so that no lock file and no providers come to lie among the sources.
        copy = Path(scratch) / folder.name
        shutil.copytree(folder, copy, ignore=shutil.ignore_patterns(".terraform", "*.tfstate*"))
        for root in roots(copy):
            yield from _validate(terraform, root, f"{folder.name}/{root.relative_to(copy)}", settings)


def _validate(terraform: str, root: Path, name: str, settings: dict[str, str]) -> Iterator[Finding | Skipped]:
    plugins = settings.get(_PLUGINS)
    place = [f"-plugin-dir={plugins}"] if plugins else []
    done = _run(terraform, ["init", "-backend=false", "-no-color", *place], root, settings)
    if done.returncode:
        yield Skipped(f"terraform validate of {name}", f"no providers: {_words(done)}", _HOW)
        return
    done = _run(terraform, ["validate", "-no-color"], root, settings)
    if done.returncode:
        yield Finding(name, "validate", _words(done), "correct it", "terraform validate")


def _run(terraform: str, arguments: list[str], cwd: Path, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [terraform, *arguments], cwd=cwd, env=env, capture_output=True, text=True, check=False, timeout=300
    )


def _words(done: subprocess.CompletedProcess[str]) -> str:
    """The first error, in one line."""
    text = re.sub(r"[│╷╵\s]+", " ", done.stderr or done.stdout)
    first = re.search(r"Error: .*", text)
    return (first[0] if first else text).strip()[:140]
