"""Schemas are strict: what the API server would refuse or drop in silence is found here."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.deploy_check.spoiling import GOOD, Spoil, put, thing
from tools.deploy_check.objects import Render
from tools.deploy_check.schema import Schemas

OWN = [
    """
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: a, namespace: adwright}
spec:
  scaleTargetRef: {name: a}
  fallback: {failureThreshold: 3, replicas: 1}
  triggers:
    - {type: prometheus, metadata: {serverAddress: "http://prometheus:9090", query: up, threshold: "8"}}
    - {type: cpu, metricType: Utilization, metadata: {value: "65"}}
  advanced:
    horizontalPodAutoscalerConfig:
      behavior: {scaleUp: {policies: [{type: Pods, value: 1, periodSeconds: 60}]}}
""",
    """
apiVersion: cert-manager.io/v1
kind: Certificate
metadata: {name: a, namespace: adwright}
spec: {secretName: a, commonName: a, issuerRef: {name: ca, kind: Issuer}, usages: [server auth], duration: 2160h}
""",
    """
apiVersion: cert-manager.io/v1
kind: Issuer
metadata: {name: a, namespace: adwright}
spec: {ca: {secretName: a}}
""",
    """
apiVersion: karpenter.sh/v1
kind: NodePool
metadata: {name: a}
spec:
  disruption: {consolidationPolicy: WhenEmpty, consolidateAfter: 5m}
  template:
    metadata: {labels: {k8s.amazonaws.com/accelerator: nvidia-a10g}}
    spec:
      nodeClassRef: {group: karpenter.k8s.aws, kind: EC2NodeClass, name: a}
      requirements: [{key: kubernetes.io/arch, operator: In, values: [amd64]}]
""",
    """
apiVersion: karpenter.k8s.aws/v1
kind: EC2NodeClass
metadata: {name: a}
spec:
  role: a
  amiSelectorTerms: [{alias: al2023@v20260101}]
  subnetSelectorTerms: [{tags: {a: b}}]
  securityGroupSelectorTerms: [{tags: {a: b}}]
""",
    """
apiVersion: secrets-store.csi.x-k8s.io/v1
kind: SecretProviderClass
metadata: {name: a, namespace: adwright}
spec: {provider: aws, parameters: {usePodIdentity: "true", objects: "- objectName: a"}}
""",
]


def complaints(render: Render) -> str:
    """All that is said, a line each."""
    schemas = Schemas("1.37")
    return "\n".join(finding.line() for one in render.objects for finding in schemas.check(one))


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (
            put("Deployment/gateway", "spec.replica", 2),
            "Deployment/gateway spec: Additional properties are not allowed ('replica'",
        ),
        (put("Deployment/gateway", "spec.replicas", "two"), "spec.replicas: 'two' is not of type 'integer'"),
        (put("Deployment/gateway", "spec.selector", None), "spec: 'selector' is a required property"),
        (put("Service/gateway", "spec.ports.0.targetport", 1), "spec.ports[0]: Additional properties"),
        (put("Service/gateway", "apiVersion", "v2"), "v2 has no such kind"),
        (put("Ingress/adwright", "apiVersion", "extensions/v1beta1"), "extensions/v1beta1 has no such kind"),
        (put("Ingress/adwright", "metadata", {}), "metadata: is missing"),
    ],
)
def test_slips_of_the_pen_in_kubernetes_own_kinds_are_found(spoil: Spoil, words: str) -> None:
    render = Render.parse(GOOD)
    spoil(render)
    assert words in complaints(render)


@pytest.mark.parametrize("text", OWN, ids=lambda text: yaml.safe_load(text)["kind"])
def test_kinds_of_others_have_schemas_that_are_as_strict(text: str) -> None:
    assert complaints(Render.parse(text)) == ""
    document = yaml.safe_load(text)
    document["spec"]["surplus"] = 1
    assert "('surplus' was unexpected)" in complaints(Render([document]))
    for field in [*_required(document["kind"])]:
        without = yaml.safe_load(text)
        del without["spec"][field]
        assert "required" in complaints(Render([without])), field


def _required(kind: str) -> list[str]:
    folder = Path(__file__).parents[2] / "tools" / "deploy_check" / "crds"
    schemas = [yaml.safe_load(file.read_text(encoding="utf-8")) for file in folder.glob("*.yaml")]
    found: list[Any] = [schema["spec"].get("required", []) for schema in schemas if schema["kind"] == kind]
    return list(found[0])


def test_every_vendored_schema_is_tried() -> None:
    folder = Path(__file__).parents[2] / "tools" / "deploy_check" / "crds"
    kinds = {yaml.safe_load(file.read_text(encoding="utf-8"))["kind"] for file in folder.glob("*.yaml")}
    assert kinds == {yaml.safe_load(text)["kind"] for text in OWN}


def test_each_version_has_its_own_schemas() -> None:
    render = Render.parse(GOOD)
    pod = thing(render, "Deployment/gateway")["spec"]["template"]["spec"]
    pod["containers"][0]["lifecycle"] = {"stopSignal": "SIGUSR1"}
    schema = Schemas("1.31"), Schemas("1.37")
    assert [bool([*one.check(thing(render, "Deployment/gateway"))]) for one in schema] == [True, False]
