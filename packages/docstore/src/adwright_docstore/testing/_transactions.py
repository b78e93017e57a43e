"""Several items, all or nothing."""

from __future__ import annotations

import asyncio

import pytest

from adwright_docstore import (
    ABSENT,
    PRESENT,
    Check,
    ConditionFailed,
    Delete,
    ItemTooLarge,
    Key,
    Op,
    Put,
    RequestTokenReused,
    Store,
    TransactionConflict,
    Version,
)
from adwright_docstore.testing._clock import ManualClock

__all__ = ["TransactionContract"]

A, B, C = (Key("tx", name) for name in "abc")


class TransactionContract:
    async def test_a_transaction_applies_every_operation(self, store: Store, clock: ManualClock) -> None:
        await store.put(A, {"n": 1})
        await store.put(B, {"n": 1})
        await store.transact(
            [
                Put(A, {"n": 2}, expect=Version(1), expires_at=clock.after(60)),
                Delete(B),
                Put(C, {"n": 1}, expect=ABSENT),
                Check(Key("tx", "elsewhere"), ABSENT),
            ]
        )
        found = await store.get_many([A, B, C])
        assert {key: (item.version, item.data) for key, item in found.items()} == {
            A: (2, {"n": 2}),
            C: (1, {"n": 1}),
        }
        assert found[A].expires_at == clock.after(60)

    @pytest.mark.parametrize(
        ("refused", "version"),
        [
            (Check(C, PRESENT), None),
            (Check(A, ABSENT), 1),
            (Put(A, {}, expect=Version(7)), 1),
            (Delete(A, expect=Version(2)), 1),
        ],
        ids=["check", "check absent", "put", "delete"],
    )
    async def test_one_failed_expectation_undoes_the_whole_transaction(
        self, store: Store, refused: Op, version: int | None
    ) -> None:
        kept = await store.put(A, {"n": 1})
        with pytest.raises(ConditionFailed) as failure:
            await store.transact([Put(B, {"n": 1}), refused])
        assert (failure.value.key, failure.value.current_version) == (refused.key, version)
        assert await store.get_many([A, B, C]) == {A: kept}

    async def test_the_first_failed_expectation_is_the_one_reported(self, store: Store) -> None:
        with pytest.raises(ConditionFailed) as failure:
            await store.transact([Put(A, {}), Check(C, PRESENT), Check(B, PRESENT)])
        assert failure.value.key == C

    async def test_a_hundred_operations_fit_and_more_do_not(self, store: Store) -> None:
        ops = [Put(Key("tx", f"{n:03}"), {"n": n}) for n in range(101)]
        with pytest.raises(ValueError, match="1 to 100"):
            await store.transact(ops)
        with pytest.raises(ValueError, match="1 to 99"):
            await store.transact(ops[:100], request_token="t")
        with pytest.raises(ValueError, match="1 to 100"):
            await store.transact([])
        assert not (await store.query("tx")).items
        await store.transact(ops[:100])
        assert len([item async for item in store.query_all("tx")]) == 100

    async def test_a_key_may_be_named_only_once(self, store: Store) -> None:
        with pytest.raises(ValueError, match="only once"):
            await store.transact([Put(A, {}), Check(A, ABSENT)])

    async def test_a_transaction_over_four_megabytes_is_refused(self, store: Store) -> None:
        ops = [Put(Key("tx", f"{n}"), {"text": "x" * 400_000}) for n in range(11)]
        with pytest.raises(ItemTooLarge) as refusal:
            await store.transact(ops)
        assert refusal.value.limit == 4 * 1024 * 1024

    async def test_a_repeat_with_the_same_request_token_does_nothing(self, store: Store, clock: ManualClock) -> None:
        ops = [Put(A, {"n": 1}, expect=ABSENT), Put(B, {"x": 1, "y": 2})]
        await store.transact(ops, request_token="once")
        kept = await store.put(A, {"n": 2})
        clock.advance(599)
        await store.transact([Put(A, {"n": 1}, expect=ABSENT), Put(B, {"y": 2, "x": 1})], request_token="once")
        found = await store.get_many([A, B])
        assert found[A] == kept
        assert found[B].version == 1

    @pytest.mark.parametrize(
        "other",
        [
            Put(A, {"n": 2}),
            Put(B, {"n": 1}),
            Put(A, {"n": 1}, expect=Version(1)),
            Delete(A),
        ],
        ids=["data", "key", "expectation", "kind"],
    )
    async def test_a_request_token_is_refused_for_other_operations(self, store: Store, other: Op) -> None:
        await store.transact([Put(A, {"n": 1})], request_token="once")
        with pytest.raises(RequestTokenReused):
            await store.transact([other], request_token="once")

    async def test_a_transaction_that_failed_may_be_tried_again_with_its_token(self, store: Store) -> None:
        ops: list[Op] = [Check(A, PRESENT), Put(B, {})]
        with pytest.raises(ConditionFailed):
            await store.transact(ops, request_token="again")
        await store.put(A, {})
        await store.transact(ops, request_token="again")
        assert await store.get(B) is not None

    @pytest.mark.parametrize("token", ["", "x" * 37])
    async def test_a_request_token_has_1_to_36_characters(self, store: Store, token: str) -> None:
        with pytest.raises(ValueError, match="request token"):
            await store.transact([Put(A, {})], request_token=token)

    async def test_transfers_that_race_keep_the_sum(self, store: Store) -> None:
        await store.put(A, {"n": 50})
        await store.put(B, {"n": 50})

        async def transfer(amount: int) -> bool:
            a, b = await store.get(A), await store.get(B)
            assert a is not None
            assert b is not None
            ops = [
                Put(A, {"n": int(str(a.data["n"])) - amount}, expect=Version(a.version)),
                Put(B, {"n": int(str(b.data["n"])) + amount}, expect=Version(b.version)),
            ]
            try:
                await store.transact(ops)
            except (ConditionFailed, TransactionConflict):
                return False
            return True

        done = await asyncio.gather(*(transfer(amount) for amount in range(1, 11)))
        a, b = await store.get(A), await store.get(B)
        assert a is not None
        assert b is not None
        assert a.version == b.version == 1 + sum(done)
        assert any(done)
        assert int(str(a.data["n"])) + int(str(b.data["n"])) == 100
