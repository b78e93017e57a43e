"""Many writes at once, each by itself."""

from __future__ import annotations

from typing import Any

import pytest

from adwright_docstore import ABSENT, Check, Delete, InvalidItem, ItemTooLarge, Key, Put, Store, Version
from adwright_docstore.testing._clock import ManualClock

__all__ = ["BatchContract"]

KEYS = [Key("batch", f"{n:03}") for n in range(130)]


class BatchContract:
    async def test_any_number_of_writes_is_made(self, store: Store, clock: ManualClock) -> None:
        await store.put(KEYS[0], {"n": -1})
        puts: list[Put | Delete] = [Put(key, {"n": n}, expires_at=clock.after(60)) for n, key in enumerate(KEYS[1:], 1)]
        await store.write_many([Delete(KEYS[0]), Delete(Key("batch", "never")), *puts])
        found = [item async for item in store.query_all("batch", consistent=True)]
        assert [(item.key, item.data, item.version) for item in found] == [
            (key, {"n": n}, 1) for n, key in enumerate(KEYS[1:], 1)
        ]
        assert {item.expires_at for item in found} == {clock.after(60)}

    async def test_no_writes_are_fine(self, store: Store) -> None:
        await store.write_many([])

    async def test_the_last_of_several_writes_of_a_key_counts(self, store: Store) -> None:
        a, b = KEYS[:2]
        await store.write_many([Put(a, {"n": 1}), Delete(b), Put(a, {"n": 2}), Put(b, {}), Delete(b)])
        found = await store.get_many([a, b])
        assert {key: (item.data, item.version) for key, item in found.items()} == {a: ({"n": 2}, 1)}

    async def test_a_put_written_so_starts_at_version_one_again(self, store: Store, clock: ManualClock) -> None:
        for n in range(3):
            await store.put(KEYS[0], {"n": n}, expires_at=clock.after(60))
        await store.write_many([Put(KEYS[0], {"m": 1})])
        item = await store.get(KEYS[0])
        assert item is not None
        assert (item.data, item.version, item.expires_at) == ({"m": 1}, 1, None)
        assert (await store.put(KEYS[0], {}, expect=Version(1))).version == 2

    @pytest.mark.parametrize(
        ("wrong", "error"),
        [
            (Put(KEYS[1], {}, expect=ABSENT), ValueError),
            (Delete(KEYS[1], expect=Version(1)), ValueError),
            (Check(KEYS[1], ABSENT), ValueError),
            (Put(KEYS[1], {"": 1}), InvalidItem),
            (Put(KEYS[1], {"text": "x" * 500_000}), ItemTooLarge),
        ],
        ids=["condition", "condition of a delete", "check", "data", "size"],
    )
    async def test_a_write_that_cannot_be_made_stops_them_all(
        self, store: Store, wrong: Any, error: type[Exception]
    ) -> None:
        with pytest.raises(error):
            await store.write_many([Put(KEYS[0], {}), wrong])
        assert await store.get(KEYS[0]) is None
