"""Policies about what a container is given: variables, files, addresses, keys."""

import pytest
from tests.deploy_check.spoiling import BOX, CONTEXT, GATEWAY, POD, Case, add, put

CASES = [
    Case(
        "variables_are_known",
        "a variable with a slip of the pen",
        put("ConfigMap/gateway", "data.ADWRIGHT_GATEWAY_MAX_STREAM", "10"),
        "the gateway does not read ADWRIGHT_GATEWAY_MAX_STREAM;",
    ),
    Case(
        "settings_load",
        "a value that a service refuses",
        put("ConfigMap/gateway", "data.ADWRIGHT_GATEWAY_MAX_STREAMS", "many"),
        "ADWRIGHT_GATEWAY_MAX_STREAMS: Input should be a valid integer",
    ),
    Case(
        "settings_load",
        "a file that is not mounted",
        put("ConfigMap/adwright", "data.ADWRIGHT_SERVICE_SECRET_FILE", "/run/secrets/elsewhere"),
        "cannot read /run/secrets/elsewhere",
    ),
    Case(
        "settings_load",
        "a mistake in the generator's file",
        put("ConfigMap/generator", r"data.generator\.yaml", "backends:\n  - {name: a, kind: tgii}\n"),
        "/etc/adwright/generator.yaml:2:",
    ),
    Case(
        "listeners_match_ports",
        "a port that the service does not listen on",
        put(CONTEXT, f"{BOX}.ports.1.containerPort", 9100),
        "is 9100, and ADWRIGHT_METRICS_LISTEN says 9464",
    ),
    Case(
        "listeners_match_ports",
        "loopback",
        put(CONTEXT, f"{BOX}.env.1.value", "127.0.0.1:50052"),
        "ADWRIGHT_CONTEXT_LISTEN listens on 127.0.0.1",
    ),
    Case(
        "stores_can_be_written",
        "a file beside the disk",
        put(CONTEXT, f"{BOX}.env.0.value", "/data/context.db"),
        "/data/context.db is on no volume that can be written",
    ),
    Case(
        "addresses_have_a_service",
        "a target that is not there",
        put("ConfigMap/gateway", "data.ADWRIGHT_CONTEXT_TARGET", "dns:///contexts:50052"),
        "there is no Service/contexts",
    ),
    Case(
        "addresses_have_a_service",
        "the wrong port",
        put("ConfigMap/gateway", "data.ADWRIGHT_CONTEXT_TARGET", "dns:///context:50051"),
        "Service/context has no port 50051",
    ),
    Case(
        "addresses_have_a_service",
        "a target that was forgotten",
        put("ConfigMap/gateway", "data.ADWRIGHT_CONTEXT_TARGET", None),
        "127.0.0.1 is loopback",
    ),
    Case(
        "addresses_have_a_service",
        "a backend that is not there",
        put(
            "ConfigMap/generator",
            r"data.generator\.yaml",
            "backends: [{name: a, kind: tgi, url: 'http://tgi:80', model: m}]",
        ),
        "there is no Service/tgi",
    ),
    Case(
        "addresses_have_a_service",
        "a collector that is not there",
        put("ConfigMap/adwright", "data.OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector.adwright.svc:4317"),
        "there is no Service/collector",
    ),
    Case(
        "keys_of_backends_are_given",
        "a key in a variable that is not set",
        put(
            "ConfigMap/generator",
            r"data.generator\.yaml",
            "backends: [{name: a, kind: openai, model: m, residency: us, api_key: {env: OPENAI_KEY}}]",
        ),
        "the variable OPENAI_KEY is not set",
    ),
    Case(
        "keys_of_backends_are_given",
        "a key in a secret that nobody makes",
        put(
            "ConfigMap/generator",
            r"data.generator\.yaml",
            "backends: [{name: a, kind: openai, model: m, residency: us, api_key: {secret: openai}}]",
        ),
        "the secret openai of Secrets Manager is not declared",
    ),
    Case(
        "references_exist",
        "an account that is not there",
        put(GATEWAY, f"{POD}.serviceAccountName", "gateway"),
        "ServiceAccount/gateway is neither in the render nor declared",
    ),
    Case(
        "references_exist",
        "a claim that is not there",
        put(CONTEXT, f"{POD}.volumes.1.persistentVolumeClaim.claimName", "disk"),
        "PersistentVolumeClaim/disk",
    ),
    Case(
        "references_exist",
        "a key that a Secret does not have",
        put(
            GATEWAY,
            f"{BOX}.env",
            [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "adwright", "key": "no-such"}}}],
        ),
        "Secret/adwright has no key 'no-such'",
    ),
    Case(
        "references_exist",
        "a class of disks that nobody declared",
        put("PersistentVolumeClaim/context", "spec.storageClassName", "fast"),
        "StorageClass/fast",
    ),
    Case(
        "mounts_have_volumes",
        "a mount without a volume",
        put(GATEWAY, f"{BOX}.volumeMounts.+", {"name": "cache", "mountPath": "/cache"}),
        "containers[gateway].volumeMounts[cache]: there is no such volume",
    ),
    Case(
        "mounts_have_volumes",
        "a volume that nobody mounts",
        put(GATEWAY, f"{POD}.volumes.+", {"name": "cache", "emptyDir": {}}),
        "volumes[cache]: no container mounts it",
    ),
    Case(
        "mounts_have_volumes",
        "two at one place",
        put(GATEWAY, f"{BOX}.volumeMounts.+", {"name": "secrets", "mountPath": "/tmp"}),
        "/tmp is mounted twice",
    ),
    Case(
        "temporary_files_have_room",
        "/tmp that cannot be written",
        put(GATEWAY, f"{BOX}.volumeMounts.0.mountPath", "/var/tmp"),
        "nothing can be written in /tmp",
    ),
    Case(
        "secrets_are_not_written_down",
        "a Secret with contents",
        add("apiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: adwright}\nstringData: {key: hunter2}"),
        "Secret/s stringData.key: looks like a secret",
    ),
    Case(
        "secrets_are_not_written_down",
        "a variable with a key",
        put(GATEWAY, f"{BOX}.env", [{"name": "OPENAI_API_KEY", "value": "abc"}]),
        "containers[gateway].env[OPENAI_API_KEY]: looks like a secret",
    ),
    Case(
        "secrets_are_not_written_down",
        "a value that looks like a key",
        put("ConfigMap/gateway", "data.NOTE", "use AKIA" + "ABCDEFGHIJKLMNOP"),
        "ConfigMap/gateway data.NOTE: looks like a secret",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_policy_finds_what_it_is_for_and_no_other_complains(case: Case) -> None:
    case.check()
