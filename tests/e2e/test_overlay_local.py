"""The overlay for a laptop without a cluster: its pods and its Job as processes, with the environment and the files
that the manifests give them, up to the first ad by the key that the guide names.

What a container engine and a cluster do is not here: images, volumes, probes, policies. Each pod has an address of its
own in 127.0.0.0/8, and the ports of the manifests.
"""

import base64
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import grpc
import pytest
import yaml
from grpc_health.v1 import health_pb2, health_pb2_grpc
from tools.stack import ROOT, SERVICES

OVERLAY = ROOT / "deploy" / "kustomize" / "overlays" / "local"
KEY = "demo-key-of-a-laptop"
Manifests = dict[tuple[str, str], Any]


@pytest.fixture
def manifests() -> Manifests:
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        pytest.skip("kubectl is not installed: its kustomize renders the overlay")
    rendered = subprocess.run([kubectl, "kustomize", str(OVERLAY)], capture_output=True, check=True).stdout
    return {(each["kind"], each["metadata"]["name"]): each for each in yaml.safe_load_all(rendered)}


class Laptop:
    """Runs the pods of an overlay."""

    def __init__(self, manifests: Manifests, folder: Path) -> None:
        self._manifests = manifests
        self._folder = folder
        net = f"127.{random.randrange(1, 255)}.{random.randrange(256)}"
        self.addresses = {service: f"{net}.{number}" for number, service in enumerate(SERVICES, 1)}
        self._volumes: dict[str, Path] = {}

    def process(self, kind: str, name: str) -> subprocess.Popen[bytes]:
        """The one container of a Deployment or a Job."""
        pod = self._manifests[kind, name]["spec"]["template"]["spec"]
        [container] = pod["containers"]
        image = str(container["image"]).partition(":")[0].removeprefix("adwright-")
        mounts = {
            mount["mountPath"]: self._volume(name, volume)
            for mount in container["volumeMounts"]
            for volume in pod["volumes"]
            if volume["name"] == mount["name"]
        }
        environ = {key: value for key, value in os.environ.items() if not key.startswith(("ADWRIGHT_", "OTEL_"))}
        environ |= {key: self._here(value, image, mounts) for key, value in self._environ(container).items()}
        arguments = [self._here(word, image, mounts) for word in container.get("args", [])]
        with (self._folder / f"{name}.log").open("wb") as log:
            command = [sys.executable, "-m", f"adwright_{image}", *arguments]
            return subprocess.Popen(command, env=environ | {"GRPC_VERBOSITY": "NONE"}, stdout=log, stderr=log)

    def _environ(self, container: dict[str, Any]) -> dict[str, str]:
        found: dict[str, str] = {}
        for source in container.get("envFrom", []):
            found |= self._manifests["ConfigMap", source["configMapRef"]["name"]]["data"]
        return found | {each["name"]: each["value"] for each in container.get("env", [])}

    def _here(self, value: str, image: str, mounts: dict[str, Path]) -> str:
        for path, folder in mounts.items():
            if value == path or value.startswith(f"{path}/"):
                return str(folder) + value.removeprefix(path)
        for service, address in self.addresses.items():
            value = value.replace(f"dns:///{service}:", f"{address}:")
        return value.replace("0.0.0.0:", f"{self.addresses[image]}:")

    def _volume(self, pod: str, volume: dict[str, Any]) -> Path:
        """A folder with what the volume holds; claims are shared by name, all else is the pod's own."""
        claim = volume.get("persistentVolumeClaim", {}).get("claimName")
        folder = self._folder / (f"claim-{claim}" if claim else f"{pod}-{volume['name']}")
        folder.mkdir(exist_ok=True)
        for source in volume.get("projected", {}).get("sources", [volume]):
            for kind, where, name in (("Secret", "secret", "secretName"), ("ConfigMap", "configMap", "name")):
                if where in source:
                    self._fill(
                        folder, kind, source[where].get(name) or source[where]["name"], source[where].get("items")
                    )
        return folder

    def _fill(self, folder: Path, kind: str, name: str, items: list[dict[str, str]] | None) -> None:
        manifest = self._manifests[kind, name]
        texts = dict(manifest.get("data", {}))
        if kind == "Secret":
            texts = {key: base64.b64decode(value).decode() for key, value in texts.items()}
        paths = {item["key"]: item["path"] for item in items} if items else {key: key for key in texts}
        for key, path in paths.items():
            (folder / path).parent.mkdir(exist_ok=True)
            (folder / path).write_text(texts[key])

    def wait(self, service: str, process: subprocess.Popen[bytes]) -> None:
        """Until its own startup probe succeeds, within what the probe allows."""
        [container] = self._manifests["Deployment", service]["spec"]["template"]["spec"]["containers"]
        probe = container["startupProbe"]
        deadline = time.monotonic() + probe["failureThreshold"] * probe["periodSeconds"]
        target = f"{self.addresses[service]}:{probe['grpc']['port']}"
        while time.monotonic() < deadline and process.poll() is None:
            with grpc.insecure_channel(target) as channel:
                request = health_pb2.HealthCheckRequest(service=probe["grpc"]["service"])
                try:
                    if health_pb2_grpc.HealthStub(channel).Check(request, timeout=2).status == 1:
                        return
                except grpc.RpcError:
                    time.sleep(0.2)
        pytest.fail(f"{service} is not ready: {(self._folder / f'{service}.log').read_text()[-2000:]}")


@pytest.fixture
def laptop(manifests: Manifests, tmp_path: Path) -> Iterator[Laptop]:
    laptop = Laptop(manifests, tmp_path)
    with ExitStack() as stack:
        pods = {service: laptop.process("Deployment", service) for service in SERVICES}
        for process in pods.values():
            stack.callback(process.wait)
            stack.callback(process.kill)
        for service, process in pods.items():
            laptop.wait(service, process)
        yield laptop


def test_a_laptop_gets_from_the_manifests_to_its_first_ad(laptop: Laptop, tmp_path: Path) -> None:
    seeding = laptop.process("Job", "seed-example")
    assert seeding.wait(timeout=60) == 0, (tmp_path / "seed-example.log").read_text()
    environ = os.environ | {
        "ADWRIGHT_GATEWAY_TARGET": f"{laptop.addresses['gateway']}:50051",
        "ADWRIGHT_API_KEY": KEY,
    }
    asked = ["--brand", "nordlys", "--product", "aurora-trail-2", "--format", "push", "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "adwright_client", "generate", *asked],
        env=environ,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert '"completed"' in done.stdout.splitlines()[-1]
