"""Policies about pods, what selects them, and how they are probed."""

import pytest
from tests.deploy_check.spoiling import BOX, CONTEXT, GATEWAY, GENERATOR, POD, Case, add, both, put

TLS = """
apiVersion: v1
kind: ConfigMap
metadata: {name: tls, namespace: adwright}
data:
  ADWRIGHT_TLS_CERT_FILE: /run/secrets/adwright/service-secret
  ADWRIGHT_TLS_KEY_FILE: /run/secrets/adwright/service-secret
"""

CASES = [
    Case(
        "selectors_match_own_pods",
        "a selector that means nobody",
        put(GENERATOR, r"spec.selector.matchLabels.app\.kubernetes\.io/name", "generators"),
        "Deployment/generator spec.selector: does not match the labels of its pods",
    ),
    Case(
        "selectors_match_own_pods",
        "a selector that means everybody",
        put(GENERATOR, "spec.selector", {"matchLabels": {}}),
        "also means the pods of Deployment/gateway",
    ),
    Case(
        "services_select_one_workload",
        "a Service for nobody",
        put("Service/generator", "spec.selector", {"app": "generator"}),
        "Service/generator spec.selector: selects none",
    ),
    Case(
        "service_ports_exist",
        "a Service with a port that no container has",
        put("Service/gateway", "spec.ports.1.targetPort", "www"),
        "Deployment/gateway has no port www; it has grpc, http, metrics",
    ),
    Case(
        "service_ports_exist",
        "a headless Service that would translate a port",
        put("Service/context", "spec.ports.+", {"name": "tls", "port": 443, "targetPort": "grpc"}),
        "a headless Service translates no ports",
    ),
    Case(
        "images_are_pinned", "an image without a tag", put(GATEWAY, f"{BOX}.image", "adwright-gateway"), "is not pinned"
    ),
    Case(
        "images_are_pinned",
        "latest",
        put(GATEWAY, f"{BOX}.image", "a.example:5000/adwright/gateway:latest"),
        "not pinned",
    ),
    Case(
        "images_are_pinned",
        "an image volume that is not pinned",
        put(GATEWAY, f"{POD}.volumes.0", {"name": "tmp", "image": {"reference": "ghcr.io/a/model:latest"}}),
        "volumes[tmp].image.reference",
    ),
    Case(
        "resources_are_bounded",
        "no limit",
        put(GATEWAY, f"{BOX}.resources.limits.memory", None),
        "containers[gateway].resources.limits.memory: is not set",
    ),
    Case(
        "resources_are_bounded",
        "a request above the limit",
        put(GATEWAY, f"{BOX}.resources.requests.memory", "2Gi"),
        "2Gi is more than the limit 1Gi",
    ),
    Case("pods_are_restricted", "the machine's network", put(GATEWAY, f"{POD}.hostNetwork", True), "hostNetwork"),
    Case(
        "pods_are_restricted",
        "a path of the machine",
        put(GATEWAY, f"{POD}.volumes.0", {"name": "tmp", "hostPath": {"path": "/"}}),
        "volumes[tmp]: is a path of the machine",
    ),
    Case(
        "pods_are_restricted",
        "a token without a role",
        put(GATEWAY, f"{POD}.automountServiceAccountToken", None),
        "mounts a token that has no role",
    ),
    Case("containers_are_restricted", "root", put(GATEWAY, f"{POD}.securityContext.runAsUser", 0), "may run as root"),
    Case(
        "containers_are_restricted",
        "a container that takes back what the pod says",
        put(GATEWAY, f"{BOX}.securityContext.runAsNonRoot", False),
        "may run as root",
    ),
    Case(
        "containers_are_restricted",
        "escalation",
        put(GATEWAY, f"{BOX}.securityContext.allowPrivilegeEscalation", True),
        "allowPrivilegeEscalation: is not false",
    ),
    Case(
        "containers_are_restricted",
        "capabilities",
        put(GATEWAY, f"{BOX}.securityContext.capabilities", {"drop": ["ALL"], "add": ["SYS_ADMIN"]}),
        "adds capabilities",
    ),
    Case(
        "containers_are_restricted",
        "no filter of system calls",
        put(GATEWAY, f"{POD}.securityContext.seccompProfile", None),
        "system calls are not filtered",
    ),
    Case("probes_are_there", "no liveness", put(GATEWAY, f"{BOX}.livenessProbe", None), "livenessProbe: is missing"),
    Case(
        "probes_use_declared_ports",
        "a probe of a port that is not there",
        put(GENERATOR, f"{BOX}.livenessProbe.tcpSocket.port", "http"),
        "there is no port http; it has 50053, 9464, grpc, metrics",
    ),
    Case(
        "probes_name_real_services",
        "a probe of a service that nobody registers",
        put(GATEWAY, f"{BOX}.readinessProbe.grpc.service", "adwright.gateway.v1.Ads"),
        "the gateway registers no 'adwright.gateway.v1.Ads'",
    ),
    Case(
        "probes_name_real_services",
        "gRPC asked of the HTTP port",
        put(GATEWAY, f"{BOX}.readinessProbe.grpc.port", 8080),
        "is not where it answers health; use 50051",
    ),
    Case(
        "grpc_probes_need_no_tls",
        "a certificate behind a gRPC probe",
        both(put(CONTEXT, f"{BOX}.envFrom.+", {"configMapRef": {"name": "tls"}}), add(TLS)),
        "speaks no TLS",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_policy_finds_what_it_is_for_and_no_other_complains(case: Case) -> None:
    case.check()
