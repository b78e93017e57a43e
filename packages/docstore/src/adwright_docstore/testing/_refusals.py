"""What a store refuses before it does anything."""

from __future__ import annotations

import math
from typing import Any

import pytest

from adwright_docstore import (
    Between,
    InvalidItem,
    InvalidKey,
    ItemTooLarge,
    Key,
    Prefix,
    Put,
    Store,
)

__all__ = ["RefusalContract"]

KEY = Key("brands", "nordlys")
LIMIT = 400 * 1024


def nested(depth: int) -> dict[str, Any]:
    data: dict[str, Any] = {}
    for _ in range(depth - 1):
        data = {"x": data}
    return data


class RefusalContract:
    async def test_the_longest_keys_are_accepted(self, store: Store) -> None:
        key = Key("é" * 1024, "é" * 512)
        written = await store.put(key, {"n": 1})
        assert await store.get(key) == written
        assert list((await store.query(key.pk, sk=Prefix(key.sk))).items) == [written]

    @pytest.mark.parametrize(
        ("pk", "sk"),
        [("", "b"), ("a", ""), ("é" * 1024 + "x", "b"), ("a", "é" * 512 + "x"), ("\ud800", "b"), ("docstore#x", "b")],
    )
    async def test_an_empty_long_unencodable_or_reserved_key_is_refused(self, pk: str, sk: str) -> None:
        with pytest.raises(InvalidKey):
            Key(pk, sk)

    async def test_a_range_that_no_key_can_match_is_refused(self, store: Store) -> None:
        with pytest.raises(InvalidKey):
            Prefix("")
        with pytest.raises(InvalidKey):
            Between("", "z")
        with pytest.raises(ValueError, match="upside down"):
            Between("b", "a")
        with pytest.raises(InvalidKey):
            await store.query("")
        with pytest.raises(InvalidKey):
            await store.query("docstore#")

    @pytest.mark.parametrize("limit", [0, -1, 1001])
    async def test_a_page_of_none_or_too_many_is_refused(self, store: Store, limit: int) -> None:
        with pytest.raises(ValueError, match="limit"):
            await store.query("brands", limit=limit)

    @pytest.mark.parametrize(
        "data",
        [
            {"n": math.nan},
            {"n": math.inf},
            {"n": 1e126},
            {"n": 1e-131},
            {"n": 10**38},
            {"s": "\udfff"},
            {"b": b"bytes"},
            {"s": {1, 2}},
            {"": 1},
            {"m": {"": 1}},
            {"m": {1: 1}},
            {1: 1},
            nested(32),
        ],
        ids=lambda data: str(data)[:20],
    )
    async def test_data_that_dynamodb_cannot_keep_is_refused(self, store: Store, data: Any) -> None:
        with pytest.raises(InvalidItem):
            await store.put(KEY, data)
        with pytest.raises(InvalidItem):
            await store.transact([Put(KEY, data)])
        assert await store.get(KEY) is None

    async def test_data_is_kept_thirty_one_deep(self, store: Store) -> None:
        written = await store.put(KEY, nested(31))
        assert await store.get(KEY) == written

    async def test_an_item_just_under_the_limit_is_kept(self, store: Store) -> None:
        written = await store.put(KEY, {"text": "é" * (LIMIT // 2 - 64)})
        assert await store.get(KEY) == written

    @pytest.mark.parametrize(
        "data",
        [{"text": "é" * (LIMIT // 2)}, {"x" * LIMIT: 1}, {"list": [True] * (LIMIT // 2)}],
        ids=["text", "name", "overhead"],
    )
    async def test_an_item_over_400_kb_is_refused_with_its_size(self, store: Store, data: Any) -> None:
        with pytest.raises(ItemTooLarge) as refusal:
            await store.put(KEY, data)
        assert refusal.value.size > refusal.value.limit == LIMIT
        assert await store.get(KEY) is None
