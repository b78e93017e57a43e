"""The manifests of this repository, in every combination, as `make deploy-check` renders and examines them."""

from pathlib import Path

import pytest
import yaml
from tools.deploy_check.check import ManifestCheck, grouped
from tools.deploy_check.facts import Facts
from tools.deploy_check.policies.metrics import names_in, own_metrics
from tools.deploy_check.render import kustomize_command

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def manifests() -> ManifestCheck:
    """The check, with the declared matrix."""
    command = kustomize_command()
    if command is None:
        pytest.skip("kubectl is not installed")
    return ManifestCheck(ROOT, command)


def test_every_overlay_and_component_is_in_a_combination(manifests: ManifestCheck) -> None:
    assert [finding.line() for finding in manifests.tree()] == []


@pytest.mark.timeout(600)
def test_every_combination_meets_schemas_and_policies(manifests: ManifestCheck) -> None:
    reports = manifests.run(manifests.matrix.combinations())
    found = [f"{where[0]} (and {len(where) - 1} more): {one.line()}" for one, where in grouped(reports).items()]
    assert found == []


def test_every_declared_external_is_one_that_a_render_names(manifests: ManifestCheck) -> None:
    text = "".join(
        file.read_text(encoding="utf-8") for file in manifests.kustomize.rglob("*.yaml") if "tests" not in file.parts
    )
    facts = Facts.load(manifests.kustomize / "tests")
    assert [one.name for one in facts.externals if one.name not in text] == []


def test_what_prometheus_adapter_is_told_are_the_metrics_that_autoscalers_ask_for_and_services_expose() -> None:
    folder = ROOT / "deploy" / "kustomize" / "components"
    values = yaml.safe_load((folder / "autoscaling-hpa/prometheus-adapter.values.yaml").read_text(encoding="utf-8"))
    rules = values["rules"]["external"]
    asked = {
        line.partition("metric: {name: ")[2].partition("}")[0]
        for file in folder.glob("autoscaling-hpa*/*.yaml")
        for line in file.read_text(encoding="utf-8").splitlines()
        if "metric: {name: " in line
    }
    assert asked == {rule["name"]["as"] for rule in rules}
    exposed = own_metrics() | {"tgi_queue_size", "tgi_batch_current_size"}
    assert set().union(*(names_in(rule["metricsQuery"]) for rule in rules)) <= exposed


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("up", {"up"}),
        ("sum(rate(a_total[5m])) by (pod) / on (x) b", {"a_total", "b"}),
        ('sum(vllm:num_requests_waiting{model="m"}) or vector(0)', {"vllm:num_requests_waiting"}),
    ],
)
def test_names_in_a_query_are_those_of_metrics_alone(query: str, names: set[str]) -> None:
    assert names_in(query) == names
