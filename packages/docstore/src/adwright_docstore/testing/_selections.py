"""Reading a partition by what its items say."""

from __future__ import annotations

import pytest

from adwright_docstore import ALL, InvalidPageToken, Item, Key, Prefix, Put, SkRange, Store
from adwright_docstore.testing._clock import ManualClock

__all__ = ["SelectionContract"]

MANY = 60


async def fill(store: Store, count: int = MANY) -> None:
    await store.write_many(Put(Key("p", f"{n:03}"), {"n": n}) for n in range(count))


def number(item: Item) -> int:
    n = item.data["n"]
    assert isinstance(n, int)
    return n


class Every:
    """True for every so many-th item; remembers what it was asked about."""

    def __init__(self, step: int) -> None:
        self.step = step
        self.numbers: list[int] = []

    def __call__(self, item: Item) -> bool:
        self.numbers.append(number(item))
        return number(item) % self.step == 0


class SelectionContract:
    @pytest.mark.parametrize("descending", [False, True])
    @pytest.mark.parametrize(("step", "limit"), [(1, 7), (3, 4), (3, 20), (7, 1), (7, 100), (100, 5)])
    async def test_pages_of_a_selection_add_up_and_none_is_over_the_limit(
        self, store: Store, step: int, limit: int, descending: bool
    ) -> None:
        await fill(store)
        found: list[int] = []
        token: str | None = None
        while True:
            page = await store.select(
                "p", where=Every(step), limit=limit, page_token=token, descending=descending, consistent=True
            )
            assert len(page.items) <= limit
            found += map(number, page.items)
            token = page.next_page_token
            if token is None:
                break
            assert len(page.items) == limit
        expected = list(range(0, MANY, step))
        assert found == (expected[::-1] if descending else expected)

    async def test_a_selection_stops_when_enough_items_were_examined_and_goes_on_after_the_last(
        self, store: Store
    ) -> None:
        await fill(store)
        first, second = Every(25), Every(25)
        page = await store.select("p", where=first, limit=10, most_examined=40, consistent=True)
        assert [number(item) for item in page.items] == [0, 25]
        assert first.numbers == list(range(40))
        rest = await store.select(
            "p", where=second, limit=10, most_examined=40, page_token=page.next_page_token, consistent=True
        )
        assert [number(item) for item in rest.items] == [50]
        assert second.numbers == list(range(40, MANY))
        assert rest.next_page_token is None

    async def test_a_selection_over_expired_items_alone_ends(self, store: Store, clock: ManualClock) -> None:
        await store.write_many(
            Put(Key("p", f"{n:03}"), {"n": n}, expires_at=clock.after(60) if n < 50 else None) for n in range(MANY)
        )
        clock.advance(60)
        empty = await store.select("p", where=Every(1), limit=10, most_examined=20, consistent=True)
        assert empty.items == []
        assert empty.next_page_token is not None
        rest = await store.select("p", where=Every(1), page_token=empty.next_page_token, consistent=True)
        assert [number(item) for item in rest.items] == list(range(50, MANY))

    async def test_a_selection_keeps_to_its_range(self, store: Store) -> None:
        await fill(store)
        page = await store.select("p", where=Every(2), sk=Prefix("01"), consistent=True)
        assert [number(item) for item in page.items] == [10, 12, 14, 16, 18]

    @pytest.mark.parametrize(
        ("pk", "sk", "descending", "bind"),
        [
            ("q", ALL, False, "even"),
            ("p", Prefix("0"), False, "even"),
            ("p", ALL, True, "even"),
            ("p", ALL, False, "odd"),
            ("p", ALL, False, ""),
        ],
        ids=["partition", "range", "direction", "bind", "no bind"],
    )
    async def test_a_token_of_another_selection_is_refused(
        self, store: Store, pk: str, sk: SkRange, descending: bool, bind: str
    ) -> None:
        await fill(store, 10)
        # Both kinds: one made by the query beneath, one made between two items of its page.
        for step in (1, 2):
            token = (await store.select("p", where=Every(step), limit=2, bind="even")).next_page_token
            assert token is not None
            with pytest.raises(InvalidPageToken):
                await store.select(pk, where=Every(step), sk=sk, descending=descending, bind=bind, page_token=token)
            await store.select("p", where=Every(step), bind="even", page_token=token)

    async def test_a_selection_that_can_find_nothing_is_refused(self, store: Store) -> None:
        with pytest.raises(ValueError, match="limit"):
            await store.select("p", where=Every(1), limit=0)
        with pytest.raises(ValueError, match="most_examined"):
            await store.select("p", where=Every(1), most_examined=0)

    async def test_what_the_question_raises_is_raised(self, store: Store) -> None:
        await fill(store, 1)
        with pytest.raises(ZeroDivisionError):
            await store.select("p", where=lambda item: bool(1 / number(item)))
