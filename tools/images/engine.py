"""docker or podman, whichever answers: the commands of both that are the same."""

import json
import os
import re
import resource
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

__all__ = ["ROOT", "SERVICES", "Engine", "ImageError", "released", "version"]

ROOT = Path(__file__).resolve().parents[2]
SERVICES = ("gateway", "context", "generator", "evaluator")
_KNOWN = ("docker", "podman")
_ENOUGH = 4096
_TAG = re.compile(r"\w[\w.-]{0,127}", re.ASCII)


class ImageError(Exception):
    """What could not be done, and the remedy, in one line; or the last lines of what a command said."""


def version(root: Path = ROOT) -> str:
    """The version that all images carry: what `VERSION` names, or the release's. Raises ImageError."""
    wanted = os.environ.get("VERSION")
    if wanted and not _TAG.fullmatch(wanted):
        raise ImageError(
            f"VERSION={wanted} cannot be an image's tag: letters, digits, '_', '.' and '-' alone, as 0.1.1-2"
        )
    return wanted or released(root)


def released(root: Path = ROOT) -> str:
    """The release's version: the gateway's, as all parts of a release have the same. Raises ImageError."""
    for line in (root / "services/gateway/pyproject.toml").read_text(encoding="utf-8").splitlines():
        if line.startswith("version = "):
            return line.split('"')[1]
    raise ImageError("services/gateway/pyproject.toml names no version")


def revision(root: Path = ROOT) -> str:
    """The commit that is checked out, with `-dirty` where files differ from it; `unknown` outside of git."""
    try:
        head = _git(root, "rev-parse", "HEAD")
        return f"{head}-dirty" if _git(root, "status", "--porcelain", "--untracked-files=no") else head
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _git(root: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=True)
    return done.stdout.strip()


class Engine:
    """A container engine by its command line; a `Host` whose images have a base."""

    has_base = True
    uid = gid = 10001

    def __init__(self, command: str) -> None:
        self.command = command
        # podman asks for more files and processes than the ones who start it may have themselves, and then gives up.
        self._limits: list[str] = []
        if Path(command).name == "podman":
            for name, number in (("nofile", resource.RLIMIT_NOFILE), ("nproc", resource.RLIMIT_NPROC)):
                _, hard = resource.getrlimit(number)
                most = _ENOUGH if hard == resource.RLIM_INFINITY else min(hard, _ENOUGH)
                self._limits += ["--ulimit", f"{name}={most}:{most}"]

    @classmethod
    def find(cls) -> Self:
        """The engine that `ENGINE` names, or the first that answers. Raises ImageError."""
        wanted = os.environ.get("ENGINE")
        for command in (wanted,) if wanted else _KNOWN:
            if shutil.which(command) and _quiet([command, "info"]).returncode == 0:
                return cls(command)
        tried = wanted or ", ".join(_KNOWN)
        raise ImageError(
            f"no container engine answers (tried {tried}): start Docker, or install podman; "
            "ENGINE=… names another that has Docker's command line; make images-check ENGINE=none needs none"
        )

    def build(
        self, service: str, tag: str, *, base: str | None = None, context: Path = ROOT, show: bool = False
    ) -> None:
        """Builds the image of `service` from `context`. Raises ImageError with the last lines of the output."""
        arguments = ["build", *self._limits, "-f", str(context / f"services/{service}/Dockerfile"), "-t", tag]
        if base:
            arguments += ["--build-arg", f"BASE={base}"]
        arguments += ["--build-arg", f"VERSION={version(context)}", "--build-arg", f"REVISION={revision(context)}"]
        self.call(*arguments, str(context), show=show)

    def config(self, tag: str) -> Mapping[str, object]:
        """What the image says of itself: `User`, `Entrypoint`, `Labels`, `ExposedPorts`."""
        config: Mapping[str, object] = self.inspect("image", tag)["Config"]
        return config

    def sizes(self, tag: str, base: str) -> tuple[int | None, int]:
        """Bytes on the engine's disk: in all, and above `base`."""
        size = int(self.inspect("image", tag)["Size"])
        return size, size - int(self.inspect("image", base)["Size"])

    def start(self, tag: str, name: str, port: int) -> None:
        """Starts `tag` as Kubernetes would: read-only, without capabilities; `port` is published on loopback."""
        store = ["-v", "/var/lib/adwright"]
        published = ["-p", f"127.0.0.1::{port}"]
        self.call("run", "-d", "--name", name, *self._restricted(), *store, *published, tag)

    def python(self, tag: str, script: str) -> str:
        """What `script` prints that runs in the image, without a network. Raises ImageError."""
        arguments = ["run", "--rm", "-i", "--network", "none", *self._restricted(), "--entrypoint", "python"]
        return self.call(*arguments, tag, "-", stdin=script)

    def _restricted(self) -> list[str]:
        return [
            *self._limits,
            *("--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL"),
            *("--security-opt", "no-new-privileges"),
        ]

    def published(self, name: str, port: int) -> str:
        """`HOST:PORT` on this machine where `port` of the container `name` is."""
        return self.call("port", name, str(port)).split()[-1]

    def inspect(self, kind: str, name: str) -> dict[str, Any]:
        """What the engine knows of an `image` or a `container`. Raises ImageError."""
        found: list[dict[str, Any]] = json.loads(self.call(kind, "inspect", name))
        return found[0]

    def ended(self, name: str) -> bool:
        """Whether the container `name` runs no more."""
        return self.inspect("container", name)["State"]["Status"] in ("exited", "dead", "stopped")

    def memory(self, name: str) -> int:
        """Resident bytes of the processes of the container `name` that were there before this question was asked."""
        children = "ls /proc/*/task/*/children | cut -d/ -f3 | sort -nu; echo $$"
        listed = self.call("exec", name, "sh", "-c", children).split()
        pids = [pid for pid in dict.fromkeys(listed[:-1]) if pid.isdigit() and int(pid) < int(listed[-1])]
        status = self.call("exec", name, "cat", *(f"/proc/{pid}/status" for pid in pids))
        return sum(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:")) * 1024

    def probe(self, name: str, port: int) -> str:
        """What the images' own probe says, asked inside of the container `name`."""
        return self.call("exec", name, "python", "-m", "adwright_servicekit.probe", f"127.0.0.1:{port}").strip()

    def logs(self, name: str) -> str:
        """What the container `name` printed."""
        done = _quiet([self.command, "logs", name])
        return (done.stdout + done.stderr).strip()

    def stop(self, name: str, patience: int) -> tuple[float, int]:
        """Sends SIGTERM, and SIGKILL after `patience` seconds; gives the seconds it took, and the exit code."""
        begun = time.monotonic()
        self.call("stop", "-t", str(patience), name)
        seconds = time.monotonic() - begun
        return seconds, int(self.inspect("container", name)["State"]["ExitCode"])

    def remove(self, name: str) -> None:
        """Removes the container `name` and its volumes, running or not, there or not."""
        _quiet([self.command, "rm", "-f", "-v", name])

    def call(self, *arguments: str, stdin: str | None = None, show: bool = False) -> str:
        """Runs a command of the engine and gives what it printed. Raises ImageError."""
        command = [self.command, *arguments]
        if show:
            done = subprocess.run(command, check=False, text=True)
            said = "see above"
        else:
            done = _quiet(command, stdin)
            said = "\n".join((done.stdout + done.stderr).strip().splitlines()[-15:])
        if done.returncode:
            raise ImageError(f"{self.command} {arguments[0]} failed: {said}")
        return done.stdout or ""


def _quiet(command: Sequence[str], stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
