"""Reading and writing single items."""

from __future__ import annotations

import asyncio

import pytest

from adwright_docstore import (
    ABSENT,
    ANY,
    JSON,
    PRESENT,
    ConditionFailed,
    Expect,
    Item,
    Key,
    Store,
    StoreUnavailable,
    Version,
)

__all__ = ["ItemContract"]

KEY = Key("brands", "nordlys")


class ItemContract:
    async def test_an_item_that_was_never_written_is_none(self, store: Store) -> None:
        assert await store.get(KEY) is None
        assert await store.get(KEY, consistent=False) is None

    async def test_put_returns_the_item_that_get_then_returns(self, store: Store) -> None:
        written = await store.put(KEY, {"name": "Nordlys"})

        assert written == Item(KEY, {"name": "Nordlys"}, version=1, expires_at=None)
        assert await store.get(KEY) == written

    @pytest.mark.parametrize(
        "value",
        [
            None,
            True,
            False,
            0,
            -7,
            10**38 - 1,
            -(10**38) + 1,
            0.1,
            -2.5e-130,
            9.5e125,
            "",
            "Fjällräven 北極光 🏔",
            'quotes " and \\ and \x00 and \u2028',
            [],
            {},
            [1, ["two", {"three": [None, 4.5]}]],
            {"a name with . and # and :": {"x": []}},
        ],
    )
    async def test_data_comes_back_as_it_was_put(self, store: Store, value: JSON) -> None:
        await store.put(KEY, {"value": value})

        item = await store.get(KEY)
        assert item is not None
        assert item.data == {"value": value}
        assert isinstance(item.data["value"], bool) == isinstance(value, bool)

    async def test_an_item_may_hold_no_data(self, store: Store) -> None:
        await store.put(KEY, {})
        item = await store.get(KEY)
        assert item is not None
        assert item.data == {}

    async def test_put_replaces_the_data_as_a_whole(self, store: Store) -> None:
        await store.put(KEY, {"a": 1, "b": {"c": 2}})
        await store.put(KEY, {"b": {"d": 3}})
        item = await store.get(KEY)
        assert item is not None
        assert item.data == {"b": {"d": 3}}

    async def test_stored_data_does_not_follow_later_changes_of_the_caller(self, store: Store) -> None:
        tags: list[str] = ["outdoor"]
        writing = asyncio.ensure_future(store.put(KEY, {"tags": tags}))
        await asyncio.sleep(0)
        tags.append("indoor")
        written = await writing
        assert written.data == {"tags": ["outdoor"]}
        assert await store.get(KEY) == written

    async def test_the_version_counts_the_writes(self, store: Store) -> None:
        versions = [(await store.put(KEY, {"n": n})).version for n in range(3)]
        assert versions == [1, 2, 3]

    async def test_a_deleted_item_is_gone_and_starts_again_at_version_one(self, store: Store) -> None:
        await store.put(KEY, {})
        await store.put(KEY, {})
        await store.delete(KEY)
        assert await store.get(KEY) is None
        assert (await store.put(KEY, {})).version == 1

    async def test_deleting_an_absent_item_is_fine(self, store: Store) -> None:
        await store.delete(KEY)
        await store.delete(KEY, expect=ABSENT)

    @pytest.mark.parametrize("expect", [ANY, PRESENT, Version(2)])
    async def test_a_write_goes_through_where_the_item_is_as_expected(self, store: Store, expect: Expect) -> None:
        await store.put(KEY, {"n": 1})
        await store.put(KEY, {"n": 2})
        assert (await store.put(KEY, {"n": 3}, expect=expect)).version == 3

    @pytest.mark.parametrize("expect", [ABSENT, Version(1), Version(3)])
    async def test_a_write_that_expects_another_state_learns_the_version_and_changes_nothing(
        self, store: Store, expect: Expect
    ) -> None:
        await store.put(KEY, {"n": 1})
        kept = await store.put(KEY, {"n": 2})
        with pytest.raises(ConditionFailed) as put:
            await store.put(KEY, {"n": 3}, expect=expect)
        with pytest.raises(ConditionFailed) as delete:
            await store.delete(KEY, expect=expect)
        assert (put.value.key, put.value.current_version) == (KEY, 2)
        assert (delete.value.key, delete.value.current_version) == (KEY, 2)
        assert await store.get(KEY) == kept

    @pytest.mark.parametrize("expect", [PRESENT, Version(1)])
    async def test_a_write_that_expects_an_item_learns_that_there_is_none(self, store: Store, expect: Expect) -> None:
        with pytest.raises(ConditionFailed) as put:
            await store.put(KEY, {}, expect=expect)
        with pytest.raises(ConditionFailed) as delete:
            await store.delete(KEY, expect=expect)
        assert put.value.current_version is None
        assert delete.value.current_version is None
        assert await store.get(KEY) is None

    async def test_get_many_returns_the_items_there_are(self, store: Store) -> None:
        keys = [Key("many", f"{n:03}") for n in range(120)]
        for n, key in enumerate(keys[:110]):
            await store.put(key, {"n": n})
        found = await store.get_many([*keys, keys[0]])
        assert {key: item.data["n"] for key, item in found.items()} == {key: n for n, key in enumerate(keys[:110])}
        assert await store.get_many([]) == {}

    async def test_of_twenty_updates_from_the_same_version_one_wins(self, store: Store) -> None:
        async def attempt(worker: int, version: int) -> bool:
            try:
                await store.put(KEY, {"winner": worker}, expect=Version(version))
            except ConditionFailed:
                return False
            return True

        await store.put(KEY, {})
        for version in range(1, 6):
            wins = await asyncio.gather(*(attempt(worker, version) for worker in range(20)))
            item = await store.get(KEY)
            assert item is not None
            assert sum(wins) == 1
            assert item.data == {"winner": wins.index(True)}
            assert item.version == version + 1

    async def test_a_store_that_works_says_that_it_is_ready(self, store: Store) -> None:
        await store.ready()

    async def test_a_closed_store_refuses_calls(self, store: Store) -> None:
        await store.close()
        await store.close()
        with pytest.raises(StoreUnavailable):
            await store.get(KEY)
