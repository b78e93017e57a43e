"""Policies about scaling, rollouts, names and values, and who may call whom."""

import pytest
from tests.deploy_check.spoiling import BOX, CONTEXT, GATEWAY, GENERATOR, POD, Case, Spoil, add, put

SCALED = """
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {{name: {name}, namespace: adwright}}
spec: {{scaleTargetRef: {{name: {name}}}, minReplicaCount: 1, triggers: [{{type: prometheus, metadata:
  {{serverAddress: "{server}", query: '{query}', threshold: "1"}}}}]}}
"""


def scaled(
    name: str, *, server: str = "http://gateway:80", query: str = "sum(adwright_gateway_streams_in_flight)"
) -> Spoil:
    """A ScaledObject for a Deployment. The gateway stands in for Prometheus."""
    return add(SCALED.format(name=name, server=server, query=query))


REPLICAS = frozenset(["replicas_have_one_owner"])
SELECTOR = {"matchLabels": {"app.kubernetes.io/name": "gateway"}}

CASES = [
    Case(
        "ingresses_reach_services",
        "an Ingress to nowhere",
        put("Ingress/adwright", "spec.rules.0.http.paths.0.backend.service.port", {"number": 8080}),
        "there is no Service/gateway with port 8080",
    ),
    Case(
        "objects_are_alone",
        "an object that is there twice",
        add("apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: adwright, namespace: adwright}"),
        "ServiceAccount/adwright metadata.name: is there twice",
    ),
    Case(
        "scalers_have_a_target",
        "a scaler of nobody",
        put("HorizontalPodAutoscaler/gateway", "spec.scaleTargetRef.name", "gate"),
        "there is no Deployment/gate",
    ),
    Case(
        "scalers_have_a_target",
        "bounds that cross",
        put("HorizontalPodAutoscaler/gateway", "spec.maxReplicas", 1),
        "the least, 2, is above the most, 1",
    ),
    Case("replicas_have_one_owner", "two scalers", scaled("gateway"), "both scale it"),
    Case("replicas_have_one_owner", "replicas beside a scaler", put(GATEWAY, "spec.replicas", 2), "is set beside"),
    Case(
        "scalers_ask_for_real_metrics",
        "a Prometheus that is not there",
        scaled("generator", server="http://prometheus.adwright.svc:9090"),
        "there is no Service/prometheus",
        also=REPLICAS,
    ),
    Case(
        "scalers_ask_for_real_metrics",
        "a metric that nobody exposes",
        scaled("generator", query="sum(max_over_time(adwright_gateway_streams[30s])) or vector(0)"),
        "spec.triggers[0].query: nobody exposes adwright_gateway_streams",
        also=REPLICAS,
    ),
    Case(
        "scalers_ask_for_real_metrics",
        "a backend that the generator does not have",
        scaled("generator", query='adwright_generator_backend_demand{backend="vllm"}'),
        "the generator has no backend 'vllm'; it has openai, tgi",
        also=REPLICAS,
    ),
    Case(
        "disruption_budgets_allow_one",
        "a budget that forbids every eviction",
        put("PodDisruptionBudget/gateway", "spec", {"minAvailable": 2, "selector": SELECTOR}),
        "with 2 replicas no pod may ever be evicted",
    ),
    Case(
        "disruption_budgets_allow_one",
        "a budget in percent that forbids every eviction",
        put("PodDisruptionBudget/gateway", "spec", {"minAvailable": "51%", "selector": SELECTOR}),
        "with 2 replicas no pod may ever be evicted",
    ),
    Case(
        "disruption_budgets_allow_one",
        "a budget for nobody",
        put("PodDisruptionBudget/gateway", "spec.selector.matchLabels", {"app": "gateway"}),
        "PodDisruptionBudget/gateway spec.selector: selects none",
    ),
    Case(
        "files_have_one_writer", "two replicas on one file", put(CONTEXT, "spec.replicas", 2), "2 pods would each have"
    ),
    Case(
        "files_have_one_writer",
        "a scaler of a file",
        scaled("context"),
        "ScaledObject/context would give each pod a file of its own",
        also=REPLICAS,
    ),
    Case(
        "files_have_one_writer",
        "a rollout with two writers",
        put(CONTEXT, "spec.strategy", {"rollingUpdate": {"maxUnavailable": 0}}),
        "two pods would write one file in a rollout",
    ),
    Case(
        "rollouts_keep_serving",
        "a rollout that takes away first",
        put(GENERATOR, "spec.strategy", {"type": "RollingUpdate"}),
        "spec.strategy.rollingUpdate.maxUnavailable: is above 0",
    ),
    Case(
        "pods_outlive_their_streams",
        "a pod that is killed while it drains",
        put(GATEWAY, f"{POD}.terminationGracePeriodSeconds", 100),
        "100 s is not more than the 100 s that delay and grace take",
    ),
    Case(
        "pods_outlive_their_streams",
        "a hook that eats the grace",
        put(GATEWAY, f"{BOX}.lifecycle", {"preStop": {"sleep": {"seconds": 30}}}),
        "120 s is not more than the 130 s",
    ),
    Case(
        "enumerations_are_known",
        "a value that there is not",
        put(GATEWAY, f"{BOX}.imagePullPolicy", "Sometimes"),
        "'Sometimes' is not a value of it; use Always or IfNotPresent or Never",
    ),
    Case(
        "enumerations_are_known",
        "a member of a list that there is not",
        put("PersistentVolumeClaim/context", "spec.accessModes", ["ReadWriteTwice"]),
        "'ReadWriteTwice' is not a value of it",
    ),
    Case(
        "quantities_parse",
        "an amount that is none",
        put("PersistentVolumeClaim/context", "spec.resources.requests.storage", "1 GB"),
        "spec.resources.requests.storage: '1 GB' is not a quantity",
    ),
    Case(
        "names_are_valid",
        "a name with capitals",
        put("Ingress/adwright", "metadata.name", "Adwright"),
        "'Adwright' is not a name",
    ),
    Case(
        "names_are_valid",
        "a label that is a number",
        put("Namespace/adwright", "metadata.labels", {"version": 1}),
        "metadata.labels.version: 1 is not text",
    ),
    Case(
        "names_are_valid",
        "a long name of a port",
        put(GATEWAY, f"{BOX}.ports.+", {"name": "a-very-long-name", "containerPort": 9999}),
        "'a-very-long-name' is not a port's name",
    ),
    Case(
        "calls_are_as_declared",
        "a call that nobody may make",
        put("NetworkPolicy/gateway", "spec.egress", [{}]),
        "gateway → internet:443: is allowed, and in no declared call",
    ),
    Case(
        "calls_are_as_declared",
        "a needed call that is shut at its end",
        put("NetworkPolicy/context", "spec.ingress", []),
        "gateway → context:grpc: is not allowed, and needed",
    ),
    Case(
        "calls_are_as_declared",
        "pods without any policy",
        put("NetworkPolicy/default-deny", "spec.podSelector", {"matchLabels": {"app": "none"}}),
        "neighbour → generator:grpc: is allowed",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_policy_finds_what_it_is_for_and_no_other_complains(case: Case) -> None:
    case.check()
