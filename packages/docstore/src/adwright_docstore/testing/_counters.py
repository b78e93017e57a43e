"""Counters that many add to at once."""

from __future__ import annotations

import asyncio

import pytest

from adwright_docstore import CeilingReached, InvalidItem, Key, Store
from adwright_docstore.testing._clock import ManualClock

__all__ = ["CounterContract"]

KEY = Key("quota", "demo")


class CounterContract:
    async def test_the_first_increment_creates_the_counter(self, store: Store) -> None:
        assert await store.increment(KEY, {"tokens": 5, "requests": 1}) == {
            "tokens": 5,
            "requests": 1,
        }
        item = await store.get(KEY)
        assert item is not None
        assert (item.version, item.data) == (1, {"tokens": 5, "requests": 1})

    async def test_increments_add_up_and_count_as_writes(self, store: Store) -> None:
        await store.increment(KEY, {"tokens": 5})
        assert await store.increment(KEY, {"tokens": -2, "new": 0}) == {"tokens": 3, "new": 0}
        item = await store.get(KEY)
        assert item is not None
        assert item.version == 2

    async def test_other_fields_of_the_item_stay(self, store: Store) -> None:
        await store.put(KEY, {"plan": {"name": "free"}, "tokens": 1})
        assert await store.increment(KEY, {"tokens": 1}) == {"tokens": 2}
        item = await store.get(KEY)
        assert item is not None
        assert item.data == {"plan": {"name": "free"}, "tokens": 2}

    async def test_a_ceiling_may_be_reached_and_not_passed(self, store: Store) -> None:
        assert await store.increment(KEY, {"n": 10}, ceilings={"n": 10}) == {"n": 10}
        with pytest.raises(CeilingReached) as refusal:
            await store.increment(KEY, {"n": 1}, ceilings={"n": 10})
        assert (refusal.value.field, refusal.value.ceiling, refusal.value.current) == ("n", 10, 10)

    async def test_one_field_at_its_ceiling_stops_them_all(self, store: Store) -> None:
        await store.increment(KEY, {"a": 1, "b": 9})
        before = await store.get(KEY)
        with pytest.raises(CeilingReached) as refusal:
            await store.increment(KEY, {"a": 1, "b": 2}, ceilings={"a": 10, "b": 10})
        assert (refusal.value.field, refusal.value.current) == ("b", 9)
        assert await store.get(KEY) == before

    async def test_a_new_counter_may_not_start_past_its_ceiling(self, store: Store) -> None:
        with pytest.raises(CeilingReached) as refusal:
            await store.increment(KEY, {"n": 11}, ceilings={"n": 10})
        assert refusal.value.current == 0
        assert await store.get(KEY) is None

    async def test_a_counter_above_a_lowered_ceiling_may_still_fall(self, store: Store) -> None:
        await store.increment(KEY, {"n": 20})
        assert await store.increment(KEY, {"n": -3}, ceilings={"n": 10}) == {"n": 17}

    async def test_a_counter_that_expired_starts_again(self, store: Store, clock: ManualClock) -> None:
        await store.increment(KEY, {"n": 10}, expires_at=clock.after(60))
        clock.advance(60)
        assert await store.increment(KEY, {"n": 1}, ceilings={"n": 10}) == {"n": 1}
        clock.advance(60)
        item = await store.get(KEY)
        assert item is not None
        assert item.expires_at is None

    async def test_an_increment_moves_the_expiry_only_when_it_names_one(self, store: Store, clock: ManualClock) -> None:
        await store.increment(KEY, {"n": 1}, expires_at=clock.after(60))
        await store.increment(KEY, {"n": 1})
        first = await store.get(KEY)
        await store.increment(KEY, {"n": 1}, expires_at=clock.after(120))
        second = await store.get(KEY)
        assert first is not None
        assert first.expires_at == clock.after(60)
        assert second is not None
        assert second.expires_at == clock.after(120)

    async def test_a_field_that_is_not_an_integer_cannot_count(self, store: Store) -> None:
        kept = await store.put(KEY, {"n": "five", "m": 1})
        with pytest.raises(InvalidItem):
            await store.increment(KEY, {"m": 1, "n": 1})
        assert await store.get(KEY) == kept

    async def test_an_increment_of_nothing_or_a_stray_ceiling_is_refused(self, store: Store) -> None:
        with pytest.raises(ValueError, match="at least one"):
            await store.increment(KEY, {})
        with pytest.raises(ValueError, match="without a delta"):
            await store.increment(KEY, {"n": 1}, ceilings={"m": 1})
        with pytest.raises(InvalidItem):
            await store.increment(KEY, {"": 1})

    async def test_increments_at_once_lose_none_and_stop_at_the_ceiling(self, store: Store) -> None:
        async def attempt() -> int | None:
            try:
                return (await store.increment(KEY, {"n": 1}, ceilings={"n": 15}))["n"]
            except CeilingReached:
                return None

        counted = await asyncio.gather(*(attempt() for _ in range(20)))
        assert sorted(n for n in counted if n is not None) == list(range(1, 16))
