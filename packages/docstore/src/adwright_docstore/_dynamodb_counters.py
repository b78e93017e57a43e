"""Counters that many add to: one UpdateItem, and a second where the counter is not there yet."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from adwright_docstore import _dynamodb_requests as requests
from adwright_docstore._dynamodb_calls import Calls
from adwright_docstore._dynamodb_errors import Invalid, Refused
from adwright_docstore._dynamodb_values import decode_map, encode_key, is_live
from adwright_docstore.errors import CeilingReached, InvalidItem
from adwright_docstore.model import JSON, Key

__all__ = ["Counters"]


class Counters:
    """Adds to integer fields of items.

    An addition whose answer was lost is not sent again, since it could count twice: it is looked
    up, and where the item does not show that it was made the call fails.
    """

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    async def add(
        self,
        key: Key,
        deltas: Mapping[str, int],
        ceilings: Mapping[str, int],
        expires_at: int | None,
        now: int,
        deadline: float,
    ) -> dict[str, int]:
        """Returns the new values. Raises CeilingReached, InvalidItem, StoreUnavailable."""
        table, write_id, attempt = self._calls.table, secrets.token_hex(8), 0
        adding = requests.count(table, key, deltas, ceilings, expires_at, write_id, now)
        beginning = requests.begin_counter(table, key, deltas, expires_at, write_id, now)
        while True:
            try:
                data = await self._send(key, adding, write_id, deadline)
                break
            except Refused as refusal:
                row = refusal.response.get("Item") or None
                if row is not None and row.get("write_id") == {"S": write_id}:
                    # A client that repeats by itself has sent it twice.
                    data = decode_map(row["data"])
                    break
            live = row is not None and is_live(row, now)
            _check(decode_map(row["data"]) if row is not None and live else {}, deltas, ceilings)
            if not live:
                try:
                    data = await self._send(key, beginning, write_id, deadline)
                    break
                except Refused:
                    pass
            # Somebody made, removed or changed the item meanwhile.
            await self._calls.pause(attempt, deadline, "is busy with the same counter")
            attempt += 1
        return {name: _counted(data, name) for name in deltas}

    async def _send(self, key: Key, request: Mapping[str, Any], write_id: str, deadline: float) -> dict[str, JSON]:
        """Returns the fields after the addition. Raises Refused where a condition failed."""
        try:
            answer = await self._calls.run(
                "update_item", {**request, "ReturnValues": "UPDATED_NEW"}, deadline, repeat_uncertain=False
            )
        except Invalid:
            raise InvalidItem(f"{key} cannot count that: the number or the item grows over its limit") from None
        except Refused as refusal:
            if refusal.code != "Uncertain":
                raise
            read = {"TableName": self._calls.table, "Key": encode_key(key), "ConsistentRead": True}
            row = (await self._calls.run("get_item", read, deadline)).get("Item") or {}
            if row.get("write_id") != {"S": write_id}:
                raise self._calls.unavailable(
                    "lost the answer to an increment: it is not known whether it was counted"
                ) from None
            return decode_map(row["data"])
        return decode_map(answer["Attributes"]["data"])


def _check(data: Mapping[str, JSON], deltas: Mapping[str, int], ceilings: Mapping[str, int]) -> None:
    """Raises what an increment of these fields is refused for, if anything."""
    for name, delta in deltas.items():
        current = _counted(data, name)
        if delta > 0 and name in ceilings and current + delta > ceilings[name]:
            raise CeilingReached(name, ceilings[name], current)


def _counted(data: Mapping[str, JSON], name: str) -> int:
    value = data.get(name, 0)
    if not isinstance(value, int) or isinstance(value, bool):
        raise InvalidItem(f"field {name!r} is not an integer counter")
    return value
