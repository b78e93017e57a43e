"""The store on one DynamoDB table, which any number of processes share.

The table is made by `create_table`. Region, endpoint and credentials come from the standard AWS
variables. Every write carries a random name, `write_id`; where an answer was lost the call is
made again, and one that finds its own name on the item knows that it had been carried out.
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from adwright_docstore import _dynamodb_requests as requests
from adwright_docstore import limits
from adwright_docstore._dynamodb_calls import Calls, at_most
from adwright_docstore._dynamodb_counters import Counters
from adwright_docstore._dynamodb_errors import Refused
from adwright_docstore._dynamodb_records import Records
from adwright_docstore._dynamodb_values import decode_item, decode_map, encode_key, is_live, version_of
from adwright_docstore._fingerprints import fingerprint_of
from adwright_docstore._page_tokens import PageTokens
from adwright_docstore.errors import ConditionFailed, RequestTokenReused
from adwright_docstore.model import ALL, ANY, JSON, Delete, Expect, Item, Key, Op, Page, Put, SkRange
from adwright_docstore.sqlite import utc_now
from adwright_docstore.store import Store

__all__ = ["DynamoDBStore"]

_KEYS_PER_READ: Final = 100
_WRITES_PER_BATCH: Final = 25
_BATCHES_AT_ONCE: Final = 4


class DynamoDBStore(Store):
    """Opens the table; the first call, or `ready`, finds out whether it is there.

    `page_token_key` defaults to one kept in the table. `timeout`, in seconds, is for a call with
    all its attempts; `write_many` has it for every 25 items. `concurrency` calls are on their way
    at a time. A boto3 `client` that is handed in stays the caller's, and should make one attempt a
    call (`retries={"total_max_attempts": 1}`) and have short timeouts. Opening blocks for a part
    of a second; raises StoreUnavailable without boto3, or without a region.
    """

    def __init__(
        self,
        table: str,
        *,
        page_token_key: bytes | None = None,
        now: Callable[[], datetime] = utc_now,
        timeout: float = 10.0,
        concurrency: int = 16,
        client: Any | None = None,
    ) -> None:
        self._tokens = None if page_token_key is None else PageTokens(page_token_key)
        self._calls = Calls(table, client=client, timeout=timeout, concurrency=concurrency)
        self._records = Records(self._calls)
        self._counters = Counters(self._calls)
        self._table = table
        self._clock = now

    async def ready(self) -> None:
        with self._calls.call() as deadline:
            # Reads, and the first time writes: what the store must be allowed to do.
            await self._records.page_token_key(deadline)

    async def get(self, key: Key, *, consistent: bool = True) -> Item | None:
        request = {"TableName": self._table, "Key": encode_key(key), "ConsistentRead": consistent}
        with self._calls.call() as deadline:
            row = (await self._calls.run("get_item", request, deadline)).get("Item")
        return decode_item(row) if row and is_live(row, self._now()) else None

    async def get_many(self, keys: Iterable[Key], *, consistent: bool = True) -> dict[Key, Item]:
        wanted = [encode_key(key) for key in dict.fromkeys(keys)]
        found: dict[Key, Item] = {}

        async def read(part: list[dict[str, Any]], deadline: float) -> None:
            attempt = 0
            while part:
                request = {"RequestItems": {self._table: {"Keys": part, "ConsistentRead": consistent}}}
                answer = await self._calls.run("batch_get_item", request, deadline)
                rows = answer.get("Responses", {}).get(self._table, ())
                now = self._now()
                found.update((item.key, item) for item in (decode_item(row) for row in rows if is_live(row, now)))
                part = answer.get("UnprocessedKeys", {}).get(self._table, {}).get("Keys", [])
                if part:
                    # 16 MB are read at once, so that much of a large answer is not done yet is no sign of strain.
                    attempt = 0 if rows else attempt + 1
                    await self._calls.pause(attempt, deadline, "is throttled: try again later, or raise its capacity")

        with self._calls.call() as deadline:
            await at_most(_BATCHES_AT_ONCE, [read(part, deadline) for part in _parts(wanted, _KEYS_PER_READ)])
        return found

    async def put(
        self,
        key: Key,
        data: Mapping[str, JSON],
        *,
        expect: Expect = ANY,
        expires_at: datetime | None = None,
    ) -> Item:
        limits.check_item(key, data)
        expiry, write_id, now = limits.epoch_seconds(expires_at), _write_id(), self._now()
        request = requests.write(self._table, key, data, expect, expiry, write_id, now)
        stored = decode_map(request["ExpressionAttributeValues"][":data"])
        with self._calls.call() as deadline:
            try:
                answer = await self._calls.run("update_item", {**request, "ReturnValues": "UPDATED_NEW"}, deadline)
                version = int(answer["Attributes"]["version"]["N"])
            except Refused as refusal:
                row = refusal.response.get("Item")
                if row is None or not _wrote(row, write_id):
                    raise ConditionFailed(key, version_of(row, now)) from None
                version = int(row["version"]["N"])
        return Item(key, stored, version, None if expiry is None else datetime.fromtimestamp(expiry, UTC))

    async def delete(self, key: Key, *, expect: Expect = ANY) -> None:
        now = self._now()
        request = requests.delete(self._table, key, expect, now)
        with self._calls.call() as deadline:
            try:
                await self._calls.run("delete_item", request, deadline)
            except Refused as refusal:
                row = refusal.response.get("Item")
                if refusal.uncertain and not row:
                    # Gone by our own lost attempt, or by another's: nothing is left that could tell.
                    raise self._calls.unavailable(
                        "lost the answer to a delete and the item is gone: it is not known whether by this call"
                    ) from None
                raise ConditionFailed(key, version_of(row, now)) from None

    async def query(
        self,
        pk: str,
        *,
        sk: SkRange = ALL,
        limit: int = 100,
        page_token: str | None = None,
        descending: bool = False,
        consistent: bool = False,
        bind: str = "",
    ) -> Page:
        limits.check_query(pk, limit)
        with self._calls.call() as deadline:
            after: str | None = None
            if page_token is not None:
                after = (await self._signing(deadline)).read(page_token, pk, sk, descending, bind)
            request = requests.query(
                self._table, pk, sk, after=after, limit=limit, descending=descending, consistent=consistent
            )
            answer = await self._calls.run("query", request, deadline)
            now = self._now()
            items = [decode_item(row) for row in answer.get("Items", ()) if is_live(row, now)]
            last = answer.get("LastEvaluatedKey")
            if not last:
                return Page(items, None)
            tokens = await self._signing(deadline)
            return Page(items, tokens.issue(pk, sk, descending, bind, last["sk"]["S"]))

    async def write_many(self, ops: Iterable[Put | Delete]) -> None:
        wanted = [requests.batch_write(op) for op in limits.last_of_each(ops)]

        async def write(part: list[dict[str, Any]]) -> None:
            deadline, attempt = self._calls.deadline(), 0
            while part:
                answer = await self._calls.run("batch_write_item", {"RequestItems": {self._table: part}}, deadline)
                part = answer.get("UnprocessedItems", {}).get(self._table, [])
                if part:
                    await self._calls.pause(attempt, deadline, "is throttled: try again later, or raise its capacity")
                    attempt += 1

        with self._calls.call():
            await at_most(_BATCHES_AT_ONCE, [write(part) for part in _parts(wanted, _WRITES_PER_BATCH)])

    async def transact(self, ops: Sequence[Op], *, request_token: str | None = None) -> None:
        limits.check_ops(ops, request_token)
        ops, write_id, now = list(ops), _write_id(), self._now()
        items = [requests.transact_item(self._table, op, write_id, now) for op in ops]
        fingerprint = fingerprint_of(ops)
        if request_token is not None:
            items.append(self._records.claim(request_token, fingerprint, now))
        request = {"TransactItems": items, "ClientRequestToken": uuid.uuid4().hex}
        with self._calls.call() as deadline:
            try:
                await self._calls.run("transact_write_items", request, deadline)
            except Refused as refusal:
                # Looked up, since the service need not say that this condition failed beside another.
                if request_token is not None and (
                    used := await self._records.fingerprint(request_token, now, deadline)
                ):
                    if used != fingerprint:
                        raise RequestTokenReused(request_token) from None
                    return
                reasons = refusal.response.get("CancellationReasons", ())
                self._explain(list(zip(ops, reasons, strict=False)), write_id, now, refusal.uncertain)

    async def increment(
        self,
        key: Key,
        deltas: Mapping[str, int],
        *,
        ceilings: Mapping[str, int] | None = None,
        expires_at: datetime | None = None,
    ) -> Mapping[str, int]:
        deltas, ceilings = dict(deltas), dict(ceilings or {})
        limits.check_increment(deltas, ceilings)
        limits.check_item(key, deltas)
        expiry = limits.epoch_seconds(expires_at)
        with self._calls.call() as deadline:
            return await self._counters.add(key, deltas, ceilings, expiry, self._now(), deadline)

    async def close(self) -> None:
        await self._calls.close()

    async def _continued(self, pk: str, sk: SkRange, descending: bool, bind: str, last: str) -> str:
        with self._calls.call() as deadline:
            return (await self._signing(deadline)).issue(pk, sk, descending, bind, last)

    async def _signing(self, deadline: float) -> PageTokens:
        if self._tokens is None:
            self._tokens = PageTokens(await self._records.page_token_key(deadline))
        return self._tokens

    def _explain(
        self, outcomes: Sequence[tuple[Op, Mapping[str, Any]]], write_id: str, now: int, uncertain: bool
    ) -> None:
        """Returns where an earlier attempt had been carried out, and raises what else was wrong."""
        if any(_wrote(reason.get("Item"), write_id) for _, reason in outcomes):
            return
        for op, reason in outcomes:
            if reason.get("Code") == "ConditionalCheckFailed":
                row = reason.get("Item")
                if uncertain and not row and isinstance(op, Delete):
                    raise self._calls.unavailable(
                        "lost the answer to a transaction: it is not known whether it was carried out"
                    )
                raise ConditionFailed(op.key, version_of(row, now))
        codes = sorted({str(reason.get("Code")) for _, reason in outcomes} - {"None"})
        raise self._calls.unavailable(f"refuses the transaction ({', '.join(codes) or 'without a reason'})")

    def _now(self) -> int:
        return int(self._clock().timestamp())


def _write_id() -> str:
    return secrets.token_hex(8)


def _wrote(row: Mapping[str, Any] | None, write_id: str) -> bool:
    return row is not None and row.get("write_id", {}).get("S") == write_id


def _parts(rows: list[dict[str, Any]], size: int) -> Iterable[list[dict[str, Any]]]:
    return (rows[at : at + size] for at in range(0, len(rows), size))
