"""What Terraform writes into the overlay eks is what kubectl would apply."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

DEPLOY = Path(__file__).parents[2] / "deploy"
PARAMS = {
    "account_id": "999988887777",
    "region": "eu-central-1",
    "domain": "ads.test.example",
    "certificate_arn": "arn:aws:acm:eu-central-1:999988887777:certificate/1b2c",
    "efs_file_system_id": "fs-0a1b2c3d",
    "vpc_cidr": "10.9.0.0/16",
    "context_table": "trial-context",
    "gateway_table": "trial-gateway",
    "evaluator_table": "trial-evaluator",
    "openai_secret_name": "trial/openai-api-key",
    "service_secret_name": "trial/service-secret",
}

VERSION = "7.8.9-trial"

pytestmark = pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")


def _params(path: Path) -> dict[str, str]:
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def _render(overlay: Path) -> str:
    command = ["kubectl", "kustomize", str(overlay)]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> str:
    copy = tmp_path_factory.mktemp("deploy") / "kustomize"
    shutil.copytree(DEPLOY / "kustomize", copy)
    params = copy / "overlays" / "eks" / "params.env"
    params.write_text("\n".join([*(f"{key}={value}" for key, value in PARAMS.items()), ""]), encoding="utf-8")
    (copy / "overlays" / "eks" / "version.env").write_text(f"version={VERSION}\n", encoding="utf-8")
    # With the Jobs that are put on top, whose images are a service's.
    (copy / "mine").mkdir()
    (copy / "mine" / "kustomization.yaml").write_text(
        "resources: [../overlays/eks]\ncomponents: [../components/evaluation-job]\n", encoding="utf-8"
    )
    return _render(copy / "mine")


def test_the_file_in_the_repository_has_the_keys_that_terraform_writes() -> None:
    written = re.findall(r'"(\w+)=\$\{', (DEPLOY / "terraform" / "cluster" / "outputs.tf").read_text(encoding="utf-8"))
    assert list(_params(DEPLOY / "kustomize" / "overlays" / "eks" / "params.env")) == written == list(PARAMS)


@pytest.mark.parametrize("value", PARAMS.values(), ids=PARAMS.keys())
def test_every_value_reaches_the_manifests(rendered: str, value: str) -> None:
    assert value in rendered


def test_nothing_of_the_values_in_the_repository_is_left(rendered: str) -> None:
    old = _params(DEPLOY / "kustomize" / "overlays" / "eks" / "params.env")
    # The path at which it is mounted ends alike.
    text = rendered.replace("/run/secrets/adwright/service-secret", "")
    assert [value for key, value in old.items() if value in text and value != PARAMS[key]] == []
    assert not re.search(r"from.params\.env|000000000000|eks-params", rendered)


def test_images_come_from_the_registry_of_the_account_and_are_of_the_version_that_is_named(rendered: str) -> None:
    images = set(re.findall(r"image: (\S*adwright\S*)", rendered))
    registry = "999988887777.dkr.ecr.eu-central-1.amazonaws.com/adwright"
    assert images == {f"{registry}/{name}:{VERSION}" for name in ("gateway", "context", "generator", "evaluator")}


def test_the_secrets_are_those_that_were_named(rendered: str) -> None:
    assert 'api_key: {secret: "trial/openai-api-key"}' in rendered
    assert 'objectName: "trial/service-secret"' in rendered
