"""Terraform's tables are the ones that the services make and use, its roles allow what they do and no more."""

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from commands import adwright
from tools.stack import ROOT, SERVICES, Stack, private_environ

from adwright.context.v1 import context_service_pb2 as context_pb
from adwright.context.v1 import context_service_pb2_grpc as context_grpc
from adwright.evaluator.v1 import evaluation_pb2, label_pb2
from adwright.evaluator.v1 import evaluator_service_pb2_grpc as evaluator_grpc
from adwright.gateway.v1 import generation_service_pb2 as gateway_pb
from adwright.gateway.v1 import generation_service_pb2_grpc as gateway_grpc
from adwright_generator.backends.fake_openai import FakeOpenAI

pytest.importorskip("moto", reason="moto is not installed")

from tests.integration.aws_account import ACCOUNT, REGION, Account, account_on_loopback
from tests.integration.iam_rules import actions_allowed
from tests.integration.terraform_roots import ROOTS, Root

pytestmark = pytest.mark.timeout(300)

TABLES = ("context", "evaluator", "gateway")
WRITABLE = ("-var", f"region={REGION}", "-var", "deletion_protection=false", "-var", "secret_recovery_days=0")


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    with account_on_loopback() as account:
        yield account


@pytest.fixture(scope="module")
def data(account: Account, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Root]:
    """deploy/terraform/data, applied as an operator does."""
    root = Root("data", tmp_path_factory.mktemp("terraform"), account.environ())
    root.must("apply", "-auto-approve", "-var", f"region={REGION}")
    yield root
    root.must("apply", "-auto-approve", *WRITABLE)
    root.must("destroy", "-auto-approve", *WRITABLE)


@pytest.fixture(scope="module")
def outputs(data: Root) -> dict[str, Any]:
    return {name: each["value"] for name, each in json.loads(data.must("output", "-json")).items()}


def admin(account: Account, service: str, command: str, table: str) -> subprocess.CompletedProcess[str]:
    """Runs `python -m adwright_SERVICE admin COMMAND` on a table."""
    environ = account.environ() | {
        f"ADWRIGHT_{service.upper()}_STORE": "dynamodb",
        f"ADWRIGHT_{service.upper()}_DYNAMODB_TABLE": table,
    }
    command_line = [sys.executable, "-m", f"adwright_{service}", "admin", command]
    return subprocess.run(command_line, env=environ, capture_output=True, text=True, check=False, timeout=60)


def described(account: Account, table: str) -> dict[str, Any]:
    """Everything that is set of a table, without what differs from one to the next: name, origin, time, size, load."""
    client = account.client("dynamodb")
    found = client.describe_table(TableName=table)["Table"]
    names, sizes = {"TableName", "TableArn", "TableId"}, {"ItemCount", "TableSizeBytes", "WarmThroughput"}
    found = {key: found[key] for key in found.keys() - names - sizes - {"CreationDateTime", "RestoreSummary"}}
    found["AttributeDefinitions"].sort(key=lambda each: each["AttributeName"])
    backups = client.describe_continuous_backups(TableName=table)["ContinuousBackupsDescription"]
    recovery = backups["PointInTimeRecoveryDescription"]
    return {
        "table": found,
        "ttl": client.describe_time_to_live(TableName=table)["TimeToLiveDescription"],
        "recovery": (recovery["PointInTimeRecoveryStatus"], recovery.get("RecoveryPeriodInDays")),
    }


def policy_of(account: Account, role_arn: str) -> dict[str, Any]:
    """The one policy of a role, as it is in the account."""
    iam, role = account.client("iam"), role_arn.rpartition("/")[2]
    assert iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"] == []
    [name] = iam.list_role_policies(RoleName=role)["PolicyNames"]
    document: dict[str, Any] = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
    return document


@pytest.mark.parametrize("root", ["data", "cluster"])
def test_a_root_is_valid_and_formatted(root: str, tmp_path: Path) -> None:
    made = Root(root, tmp_path)
    assert json.loads(made.must("validate", "-json"))["diagnostics"] == []
    made.must("fmt", "-check", "-recursive", str(ROOTS))


def test_the_cluster_is_planned_as_it_says(tmp_path: Path) -> None:
    assert "0 failed" in Root("cluster", tmp_path).must("test")


@pytest.mark.parametrize("service", TABLES)
def test_a_table_is_the_one_that_create_table_makes(service: str, account: Account, outputs: dict[str, Any]) -> None:
    made = admin(account, service, "create-table", f"by-command-{service}")
    assert made.returncode == 0, made.stderr
    by_terraform = described(account, outputs["tables"][service])
    assert by_terraform == described(account, f"by-command-{service}")
    assert by_terraform["table"]["DeletionProtectionEnabled"] is True
    checked = admin(account, service, "check", outputs["tables"][service])
    assert checked.returncode == 0, checked.stdout + checked.stderr
    client = account.client("dynamodb")
    client.update_table(TableName=f"by-command-{service}", DeletionProtectionEnabled=False)
    client.delete_table(TableName=f"by-command-{service}")


def test_applying_again_changes_nothing_and_a_secret_passes_by_the_state(account: Account, data: Root) -> None:
    client = account.client("secretsmanager")
    client.put_secret_value(SecretId="adwright/openai-api-key", SecretString="sk-not-for-the-state")
    plan = data.run("plan", "-detailed-exitcode", "-var", f"region={REGION}")
    assert plan.returncode == 0, plan.stdout
    state = (data.folder / "terraform.tfstate").read_text()
    assert "adwright/openai-api-key" in state
    assert "sk-not-for-the-state" not in state + plan.stdout


def test_images_cannot_be_replaced_and_are_scanned(account: Account, outputs: dict[str, Any]) -> None:
    found = account.client("ecr").describe_repositories(
        repositoryNames=[url.partition("/")[2] for url in outputs["repositories"].values()]
    )["repositories"]
    assert sorted(each["repositoryName"] for each in found) == [f"adwright/{name}" for name in sorted(SERVICES)]
    assert {each["imageTagMutability"] for each in found} == {"IMMUTABLE"}
    assert all(each["imageScanningConfiguration"]["scanOnPush"] for each in found)


def test_only_the_service_account_of_its_name_takes_a_role(account: Account, outputs: dict[str, Any]) -> None:
    assert sorted(outputs["roles"]) == sorted(SERVICES)
    for service, arn in outputs["roles"].items():
        role = account.client("iam").get_role(RoleName=arn.rpartition("/")[2])["Role"]
        [statement] = role["AssumeRolePolicyDocument"]["Statement"]
        assert statement["Principal"] == {"Service": "pods.eks.amazonaws.com"}
        assert statement["Condition"]["StringEquals"] == {
            "aws:RequestTag/kubernetes-namespace": "adwright",
            "aws:RequestTag/kubernetes-service-account": service,
        }


class UnseededStack(Stack):
    """Everything that is in the tables is put there by the services, under their own roles."""

    def seed(self) -> None:
        pass


async def test_the_services_do_their_work_with_what_their_roles_allow_and_need_all_of_it(
    account: Account, outputs: dict[str, Any], tmp_path: Path
) -> None:
    key = "sk-of-the-secrets-manager"
    account.client("secretsmanager").put_secret_value(SecretId=outputs["secrets"]["openai"], SecretString=key)
    account.client("secretsmanager").put_secret_value(SecretId=outputs["secrets"]["service"], SecretString="x" * 32)
    account.policies = {service: policy_of(account, role) for service, role in outputs["roles"].items()}
    account.used.clear()
    account.refused.clear()
    procfile = tmp_path / "Procfile"
    lines = (ROOT / "Procfile").read_text().splitlines()
    # Pod Identity gives each its own credentials; here the access key says who calls.
    callers = [line.replace("exec ", f"exec env AWS_ACCESS_KEY_ID={line.partition(':')[0]} ") for line in lines]
    procfile.write_text("\n".join(callers))
    async with FakeOpenAI(keys=[key]) as model:
        config = tmp_path / "generator.yaml"
        api_key = f"{{secret: {outputs['secrets']['openai']}}}"
        backend = f"{{name: api, kind: openai, base_url: {model.url}, model: fake, api_key: {api_key}}}"
        config.write_text(f"backends:\n  - {backend}\nrouting: {{order: [api]}}\n")
        environ = private_environ(tmp_path) | account.environ() | {"ADWRIGHT_GENERATOR_CONFIG": str(config)}
        for service, table in outputs["tables"].items():
            environ[f"ADWRIGHT_{service.upper()}_STORE"] = "dynamodb"
            environ[f"ADWRIGHT_{service.upper()}_DYNAMODB_TABLE"] = table
        stack = UnseededStack(environ, tmp_path / "log", procfile=procfile)
        # In a thread: the model is served by this loop.
        try:
            await asyncio.to_thread(stack.start)
            await asyncio.to_thread(a_day_of_work, stack)
            for service in SERVICES:
                await asyncio.to_thread(mount, account, service, outputs["secrets"]["service"])
        finally:
            await asyncio.to_thread(stack.stop)
            # First of all: whatever else went wrong is likely to have gone wrong by this.
            assert account.refused == [], stack.log_tail(50)
        assert model.calls
        assert not model.refused_keys
    for service, policy in account.policies.items():
        allowed = {(action, named(resource)) for action, resource in actions_allowed(policy)}
        assert allowed == {(action, named(resource)) for action, resource in account.used[service]}, service
    for service in TABLES:
        tables = {
            named(resource) for action, resource in actions_allowed(account.policies[service]) if "dynamo" in action
        }
        assert tables == {outputs["tables"][service]}


def test_a_role_opens_neither_the_tables_nor_the_secrets_of_others(account: Account, outputs: dict[str, Any]) -> None:
    account.policies = {service: policy_of(account, role) for service, role in outputs["roles"].items()}
    key = {"pk": {"S": "a"}, "sk": {"S": "b"}}
    for service in TABLES:
        client = account.client("dynamodb", service)
        client.get_item(TableName=outputs["tables"][service], Key=key)
        for other in {*TABLES} - {service}:
            with pytest.raises(client.exceptions.ClientError, match="AccessDenied"):
                client.get_item(TableName=outputs["tables"][other], Key=key)
        with pytest.raises(client.exceptions.ClientError, match="AccessDenied"):
            client.scan(TableName=outputs["tables"][service])
        secrets = account.client("secretsmanager", service)
        with pytest.raises(secrets.exceptions.ClientError, match="AccessDenied"):
            secrets.get_secret_value(SecretId=outputs["secrets"]["openai"])


def named(resource: str) -> str:
    """The name in an ARN that is of this account and region; a secret's without its random end."""
    found = re.fullmatch(
        f"arn:aws:(dynamodb|secretsmanager):{REGION}:{ACCOUNT}:(table/|secret:)(.+?)(-.{{6}})?", resource
    )
    assert found is not None, f"not one resource of this account: {resource}"
    return found[3] if found[2] == "secret:" else resource.rpartition("/")[2]


def mount(account: Account, service: str, secret: str) -> None:
    """What the Secrets Store driver asks, in the name of a pod that starts."""
    client = account.client("secretsmanager", service)
    client.describe_secret(SecretId=secret)
    assert client.get_secret_value(SecretId=secret)["SecretString"]


def a_day_of_work(stack: Stack) -> None:
    """A brand is brought in, ads are written, looked at and erased, a suite is run and labelled."""

    def run(*arguments: str, code: int = 0) -> str:
        done = adwright(stack, *arguments)
        assert done.returncode == code, f"{arguments}: {done.stderr}\n{stack.log_tail(60)}"
        return done.stdout

    examples = ROOT / "examples" / "data"
    run("brands", "import", str(examples / "brands.jsonl"))
    run("products", "import", str(examples / "nordlys" / "products.jsonl"), "--brand", "nordlys")
    run("exemplars", "import", str(examples / "nordlys" / "exemplars.jsonl"), "--brand", "nordlys")
    run("products", "delete", "aurora-trail-2", "--brand", "nordlys")
    run("brands", "delete", "kesselfink")
    for _ in range(2):
        run("generate", "--brand", "nordlys", "--format", "plain", "--brief", "a light tent")
    secret = run("keys", "create", "--scope", "read", "--name", "shop").strip()
    assert adwright(stack, "brands", "get", "nordlys", ADWRIGHT_API_KEY=secret).returncode == 0

    metadata = (("authorization", f"Bearer {stack.environ['ADWRIGHT_API_KEY']}"),)
    with grpc.insecure_channel(stack.target("gateway")) as channel:
        context = context_grpc.ContextServiceStub(channel)
        products = context.ListProducts(context_pb.ListProductsRequest(parent="brands/nordlys"), metadata=metadata)
        assert products.products
        generations = gateway_grpc.GenerationServiceStub(channel)
        listed = generations.ListGenerations(gateway_pb.ListGenerationsRequest(), metadata=metadata).generations
        assert len(listed) == 2
        generations.DeleteGeneration(gateway_pb.DeleteGenerationRequest(name=listed[0].name), metadata=metadata)
        generations.PurgeGenerations(gateway_pb.PurgeGenerationsRequest(filter="*", force=True), metadata=metadata)

        run("eval", "run", "examples/suites/words", code=1)
        evaluator = evaluator_grpc.EvaluatorServiceStub(channel)
        [done] = evaluator.ListEvaluations(evaluation_pb2.ListEvaluationsRequest(), metadata=metadata).evaluations
        label = label_pb2.Label(cell=label_pb2.CellKey(), labeler="ada", comment="plain")
        evaluator.CreateLabels(label_pb2.CreateLabelsRequest(parent=done.name, labels=[label]), metadata=metadata)
        evaluator.DeleteEvaluation(evaluation_pb2.DeleteEvaluationRequest(name=done.name), metadata=metadata)


def test_a_protected_table_is_not_destroyed_and_then_everything_is(account: Account, tmp_path: Path) -> None:
    root = Root("data", tmp_path, account.environ())
    second = ("-var", "name=second", "-var", "repository_prefix=second")
    root.must("apply", "-auto-approve", *WRITABLE, *second, "-var", "deletion_protection=true")
    refused = root.run("destroy", "-auto-approve", *WRITABLE, *second, "-target=aws_dynamodb_table.service")
    assert refused.returncode == 1
    assert "DeletionProtectionEnabled" in refused.stderr
    root.must("apply", "-auto-approve", *WRITABLE, *second)
    root.must("destroy", "-auto-approve", *WRITABLE, *second)
    assert root.must("state", "list") == ""
    left = {
        "tables": account.client("dynamodb").list_tables()["TableNames"],
        "secrets": [each["Name"] for each in account.client("secretsmanager").list_secrets()["SecretList"]],
        "roles": [each["RoleName"] for each in account.client("iam").list_roles()["Roles"]],
        "repositories": [
            each["repositoryName"] for each in account.client("ecr").describe_repositories()["repositories"]
        ],
    }
    assert [name for names in left.values() for name in names if name.startswith("second")] == []


def test_a_restored_table_takes_the_place_of_the_old_one_as_the_runbook_says(account: Account, tmp_path: Path) -> None:
    root = Root("data", tmp_path, account.environ())
    third = ("-var", "name=third", "-var", "repository_prefix=third")
    root.must("apply", "-auto-approve", *WRITABLE, *third, "-var", "deletion_protection=true")
    client = account.client("dynamodb")
    before = described(account, "third-context")
    client.put_item(TableName="third-context", Item={"pk": {"S": "a"}, "sk": {"S": "b"}})
    client.restore_table_to_point_in_time(
        SourceTableName="third-context", TargetTableName="third-context-restored", UseLatestRestorableTime=True
    )
    address = 'aws_dynamodb_table.service["context"]'
    root.must("state", "rm", address)
    restored = (*third, "-var", 'table_names={context="third-context-restored"}')
    root.must("import", *WRITABLE, *restored, address, "third-context-restored")
    root.must("apply", "-auto-approve", *WRITABLE, *restored, "-var", "deletion_protection=true")

    after = described(account, "third-context-restored")
    assert after == before
    assert client.scan(TableName="third-context-restored")["Count"] == 1
    assert client.scan(TableName="third-context")["Count"] == 1
    outputs = json.loads(root.must("output", "-json"))
    assert outputs["tables"]["value"]["context"] == "third-context-restored"
    allowed = actions_allowed(policy_of(account, outputs["roles"]["value"]["context"]))
    tables = {named(resource) for action, resource in allowed if action.startswith("dynamodb:")}
    assert tables == {"third-context-restored"}

    root.must("apply", "-auto-approve", *WRITABLE, *restored)
    root.must("destroy", "-auto-approve", *WRITABLE, *restored)
    client.update_table(TableName="third-context", DeletionProtectionEnabled=False)
    client.delete_table(TableName="third-context")


def test_a_wrong_variable_is_named_with_its_remedy(account: Account, tmp_path: Path) -> None:
    wrong = Root("data", tmp_path, account.environ()).run("plan", "-var", "region=Virginia", "-var", "name=Ad")
    assert wrong.returncode == 1
    assert "region: expected a region's name such as us-east-1." in wrong.stderr
    assert "name: expected 3 to 32 lower-case letters" in wrong.stderr
