"""A rehearsal of the images where no engine is: the Dockerfiles' steps in a clean virtual environment a service.

A service is started by its image's entry point and variables alone. What differs from an image: absolute paths lie
below `build/images/SERVICE/root`, addresses to listen at become free ports of loopback, and of PATH only the
environment's own folder is left. It runs as the images' user where root starts it.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from .dockerfile import Dockerfile
from .engine import ROOT, ImageError
from .steps import carry_out

__all__ = ["CANNOT_SHOW", "Rehearsal"]

CANNOT_SHOW = (
    "the base image (Python's patch release, the system's libraries), tini and what else apt-get adds, "
    "the user that the image makes, a root that is read-only, the network of a container"
)
_UID = 10001
# What Engine.start gives a container to write to.
_WRITABLE = ("tmp", "var/lib/adwright")
_LISTEN = re.compile(r"0\.0\.0\.0:(\d+)")


_HOME = "import os; print(os.__file__)"


@dataclass(slots=True)
class _Built:
    root: Path
    file: Dockerfile

    def environ(self, ports: Mapping[int, int]) -> dict[str, str]:
        """The image's own variables, and where temporary files go; nothing of this machine's."""
        environ = {"TMPDIR": str(self.root / "tmp")}
        for name, value in self.file.final.environ.items():
            if found := _LISTEN.fullmatch(value):
                environ[name] = f"127.0.0.1:{ports.get(int(found[1]), 0)}"
            else:
                parts = [part for part in value.split(":") if part != "$PATH"]
                environ[name] = ":".join(f"{self.root}{part}" if part.startswith("/") else part for part in parts)
        return environ

    def listens(self) -> list[int]:
        """Ports that its variables name."""
        found = (_LISTEN.fullmatch(value) for value in self.file.final.environ.values())
        return [int(match[1]) for match in found if match]

    def program(self, name: str) -> str:
        """Where its PATH has `name`. Raises ImageError."""
        path = self.environ({})["PATH"]
        found = shutil.which(name, path=path)
        if found is None:
            raise ImageError(f"there is no {name} in {path}")
        return found

    def at(self) -> Path:
        """Its WORKDIR."""
        return self.root / self.file.final.last("WORKDIR").text.lstrip("/")


@dataclass(slots=True)
class _Run:
    built: _Built
    process: subprocess.Popen[bytes]
    log: Path
    ports: dict[int, int] = field(default_factory=dict)


class Rehearsal:
    """A Host without an engine."""

    has_base = False

    def __init__(self, folder: Path = ROOT / "build/images") -> None:
        self._folder = folder
        self._built: dict[str, _Built] = {}
        self._runs: dict[str, _Run] = {}
        root = os.getuid() == 0
        self.uid, self.gid = (_UID, _UID) if root else (os.getuid(), os.getgid())
        self._reads_all = False

    def build(self, service: str, tag: str, *, base: str | None = None, context: Path = ROOT) -> None:
        """Carries out the Dockerfile's steps; there is no base."""
        root, file = carry_out(service, self._folder / service, context)
        self._built[tag] = built = _Built(root, file)
        root.chmod(0o755)
        for name in _WRITABLE:
            (root / name).mkdir(parents=True)
            os.chown(root / name, self.uid, self.gid)
        # Where this Python or the folder lies in somebody's closed home, the images' user may look in, not write.
        # A Python that cannot see its own home takes another's library without a word.
        self._reads_all = False
        home = self._run(built, "-c", _HOME)
        self._reads_all = home.returncode != 0 or home.stdout.strip() != _library(built)

    def config(self, tag: str) -> Mapping[str, object]:
        """As the Dockerfile says it."""
        final = self._built[tag].file.final
        labels = re.findall(r'(\S+?)="([^"]*)"', final.last("LABEL").text)
        return {
            "User": final.last("USER").text,
            "Entrypoint": final.last("ENTRYPOINT").exec_form,
            "Labels": dict(labels),
            "ExposedPorts": {f"{port}/tcp": {} for port in final.last("EXPOSE").words},
        }

    def sizes(self, tag: str, base: str) -> tuple[int | None, int]:
        """Bytes of its files; a file with two names counts once."""
        found = {(stat.st_dev, stat.st_ino): stat.st_size for stat in map(os.lstat, self._built[tag].root.rglob("*"))}
        return None, sum(found.values())

    def python(self, tag: str, script: str) -> str:
        """What `script` prints. Raises ImageError."""
        done = self._run(self._built[tag], "-", stdin=script)
        if done.returncode:
            raise ImageError(f"python failed: {done.stderr.strip()[-2000:]}")
        return done.stdout

    def start(self, tag: str, name: str, port: int) -> None:
        """Starts the entry point, without tini."""
        built = self._built[tag]
        entry = built.file.final.last("ENTRYPOINT").exec_form or []
        command = entry[entry.index("--") + 1 :] if entry[:1] == ["tini"] else entry
        ports = {wanted: _free_port() for wanted in built.listens()}
        log = built.root.parent / f"{name}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [*self._as_user(), built.program(command[0]), *command[1:]],
                cwd=built.at(),
                env=built.environ(ports),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._runs[name] = _Run(built, process, log, ports)

    def published(self, name: str, port: int) -> str:
        """The free port that it was given."""
        return f"127.0.0.1:{self._runs[name].ports[port]}"

    def ended(self, name: str) -> bool:
        """Whether it runs no more."""
        return self._runs[name].process.poll() is not None

    def memory(self, name: str) -> int:
        """Resident bytes of it and of all that it started."""
        process = psutil.Process(self._runs[name].process.pid)
        return sum(found.memory_info().rss for found in (process, *process.children(recursive=True)))

    def probe(self, name: str, port: int) -> str:
        """What the images' own probe says."""
        done = self._run(self._runs[name].built, "-m", "adwright_servicekit.probe", self.published(name, port))
        return (done.stdout + done.stderr).strip()

    def logs(self, name: str) -> str:
        """The last lines of what it printed."""
        text = self._runs[name].log.read_text(encoding="utf-8", errors="replace")
        return "\n".join(text.strip().splitlines()[-15:])

    def stop(self, name: str, patience: int) -> tuple[float, int]:
        """Sends SIGTERM, and SIGKILL after `patience` seconds; ended by a signal, its code is 128 and that number."""
        process = self._runs[name].process
        begun = time.monotonic()
        process.terminate()
        try:
            code = process.wait(patience)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            code = process.wait()
        return time.monotonic() - begun, code if code >= 0 else 128 - code

    def remove(self, name: str) -> None:
        """Ends it if it still runs."""
        run = self._runs.pop(name, None)
        if run is not None and run.process.poll() is None:
            os.killpg(run.process.pid, signal.SIGKILL)
            run.process.wait()

    def _run(self, built: _Built, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        command = [*self._as_user(), built.program("python"), *arguments]
        return subprocess.run(
            command, cwd=built.at(), env=built.environ({}), input=stdin, capture_output=True, text=True, check=False
        )

    def _as_user(self) -> list[str]:
        if os.getuid() != 0:
            return []
        setpriv = shutil.which("setpriv")
        if setpriv is None:
            raise ImageError("root starts a service as another user by setpriv, which is not there: install util-linux")
        left = ",+dac_read_search" if self._reads_all else ""
        command = [setpriv, f"--reuid={self.uid}", f"--regid={self.gid}", "--clear-groups", "--no-new-privs"]
        command += [f"--bounding-set=-all{left}", f"--inh-caps=-all{left}"]
        return [*command, f"--ambient-caps=-all{left}"]


def _library(built: _Built) -> str:
    """Where the environment's Python has its library, asked by whoever runs this."""
    command = [built.program("python"), "-I", "-c", _HOME]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
