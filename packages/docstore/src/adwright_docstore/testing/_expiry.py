"""Items that end by themselves."""

from __future__ import annotations

from datetime import datetime

import pytest

from adwright_docstore import ABSENT, PRESENT, Check, ConditionFailed, Expect, Key, Store, Version
from adwright_docstore.testing._clock import ManualClock

__all__ = ["ExpiryContract"]

KEY = Key("sessions", "s1")


class ExpiryContract:
    async def test_an_item_lives_until_its_expiry_and_not_at_it(self, store: Store, clock: ManualClock) -> None:
        written = await store.put(KEY, {}, expires_at=clock.after(60))
        assert written.expires_at == clock.after(60)
        clock.advance(59)
        assert await store.get(KEY) == written
        assert await store.get_many([KEY]) == {KEY: written}
        assert list((await store.query("sessions")).items) == [written]
        clock.advance(1)
        assert await store.get(KEY) is None
        assert await store.get_many([KEY]) == {}
        assert list((await store.query("sessions")).items) == []

    async def test_an_expiry_is_rounded_up_to_whole_seconds(self, store: Store, clock: ManualClock) -> None:
        written = await store.put(KEY, {}, expires_at=clock.after(59.2))
        assert written.expires_at == clock.after(60)
        assert await store.get(KEY) == written

    async def test_an_item_may_be_written_with_an_expiry_in_the_past(self, store: Store, clock: ManualClock) -> None:
        await store.put(KEY, {}, expires_at=clock.after(-1))
        assert await store.get(KEY) is None

    async def test_an_expiry_without_a_timezone_is_refused(self, store: Store) -> None:
        with pytest.raises(ValueError, match="timezone"):
            await store.put(KEY, {}, expires_at=datetime(2100, 1, 1))

    async def test_a_put_without_an_expiry_takes_it_away(self, store: Store, clock: ManualClock) -> None:
        await store.put(KEY, {}, expires_at=clock.after(60))
        written = await store.put(KEY, {})
        clock.advance(61)
        assert await store.get(KEY) == written

    @pytest.mark.parametrize("expect", [PRESENT, Version(1)])
    async def test_an_expired_item_meets_no_condition(self, store: Store, clock: ManualClock, expect: Expect) -> None:
        other = Key("sessions", "s2")
        for key in (KEY, other):
            await store.put(key, {}, expires_at=clock.after(60))
        clock.advance(60)
        with pytest.raises(ConditionFailed) as put:
            await store.put(KEY, {}, expect=expect)
        with pytest.raises(ConditionFailed) as delete:
            await store.delete(KEY, expect=expect)
        with pytest.raises(ConditionFailed) as check:
            await store.transact([Check(other, expect)])
        for failure in (put, delete, check):
            assert failure.value.current_version is None

    async def test_an_expired_item_counts_as_absent(self, store: Store, clock: ManualClock) -> None:
        await store.put(KEY, {"n": 1}, expires_at=clock.after(60))
        await store.put(KEY, {"n": 2}, expires_at=clock.after(60))
        clock.advance(60)
        written = await store.put(KEY, {"n": 3}, expect=ABSENT)
        assert written.version == 1
        assert await store.get(KEY) == written

    @pytest.mark.parametrize("descending", [False, True])
    async def test_a_query_goes_on_over_pages_emptied_by_expiry(
        self, store: Store, clock: ManualClock, descending: bool
    ) -> None:
        for n in range(6):
            lasting = n in (0, 5)
            expires_at = None if lasting else clock.after(60)
            await store.put(Key("sessions", f"s{n}"), {"n": n}, expires_at=expires_at)
        clock.advance(60)
        found = [item.data["n"] async for item in store.query_all("sessions", page_size=2, descending=descending)]
        assert found == ([5, 0] if descending else [0, 5])
