"""What a check needs of whatever builds and runs a service by its Dockerfile: a container engine, or its rehearsal."""

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from .engine import ROOT

__all__ = ["Host"]


class Host(Protocol):
    """Builds by `tag`, runs by `name`. Whatever fails raises ImageError."""

    has_base: bool
    """Whether what belongs to the base image is there to be judged: the system's folders, the standard library."""

    uid: int
    gid: int
    """Who a service is to run as here."""

    def build(self, service: str, tag: str, *, base: str | None = None, context: Path = ROOT) -> None:
        """Builds `service` from `context` by its Dockerfile."""

    def config(self, tag: str) -> Mapping[str, object]:
        """`User`, `Entrypoint`, `Labels`, `ExposedPorts`, as engines spell them."""

    def sizes(self, tag: str, base: str) -> tuple[int | None, int]:
        """Bytes in all, None where there is no base; bytes above the base."""

    def python(self, tag: str, script: str) -> str:
        """What `script` prints that runs in what was built, with its variables and as its user."""

    def start(self, tag: str, name: str, port: int) -> None:
        """Starts the entry point with nothing but the image's own variables; `port` can be reached from here."""

    def published(self, name: str, port: int) -> str:
        """`HOST:PORT` on this machine where `port` of `name` is."""

    def ended(self, name: str) -> bool:
        """Whether it runs no more."""

    def memory(self, name: str) -> int:
        """Resident bytes of all its processes."""

    def probe(self, name: str, port: int) -> str:
        """What the images' own probe says, asked beside the service."""

    def logs(self, name: str) -> str:
        """What it printed."""

    def stop(self, name: str, patience: int) -> tuple[float, int]:
        """Sends SIGTERM, and SIGKILL after `patience` seconds; gives the seconds it took, and the exit code."""

    def remove(self, name: str) -> None:
        """Takes it away, running or not, there or not."""
