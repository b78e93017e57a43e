"""What the store itself keeps in the table, in partitions that begin with `docstore#`."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any, Final

from adwright_docstore._dynamodb_calls import Calls
from adwright_docstore._dynamodb_errors import Refused
from adwright_docstore._dynamodb_values import Value, is_live
from adwright_docstore.limits import REQUEST_TOKEN_SECONDS
from adwright_docstore.model import RESERVED_PK

__all__ = ["Records"]

_SECRET: Final[dict[str, Value]] = {"pk": {"S": f"{RESERVED_PK}secrets"}, "sk": {"S": "page_token_key"}}


class Records:
    """The key of the page tokens, and the request tokens of the last ten minutes."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    async def page_token_key(self, deadline: float) -> bytes:
        """Returns the table's key for page tokens, made by whoever asks first."""
        row = await self._read(_SECRET, deadline)
        if row is None:
            made = {**_SECRET, "data": {"M": {"key": {"B": secrets.token_bytes(32)}}}, "version": {"N": "1"}}
            request = {
                "TableName": self._calls.table,
                "Item": made,
                "ConditionExpression": "attribute_not_exists(#pk)",
                "ExpressionAttributeNames": {"#pk": "pk"},
            }
            try:
                await self._calls.run("put_item", request, deadline)
                row = made
            except Refused:
                # Another process was faster, or this one was and the answer was lost.
                row = await self._read(_SECRET, deadline)
        if row is None:
            raise self._calls.unavailable("lost its key for page tokens while it was read: try again")
        return bytes(row["data"]["M"]["key"]["B"])

    def claim(self, token: str, fingerprint: bytes, now: int) -> dict[str, Any]:
        """Returns the operation of a transaction that fails where the token was used already.

        The service's own ClientRequestToken would last no longer, and not tell which repeat it was.
        """
        item = {
            **_request_key(token),
            "data": {"M": {"fingerprint": {"B": fingerprint}}},
            "version": {"N": "1"},
            "expires_at": {"N": str(now + REQUEST_TOKEN_SECONDS)},
        }
        return {
            "Put": {
                "TableName": self._calls.table,
                "Item": item,
                "ConditionExpression": "attribute_not_exists(#pk) OR #expires_at <= :now",
                "ExpressionAttributeNames": {"#pk": "pk", "#expires_at": "expires_at"},
                "ExpressionAttributeValues": {":now": {"N": str(now)}},
            }
        }

    async def fingerprint(self, token: str, now: int, deadline: float) -> bytes | None:
        """Returns the fingerprint of the operations the token was used for, None where it is free."""
        row = await self._read(_request_key(token), deadline)
        return bytes(row["data"]["M"]["fingerprint"]["B"]) if row is not None and is_live(row, now) else None

    async def _read(self, key: Mapping[str, Value], deadline: float) -> Mapping[str, Value] | None:
        request = {"TableName": self._calls.table, "Key": dict(key), "ConsistentRead": True}
        row: Mapping[str, Value] | None = (await self._calls.run("get_item", request, deadline)).get("Item")
        return row or None


def _request_key(token: str) -> dict[str, Value]:
    return {"pk": {"S": f"{RESERVED_PK}request#{token}"}, "sk": {"S": "request"}}
