"""Setting up the table: made, waited for, held to its key, its settings repaired."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from adwright_docstore._dynamodb_calls import Calls
from adwright_docstore._dynamodb_errors import Absent, Refused
from adwright_docstore.errors import StoreUnavailable

__all__ = ["TableReport", "check_table", "create_table"]

_KEY: Final = (("pk", "HASH", "S"), ("sk", "RANGE", "S"))
_TTL: Final = "expires_at"
_POLL_SECONDS: Final = 0.5
_UNKNOWN: Final = "UnknownOperationException"


@dataclass(frozen=True, slots=True)
class TableReport:
    """How a table was found, each entry a phrase for people.

    `problems` are settings that are not as they should be, `repaired` those that were put right,
    `unsupported` those that this endpoint does not know.
    """

    table: str
    created: bool
    problems: Sequence[str]
    repaired: Sequence[str]
    unsupported: Sequence[str]


async def create_table(
    table: str,
    *,
    kms_key: str | None = None,
    deletion_protection: bool = True,
    client: Any | None = None,
    timeout: float = 120.0,
) -> TableReport:
    """Makes the table, or repairs the settings of the one that is there; may be called again.

    On demand, with point-in-time recovery, TTL on `expires_at` and encryption by an AWS owned key,
    or by `kms_key` (id, ARN or alias). Waits until the table is ready, `timeout` seconds at most.
    With `deletion_protection=False` that setting is left as it is. Raises StoreUnavailable where
    AWS refuses, and where a table of that name has another key.
    """
    async with _setup(table, client, timeout) as setup:
        description = await setup.describe()
        created = description is None
        if created:
            await setup.make(kms_key, deletion_protection)
        await setup.settle()
        return await setup.inspect(kms_key, deletion_protection, repair=True, created=created)


async def check_table(
    table: str,
    *,
    kms_key: str | None = None,
    deletion_protection: bool = True,
    client: Any | None = None,
    timeout: float = 30.0,
) -> TableReport:
    """Reports what `create_table` would repair, and changes nothing.

    Raises StoreUnavailable where there is no such table, or one with another key.
    """
    async with _setup(table, client, timeout) as setup:
        if await setup.describe() is None:
            raise StoreUnavailable(
                f"the DynamoDB table {table} does not exist in this region and account: create it first"
            )
        return await setup.inspect(kms_key, deletion_protection, repair=False, created=False)


@asynccontextmanager
async def _setup(table: str, client: Any | None, timeout: float) -> AsyncIterator[_Setup]:
    calls = Calls(table, client=client, timeout=timeout, concurrency=1)
    try:
        with calls.call() as deadline:
            yield _Setup(calls, deadline)
    finally:
        await calls.close()


class _Setup:
    def __init__(self, calls: Calls, deadline: float) -> None:
        self._calls = calls
        self._deadline = deadline
        self._problems: list[str] = []
        self._repaired: list[str] = []
        self._unsupported: list[str] = []

    async def describe(self) -> Mapping[str, Any] | None:
        try:
            return (await self._call("describe_table"))["Table"]  # type: ignore[no-any-return]
        except Absent:
            return None

    async def make(self, kms_key: str | None, deletion_protection: bool) -> None:
        try:
            await self._call(
                "create_table",
                AttributeDefinitions=[{"AttributeName": name, "AttributeType": kind} for name, _, kind in _KEY],
                KeySchema=[{"AttributeName": name, "KeyType": role} for name, role, _ in _KEY],
                BillingMode="PAY_PER_REQUEST",
                DeletionProtectionEnabled=deletion_protection,
                **_encryption(kms_key),
            )
        except Refused as refusal:
            # Another process makes it at the same moment.
            if refusal.code != "ResourceInUseException":
                raise

    async def settle(self) -> Mapping[str, Any]:
        """Waits until the table is active and returns its description."""
        while True:
            description = await self.describe()
            if description is not None and description["TableStatus"] == "ACTIVE":
                return description
            await self._wait("is not active yet")

    async def inspect(
        self, kms_key: str | None, deletion_protection: bool, *, repair: bool, created: bool
    ) -> TableReport:
        description = await self.settle() if repair else await self.describe()
        assert description is not None
        self._check_key(description)
        if deletion_protection and not description.get("DeletionProtectionEnabled"):
            await self._update("deletion protection is off", repair, DeletionProtectionEnabled=True)
        if kms_key is not None and not _encrypted_by(description, kms_key):
            await self._update("encryption uses another key", repair, **_encryption(kms_key))
        await self._check_expiry(repair)
        await self._check_recovery(repair)
        repaired = [] if created else self._repaired
        return TableReport(self._calls.table, created, self._problems, repaired, self._unsupported)

    def _check_key(self, description: Mapping[str, Any]) -> None:
        kinds = {each["AttributeName"]: each["AttributeType"] for each in description["AttributeDefinitions"]}
        names = [(each["AttributeName"], each["KeyType"]) for each in description["KeySchema"]]
        found = [(name, role, kinds[name]) for name, role in names]
        if sorted(found) != sorted(_KEY):
            raise self._calls.unavailable(
                f"has the key {_spell(found)} where {_spell(_KEY)} is needed: use another name, or remove it first"
            )

    async def _check_expiry(self, repair: bool) -> None:
        ttl = (await self._call("describe_time_to_live"))["TimeToLiveDescription"]
        status, attribute = ttl["TimeToLiveStatus"], ttl.get("AttributeName")
        if status in ("ENABLED", "ENABLING") and attribute == _TTL:
            return
        if status != "DISABLED":
            # AWS takes up to an hour to turn it off, and only then can it be turned on.
            self._problems.append(f"TTL is {status.lower()} on {attribute}: turn it off and repair in an hour")
            return
        if self._noted("TTL on expires_at is off", repair):
            await self._call("update_time_to_live", TimeToLiveSpecification={"Enabled": True, "AttributeName": _TTL})

    async def _check_recovery(self, repair: bool) -> None:
        try:
            backups = (await self._call("describe_continuous_backups"))["ContinuousBackupsDescription"]
            recovery = backups.get("PointInTimeRecoveryDescription", {})
            if recovery.get("PointInTimeRecoveryStatus") == "ENABLED":
                return
            if not self._noted("point-in-time recovery is off", repair):
                return
            await self._enable_recovery()
        except Refused as refusal:
            if refusal.code != _UNKNOWN:
                raise
            self._unsupported.append("point-in-time recovery is not supported by this endpoint")

    async def _enable_recovery(self) -> None:
        while True:
            try:
                await self._call(
                    "update_continuous_backups",
                    PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True},
                )
                return
            except Refused as refusal:
                # A new table has no backups to speak of for some seconds.
                if refusal.code != "ContinuousBackupsUnavailableException":
                    raise
            await self._wait("has no backups yet")

    async def _update(self, problem: str, repair: bool, **settings: Any) -> None:
        if self._noted(problem, repair):
            await self._call("update_table", **settings)
            await self.settle()

    def _noted(self, problem: str, repair: bool) -> bool:
        (self._repaired if repair else self._problems).append(problem)
        return repair

    async def _call(self, operation: str, **request: Any) -> dict[str, Any]:
        return await self._calls.run(operation, {"TableName": self._calls.table, **request}, self._deadline)

    async def _wait(self, reason: str) -> None:
        if asyncio.get_running_loop().time() + _POLL_SECONDS >= self._deadline:
            raise self._calls.unavailable(f"{reason}: wait, and try again")
        await asyncio.sleep(_POLL_SECONDS)


def _encryption(kms_key: str | None) -> dict[str, Any]:
    # Without a specification the table is encrypted by a key that AWS owns.
    if kms_key is None:
        return {}
    return {"SSESpecification": {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": kms_key}}


def _encrypted_by(description: Mapping[str, Any], kms_key: str) -> bool:
    arn = str(description.get("SSEDescription", {}).get("KMSMasterKeyArn", ""))
    # AWS answers with the key's ARN, which does not tell its alias, and refuses the same key again.
    return bool(arn) and ("alias/" in kms_key or arn == kms_key or arn.endswith(f":key/{kms_key}"))


def _spell(key: Sequence[tuple[str, str, str]]) -> str:
    return " + ".join(f"{name} ({role} {kind})" for name, role, kind in sorted(key, key=lambda part: part[1]))
