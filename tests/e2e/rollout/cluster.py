"""A cluster on loopback: the four Deployments by the manifests' settings, their names, stores that replicas share."""

import asyncio
import itertools
import json
import os
import random
import secrets
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from tools.stack import ROOT, SERVICES

from .manifests import Manifest, load_manifest
from .names import Names
from .pods import Deployment, Pod

__all__ = ["Cluster", "cluster"]

_TABLES = ("context", "evaluator", "gateway")
_CONFIG_FOR = "ADWRIGHT_GENERATOR_CONFIG"


class Cluster:
    """Deployments by service; the key opens tenant `demo`, which has the example brands."""

    def __init__(self, names: Names, folder: Path, config: Mapping[str, object], stores: Mapping[str, str]) -> None:
        """`config` is what the generator's file says; `stores` are the variables that lead to the stores."""
        self.names = names
        self.key = f"adw_{secrets.token_urlsafe(24)}"
        self.secret = secrets.token_urlsafe(32)
        """What services show each other."""
        self.folder = folder
        # A network of its own in 127.0.0.0/8: pods have addresses of their own and the ports of the manifests.
        self._net = f"127.{random.randrange(1, 255)}.{random.randrange(256)}"
        self._hosts = itertools.count(1)
        self._shared = (
            {key: value for key, value in os.environ.items() if not key.startswith(("ADWRIGHT_", "OTEL_", "AWS_"))}
            | dict(stores)
            | {
                "ADWRIGHT_SERVICE_SECRET": self.secret,
                "ADWRIGHT_GATEWAY_BOOTSTRAP_KEY": self.key,
                _CONFIG_FOR: str(folder / "generator.yaml"),
                "GRPC_VERBOSITY": "NONE",
            }
        )
        (folder / "generator.yaml").write_text(json.dumps(config))
        manifests = {service: load_manifest(service) for service in SERVICES}
        self._targets = {
            f"ADWRIGHT_{service.upper()}_TARGET": names.target(service, manifest.ports["grpc"])
            for service, manifest in manifests.items()
        }
        self.deployments = {
            service: Deployment(manifest, names, partial(self._pod, manifest))
            for service, manifest in manifests.items()
        }

    def _pod(self, manifest: Manifest) -> Pod:
        number = next(self._hosts)
        address = f"{self._net}.{number}"
        environ = {
            key: value.replace("0.0.0.0:", f"{address}:")
            for key, value in manifest.environ.items()
            # Mounted secrets and files have other places here.
            if not key.endswith("_FILE")
        }
        targets = {key: self._targets[key] for key in environ.keys() & self._targets.keys()}
        return Pod(
            manifest,
            address,
            environ | targets | self._shared,
            self.folder / f"{manifest.service}-{number}.log",
        )

    async def set_up(self) -> None:
        """Tables and the example brands, as their Jobs make them."""
        async with asyncio.TaskGroup() as tasks:
            for service in _TABLES:
                tasks.create_task(self._admin(service, "create-table"))
        await self._admin("context", "seed", "examples/data", "--tenant", "demo")

    async def _admin(self, service: str, *command: str) -> None:
        environ = self.deployments[service].manifest.environ
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            f"adwright_{service}",
            "admin",
            *command,
            cwd=ROOT,
            env={key: value for key, value in environ.items() if not key.endswith("_FILE")} | self._shared,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            _, said = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        assert process.returncode == 0, said.decode()

    async def start(self) -> None:
        """Returns when all replicas of all services are ready."""
        async with asyncio.TaskGroup() as tasks:
            for deployment in self.deployments.values():
                tasks.create_task(deployment.start())

    @property
    def pods(self) -> list[Pod]:
        """Those that are ready and stay, of all services."""
        return [pod for deployment in self.deployments.values() for pod in deployment.pods]

    async def kill(self) -> None:
        """Everything that still runs."""
        pods = [pod for deployment in self.deployments.values() for pod in deployment.all]
        await asyncio.gather(*(pod.kill() for pod in pods))


@asynccontextmanager
async def cluster(folder: Path, config: Mapping[str, object], stores: Mapping[str, str]) -> AsyncIterator[Cluster]:
    """A cluster that is ready; what still runs at the end is killed."""
    async with Names() as names:
        made = Cluster(names, folder, config, stores)
        try:
            await made.set_up()
            await made.start()
            yield made
        finally:
            await made.kill()
