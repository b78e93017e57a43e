"""Reading a partition page by page."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adwright_docstore import ALL, Between, InvalidPageToken, Item, Key, Prefix, SkRange, Store

__all__ = ["QueryContract"]

# Few characters, so that keys share prefixes, and of one to four bytes, so that the order of
# UTF-8 differs from that of UTF-16.
SORT_KEYS = st.text("ab\x00é\uffee\U0001f3d4", min_size=1, max_size=4)
RANGES = st.one_of(
    st.just(ALL),
    SORT_KEYS.map(Prefix),
    st.tuples(SORT_KEYS, SORT_KEYS).map(lambda pair: Between(*sorted(pair, key=str.encode))),
)

partitions = (f"partition-{n}" for n in itertools.count())


def matches(sk: SkRange, key: str) -> bool:
    match sk:
        case Prefix(value):
            return key.startswith(value)
        case Between(low, high):
            return low.encode() <= key.encode() <= high.encode()
        case _:
            return True


async def fill(store: Store, pk: str, *sort_keys: str) -> None:
    for sk in sort_keys:
        await store.put(Key(pk, sk), {"sk": sk})


async def pages(
    store: Store, pk: str, sk: SkRange = ALL, *, limit: int = 100, descending: bool = False
) -> list[list[Item]]:
    found: list[list[Item]] = []
    token: str | None = None
    while not found or token is not None:
        page = await store.query(pk, sk=sk, limit=limit, page_token=token, descending=descending, consistent=True)
        found.append(list(page.items))
        token = page.next_page_token
    return found


class QueryContract:
    # The store outlives an example; each example reads a partition of its own.
    @settings(
        max_examples=40,
        deadline=None,
        suppress_health_check=[
            HealthCheck.function_scoped_fixture,
            HealthCheck.differing_executors,
        ],
    )
    @given(
        sort_keys=st.sets(SORT_KEYS, max_size=12),
        sk=RANGES,
        limit=st.integers(1, 5),
        descending=st.booleans(),
    )
    async def test_pages_of_any_size_add_up_to_the_range_in_the_order_of_utf8_bytes(
        self, store: Store, sort_keys: set[str], sk: SkRange, limit: int, descending: bool
    ) -> None:
        pk = next(partitions)
        await fill(store, pk, *sort_keys)
        found = await pages(store, pk, sk, limit=limit, descending=descending)
        expected = sorted((key for key in sort_keys if matches(sk, key)), key=str.encode)
        if descending:
            expected.reverse()
        assert [item.key.sk for page in found for item in page] == expected
        assert all(len(page) <= limit for page in found)

    async def test_an_empty_partition_is_one_empty_page(self, store: Store) -> None:
        assert await pages(store, "nothing") == [[]]

    async def test_a_query_sees_only_its_partition(self, store: Store) -> None:
        for pk in ("a", "b", "ab"):
            await fill(store, pk, pk)
        assert [item.key for page in await pages(store, "a") for item in page] == [Key("a", "a")]

    async def test_items_of_a_query_are_whole(self, store: Store) -> None:
        await fill(store, "p", "x")
        written = await store.put(Key("p", "x"), {"deep": {"list": [1, "two"]}})
        assert await pages(store, "p") == [[written]]

    async def test_a_page_stops_near_one_megabyte(self, store: Store) -> None:
        for n in range(5):
            await store.put(Key("big", f"{n}"), {"text": "x" * 390_000})
        found = await pages(store, "big", limit=1000)
        assert [item.key.sk for page in found for item in page] == list("01234")
        assert max(len(page) for page in found) <= 3

    async def test_the_limit_may_change_between_pages(self, store: Store) -> None:
        await fill(store, "p", *"abcde")
        first = await store.query("p", limit=1)
        rest = await store.query("p", limit=10, page_token=first.next_page_token)
        assert [item.key.sk for item in rest.items] == list("bcde")
        assert rest.next_page_token is None

    async def test_items_written_or_removed_between_pages_do_not_disturb_the_others(self, store: Store) -> None:
        await fill(store, "p", *"bdfh")
        first = await store.query("p", limit=2)
        await fill(store, "p", *"ae")
        await store.delete(Key("p", "d"))
        rest = await store.query("p", page_token=first.next_page_token)
        assert [item.key.sk for item in rest.items] == list("efh")

    @pytest.mark.parametrize(
        ("pk", "sk", "descending"),
        [
            ("q", Prefix("a"), False),
            ("p", Prefix("aa"), False),
            ("p", ALL, False),
            ("p", Between("a", "b"), False),
            ("p", Prefix("a"), True),
        ],
        ids=["partition", "prefix", "all", "between", "direction"],
    )
    async def test_a_token_of_another_query_is_refused(
        self, store: Store, pk: str, sk: SkRange, descending: bool
    ) -> None:
        await fill(store, "p", "a1", "a2", "a3")
        token = (await store.query("p", sk=Prefix("a"), limit=1)).next_page_token
        assert token is not None
        with pytest.raises(InvalidPageToken):
            await store.query(pk, sk=sk, descending=descending, page_token=token)

    async def test_an_altered_token_is_refused(self, store: Store) -> None:
        await fill(store, "p", "a1", "a2", "a3")
        token = (await store.query("p", limit=1)).next_page_token
        assert token is not None
        altered = [token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :] for at in range(len(token))]
        for other in [*altered, token + "A", token[:-1], token + "=", "", "x", "é", "a" * 5000]:
            with pytest.raises(InvalidPageToken):
                await store.query("p", page_token=other)

    async def test_a_token_is_refused_where_it_is_bound_to_something_else(self, store: Store) -> None:
        await fill(store, "p", "a1", "a2", "a3")
        token = (await store.query("p", limit=1, bind="tenant a")).next_page_token
        assert token is not None
        for other in ("", "tenant b"):
            with pytest.raises(InvalidPageToken):
                await store.query("p", page_token=token, bind=other)
        assert len((await store.query("p", page_token=token, bind="tenant a")).items) == 2
