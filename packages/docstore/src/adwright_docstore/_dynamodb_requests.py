"""The requests of the DynamoDB store, put together and nothing else.

Names of attributes are always passed as placeholders: hundreds of words are reserved. `now` is in
whole seconds since 1970, by the store's clock and not by the table's, so that an item that has
expired and waits to be swept counts as absent.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from adwright_docstore._dynamodb_values import Value, encode, encode_key
from adwright_docstore.limits import epoch_seconds
from adwright_docstore.model import (
    All,
    Between,
    Check,
    Delete,
    Expect,
    Key,
    Op,
    Prefix,
    Presence,
    Put,
    SkRange,
    Version,
)

__all__ = ["batch_write", "begin_counter", "count", "delete", "query", "transact_item", "write"]

_NAMES: Final = {
    "#pk": "pk",
    "#sk": "sk",
    "#data": "data",
    "#version": "version",
    "#expires_at": "expires_at",
    "#write_id": "write_id",
}
_LIVE: Final = "(attribute_not_exists(#expires_at) OR #expires_at > :now)"
_GONE: Final = "(attribute_not_exists(#pk) OR #expires_at <= :now)"
# A write sent a second time must not count twice: it finds its own name and fails.
_NEW: Final = "(attribute_not_exists(#write_id) OR #write_id <> :write_id)"
_ALWAYS: Final = "(attribute_exists(#pk) OR attribute_not_exists(#pk))"


def write(
    table: str, key: Key, data: Mapping[str, Any], expect: Expect, expires_at: int | None, write_id: str, now: int
) -> dict[str, Any]:
    """An UpdateItem that replaces the document and counts the write."""
    version = "if_not_exists(#version, :zero) + :one"
    values: dict[str, Value] = {":data": encode(data), ":write_id": {"S": write_id}}
    match expect:
        case Presence.ABSENT:
            version, condition = ":one", _GONE
        case Version(number):
            values[":next"] = {"N": str(number + 1)}
            version, condition = ":next", _expected(expect)
        case Presence.PRESENT:
            condition = f"{_expected(expect)} AND {_NEW}"
        case _:
            condition = _NEW
    values |= _constants(expect, expires_at, now)
    update = f"SET #data = :data, #version = {version}, #write_id = :write_id"
    update += " REMOVE #expires_at" if expires_at is None else ", #expires_at = :expires_at"
    return _request(table, key, values, UpdateExpression=update, ConditionExpression=condition)


def delete(table: str, key: Key, expect: Expect, now: int) -> dict[str, Any]:
    """A DeleteItem."""
    if expect is Presence.ANY:
        return {"TableName": table, "Key": encode_key(key)}
    return _request(table, key, _constants(expect, None, now), ConditionExpression=_expected(expect))


def transact_item(table: str, op: Op, write_id: str, now: int) -> dict[str, Any]:
    """One of the TransactItems."""
    match op:
        case Put(key, data, expect, expires_at):
            return {"Update": write(table, key, data, expect, epoch_seconds(expires_at), write_id, now)}
        case Delete(key, expect):
            return {"Delete": delete(table, key, expect, now)}
        case Check(key, expect):
            values = _constants(expect, None, now)
            return {"ConditionCheck": _request(table, key, values, ConditionExpression=_expected(expect))}


def batch_write(op: Put | Delete) -> dict[str, Any]:
    """One of the requests of a BatchWriteItem."""
    if isinstance(op, Delete):
        return {"DeleteRequest": {"Key": encode_key(op.key)}}
    expires_at = epoch_seconds(op.expires_at)
    item = {**encode_key(op.key), "data": encode(op.data), "version": {"N": "1"}}
    if expires_at is not None:
        item["expires_at"] = {"N": str(expires_at)}
    return {"PutRequest": {"Item": item}}


def count(
    table: str,
    key: Key,
    deltas: Mapping[str, int],
    ceilings: Mapping[str, int],
    expires_at: int | None,
    write_id: str,
    now: int,
) -> dict[str, Any]:
    """An UpdateItem that adds to fields of an item that is there, unless one would pass its ceiling."""
    values: dict[str, Value] = {":number": {"S": "N"}, ":write_id": {"S": write_id}}
    values |= _constants(Presence.PRESENT, expires_at, now)
    names: dict[str, str] = {}
    sets = ["#version = #version + :one", "#write_id = :write_id"]
    conditions = [_expected(Presence.PRESENT), _NEW]
    for at, (name, delta) in enumerate(deltas.items()):
        field = f"#data.#f{at}"
        names[f"#f{at}"] = name
        values[f":d{at}"] = encode(delta)
        sets.append(f"{field} = if_not_exists({field}, :zero) + :d{at}")
        # A field that is not there is 0, so nothing is left to compare where 0 itself may not grow so far.
        missing = f"attribute_not_exists({field})"
        room = f"attribute_type({field}, :number)"
        if name in ceilings and delta > 0:
            values[f":m{at}"] = encode(ceilings[name] - delta)
            room = f"({room} AND {field} <= :m{at})"
            if delta > ceilings[name]:
                conditions.append(room)
                continue
        conditions.append(f"({missing} OR {room})")
    if expires_at is not None:
        sets.append("#expires_at = :expires_at")
    return _request(
        table,
        key,
        values,
        names,
        UpdateExpression="SET " + ", ".join(sets),
        ConditionExpression=" AND ".join(conditions),
    )


def begin_counter(
    table: str, key: Key, deltas: Mapping[str, int], expires_at: int | None, write_id: str, now: int
) -> dict[str, Any]:
    """An UpdateItem that makes the counters where no item is, or one that has expired."""
    return write(table, key, deltas, Presence.ABSENT, expires_at, write_id, now)


def query(
    table: str, pk: str, sk: SkRange, *, after: str | None, limit: int, descending: bool, consistent: bool
) -> dict[str, Any]:
    """A Query for the page after the sort key `after`."""
    condition, values = "#pk = :pk", {":pk": {"S": pk}}
    match sk:
        case All():
            pass
        case Prefix(value):
            condition += " AND begins_with(#sk, :prefix)"
            values[":prefix"] = {"S": value}
        case Between(low, high):
            condition += " AND #sk BETWEEN :low AND :high"
            values |= {":low": {"S": low}, ":high": {"S": high}}
    request: dict[str, Any] = {
        "TableName": table,
        "KeyConditionExpression": condition,
        "ExpressionAttributeNames": _used(_NAMES, condition),
        "ExpressionAttributeValues": values,
        "ScanIndexForward": not descending,
        "ConsistentRead": consistent,
        "Limit": limit,
    }
    if after is not None:
        request["ExclusiveStartKey"] = {"pk": {"S": pk}, "sk": {"S": after}}
    return request


def _expected(expect: Expect) -> str:
    match expect:
        case Presence.ABSENT:
            return _GONE
        case Presence.PRESENT:
            return f"attribute_exists(#pk) AND {_LIVE}"
        case Version():
            return f"#version = :expected AND {_LIVE}"
        case _:
            return _ALWAYS


def _constants(expect: Expect, expires_at: int | None, now: int) -> dict[str, Value]:
    values: dict[str, Value] = {":zero": {"N": "0"}, ":one": {"N": "1"}, ":now": {"N": str(now)}}
    if isinstance(expect, Version):
        values[":expected"] = {"N": str(expect.number)}
    if expires_at is not None:
        values[":expires_at"] = {"N": str(expires_at)}
    return values


def _request(
    table: str,
    key: Key,
    values: Mapping[str, Value],
    names: Mapping[str, str] | None = None,
    **expressions: str,
) -> dict[str, Any]:
    # The service refuses names and values that no expression uses.
    text = " ".join(expressions.values())
    request: dict[str, Any] = {
        "TableName": table,
        "Key": encode_key(key),
        "ExpressionAttributeNames": _used({**_NAMES, **(names or {})}, text),
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        **expressions,
    }
    if used := _used(values, text):
        request["ExpressionAttributeValues"] = used
    return request


def _used(placeholders: Mapping[str, Any], text: str) -> dict[str, Any]:
    found = set(re.findall(r"[#:]\w+", text))
    return {placeholder: value for placeholder, value in placeholders.items() if placeholder in found}
