"""Setting up the table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from adwright_docstore import Key, StoreUnavailable, check_table, create_table, open_store

pytest.importorskip("boto3", reason="boto3 is not installed")
pytest.importorskip("moto", reason="moto is not installed")

from packages.docstore.tests.dynamodb_endpoint import (
    MOTO_CREDENTIALS,
    Faults,
    bare_table,
    moto_server,
    new_client,
    refusal,
)


@pytest.fixture(scope="module")
def moto() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch, moto_server() as url:
        for name, value in {**MOTO_CREDENTIALS, "AWS_ENDPOINT_URL_DYNAMODB": url}.items():
            patch.setenv(name, value)
        yield


@pytest.fixture
def client(moto: None) -> Iterator[Any]:
    client = new_client()
    yield client
    for name in client.list_tables()["TableNames"]:
        client.update_table(TableName=name, DeletionProtectionEnabled=False)
        client.delete_table(TableName=name)
    client.close()


ALL_OFF = ["deletion protection is off", "TTL on expires_at is off", "point-in-time recovery is off"]


async def test_a_new_table_has_every_setting_and_a_store_works_on_it(client: Any) -> None:
    report = await create_table("adwright", client=client)
    assert (report.created, report.problems, report.repaired, report.unsupported) == (True, [], [], [])
    table = client.describe_table(TableName="adwright")["Table"]
    assert table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert table["DeletionProtectionEnabled"]
    ttl = client.describe_time_to_live(TableName="adwright")["TimeToLiveDescription"]
    assert ttl == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires_at"}
    backups = client.describe_continuous_backups(TableName="adwright")["ContinuousBackupsDescription"]
    assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"
    async with open_store("dynamodb", table="adwright", client=client) as store:
        await store.ready()
        assert (await store.put(Key("a", "b"), {})).version == 1


async def test_making_it_again_changes_nothing(client: Any) -> None:
    await create_table("adwright", client=client)
    for report in (await create_table("adwright", client=client), await check_table("adwright", client=client)):
        assert (report.created, report.problems, report.repaired) == (False, [], [])


async def test_settings_that_drifted_are_reported_by_check_and_repaired_by_create(client: Any) -> None:
    with bare_table(client) as name:
        assert (await check_table(name, client=client)).problems == ALL_OFF
        assert (await check_table(name, client=client)).problems == ALL_OFF
        assert (await create_table(name, client=client)).repaired == ALL_OFF
        assert (await check_table(name, client=client)).problems == []
        client.update_table(TableName=name, DeletionProtectionEnabled=False)
        assert (await check_table(name, client=client, deletion_protection=False)).problems == []


async def test_ttl_on_another_attribute_is_a_problem_that_only_time_can_solve(client: Any) -> None:
    await create_table("adwright", client=client)
    off = {"Enabled": False, "AttributeName": "expires_at"}
    client.update_time_to_live(TableName="adwright", TimeToLiveSpecification=off)
    on = {"Enabled": True, "AttributeName": "ends"}
    client.update_time_to_live(TableName="adwright", TimeToLiveSpecification=on)
    assert (await create_table("adwright", client=client)).problems == [
        "TTL is enabled on ends: turn it off and repair in an hour"
    ]


async def test_a_kms_key_is_used_and_its_absence_is_drift(client: Any) -> None:
    key = "arn:aws:kms:eu-north-1:123456789012:key/00000000-0000-0000-0000-000000000001"
    await create_table("plain", client=client)
    assert (await check_table("plain", kms_key=key, client=client)).problems == ["encryption uses another key"]
    await create_table("secret", kms_key=key, client=client)
    assert (await check_table("secret", kms_key=key, client=client)).problems == []
    described = client.describe_table(TableName="secret")["Table"]["SSEDescription"]
    assert (described["SSEType"], described["KMSMasterKeyArn"]) == ("KMS", key)


@pytest.mark.parametrize(
    ("parts", "found"),
    [
        ([("id", "HASH", "S")], r"id \(HASH S\)"),
        ([("pk", "HASH", "S"), ("sk", "RANGE", "N")], r"pk \(HASH S\) \+ sk \(RANGE N\)"),
        ([("sk", "HASH", "S"), ("pk", "RANGE", "S")], r"sk \(HASH S\) \+ pk \(RANGE S\)"),
    ],
)
async def test_a_table_with_another_key_is_refused_and_left_alone(
    client: Any, parts: list[tuple[str, str, str]], found: str
) -> None:
    client.create_table(
        TableName="theirs",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": kind} for name, _, kind in parts],
        KeySchema=[{"AttributeName": name, "KeyType": role} for name, role, _ in parts],
    )
    for setup in (create_table, check_table):
        with pytest.raises(StoreUnavailable, match=rf"theirs has the key {found} where pk \(HASH S\) \+ sk"):
            await setup("theirs", client=client)
    assert not client.describe_table(TableName="theirs")["Table"].get("DeletionProtectionEnabled")


async def test_a_table_that_is_not_there_is_named(client: Any) -> None:
    with pytest.raises(StoreUnavailable, match=r"table nowhere does not exist .*: create it first"):
        await check_table("nowhere", client=client)


async def test_an_endpoint_without_backups_is_said_to_be_one(client: Any) -> None:
    faulty = new_client()
    Faults(faulty).always("DescribeContinuousBackups", refusal("UnknownOperationException"))
    for report in (await create_table("local", client=faulty), await check_table("local", client=faulty)):
        assert report.problems == []
        assert report.unsupported == ["point-in-time recovery is not supported by this endpoint"]
    faulty.close()


async def test_backups_that_are_not_there_yet_are_waited_for(client: Any) -> None:
    faulty = new_client()
    faults = Faults(faulty)
    faults.once("UpdateContinuousBackups", refusal("ContinuousBackupsUnavailableException"))
    assert (await create_table("new", client=faulty)).created
    assert faults.count("UpdateContinuousBackups") == 2
    faulty.close()


async def test_a_table_that_another_process_makes_at_the_same_moment_is_used(client: Any) -> None:
    await create_table("adwright", client=client)
    faulty = new_client()
    Faults(faulty).once("DescribeTable", refusal("ResourceNotFoundException"))
    report = await create_table("adwright", client=faulty)
    assert report.problems == []
    faulty.close()


async def test_a_table_that_stays_unready_is_given_up(client: Any) -> None:
    faulty = new_client()
    Faults(faulty).always("DescribeTable", refusal("ResourceNotFoundException"))
    with pytest.raises(StoreUnavailable, match="is not active yet"):
        await create_table("never", client=faulty, timeout=0.6)
    faulty.close()


async def test_a_role_that_may_not_is_told_so(client: Any) -> None:
    faulty = new_client()
    Faults(faulty).always("CreateTable", refusal("AccessDeniedException"))
    with pytest.raises(StoreUnavailable, match="allow this role"):
        await create_table("adwright", client=faulty)
    faulty.close()
