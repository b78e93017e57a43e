"""The DynamoDB store when the service, or the way to it, is in trouble."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from adwright_docstore import (
    ABSENT,
    PRESENT,
    CeilingReached,
    Check,
    ConditionFailed,
    Delete,
    Expect,
    Key,
    Put,
    Store,
    StoreUnavailable,
    TransactionConflict,
    Version,
    open_store,
)
from adwright_docstore.testing import ManualClock

pytest.importorskip("boto3", reason="boto3 is not installed")
pytest.importorskip("moto", reason="moto is not installed")

from botocore.awsrequest import AWSResponse
from botocore.exceptions import EndpointConnectionError, NoCredentialsError, PartialCredentialsError, SSLError
from packages.docstore.tests.dynamodb_endpoint import (
    MOTO_CREDENTIALS,
    Faults,
    bare_table,
    lost,
    moto_server,
    new_client,
    refusal,
    unprocessed,
)

KEY, OTHER = Key("brands", "nordlys"), Key("brands", "sollys")
DATA = {"brief": "SECRET"}
THROTTLED = refusal("ThrottlingException")
BROKEN = refusal("InternalServerError", 500)


def cancelled(*codes: str) -> Any:
    return refusal("TransactionCanceledException", CancellationReasons=[{"Code": code} for code in codes])


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch, moto_server() as url:
        for name, value in {**MOTO_CREDENTIALS, "AWS_ENDPOINT_URL_DYNAMODB": url}.items():
            patch.setenv(name, value)
        yield url


@pytest.fixture
def client(moto: str) -> Iterator[Any]:
    client = new_client()
    yield client
    client.close()


@pytest.fixture
def table(client: Any) -> Iterator[str]:
    plain = new_client()
    with bare_table(plain) as name:
        yield name
    plain.close()


@pytest.fixture
def faults(client: Any, table: str) -> Faults:
    return Faults(client)


@pytest.fixture
async def store(client: Any, table: str, faults: Faults) -> AsyncIterator[Store]:
    async with open_store("dynamodb", table=table, now=ManualClock(), client=client) as store:
        yield store


@pytest.fixture
async def hasty(client: Any, table: str, faults: Faults) -> AsyncIterator[Store]:
    async with open_store("dynamodb", table=table, now=ManualClock(), client=client, timeout=1.0) as store:
        yield store


class Held:
    """A request that waits, before it leaves, until it is let go."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.go_on = threading.Event()

    def __call__(self, request: Any) -> AWSResponse | None:
        self.asked.set()
        assert self.go_on.wait(10)
        return None


class TestThrottling:
    @pytest.mark.parametrize(
        "code",
        ["ThrottlingException", "ProvisionedThroughputExceededException", "RequestLimitExceeded"],
    )
    async def test_a_throttled_call_is_made_again(self, store: Store, faults: Faults, code: str) -> None:
        faults.once("UpdateItem", refusal(code), refusal(code))
        assert (await store.put(KEY, DATA)).version == 1
        assert faults.count("UpdateItem") == 3

    async def test_one_throttled_for_too_long_gives_up_and_says_so_without_the_data(
        self, hasty: Store, faults: Faults
    ) -> None:
        faults.always("UpdateItem", THROTTLED)
        began = time.monotonic()
        with pytest.raises(StoreUnavailable, match=r"is throttled.*given up after 1") as failure:
            await hasty.put(KEY, DATA)
        assert time.monotonic() - began < 5
        assert "SECRET" not in str(failure.value)
        assert faults.count("UpdateItem") > 1

    @pytest.mark.parametrize("code", ["ThrottlingError", "ProvisionedThroughputExceeded"])
    async def test_a_transaction_throttled_in_part_is_made_again(self, store: Store, faults: Faults, code: str) -> None:
        faults.once("TransactWriteItems", cancelled("None", code))
        await store.transact([Put(KEY, DATA), Put(OTHER, DATA)])
        tokens = [body["ClientRequestToken"] for body in faults.bodies("TransactWriteItems")]
        # The first one surely did nothing, so the second is a new one to the service.
        assert len(set(tokens)) == 2

    async def test_what_a_batch_left_undone_is_done(self, store: Store, faults: Faults) -> None:
        keys = [Key("p", f"{n:03}") for n in range(130)]
        faults.once("BatchWriteItem", unprocessed, unprocessed)
        await store.write_many(Put(key, {}) for key in keys)
        assert faults.count("BatchWriteItem") == 6 + 2
        assert all(
            len(requests) <= 25
            for body in faults.bodies("BatchWriteItem")
            for requests in body["RequestItems"].values()
        )
        faults.once("BatchGetItem", unprocessed)
        assert set(await store.get_many(keys)) == set(keys)
        assert faults.count("BatchGetItem") == 2 + 1

    async def test_a_batch_that_stays_undone_fails(self, hasty: Store, faults: Faults) -> None:
        faults.always("BatchWriteItem", unprocessed)
        faults.always("BatchGetItem", unprocessed)
        with pytest.raises(StoreUnavailable, match="throttled"):
            await hasty.write_many([Put(KEY, DATA)])
        with pytest.raises(StoreUnavailable, match="throttled"):
            await hasty.get_many([KEY])


class TestLostAnswers:
    @pytest.mark.parametrize(("expect", "version"), [(Version(1), 2), (PRESENT, 2), (None, 2), (ABSENT, 1)])
    async def test_a_put_counts_once_and_is_no_failed_condition(
        self, store: Store, faults: Faults, expect: Expect | None, version: int
    ) -> None:
        if expect is not ABSENT:
            await store.put(KEY, {})
        faults.once("UpdateItem", lost, lost)
        written = await (store.put(KEY, DATA) if expect is None else store.put(KEY, DATA, expect=expect))
        assert written.version == version
        assert await store.get(KEY) == written

    async def test_a_put_that_another_made_in_vain_still_fails_its_condition(
        self, store: Store, faults: Faults
    ) -> None:
        await store.put(KEY, {})
        faults.once("UpdateItem", BROKEN)
        with pytest.raises(ConditionFailed) as failure:
            await store.put(KEY, DATA, expect=Version(7))
        assert failure.value.current_version == 1

    async def test_a_transaction_is_made_once(self, store: Store, faults: Faults) -> None:
        await store.put(OTHER, {})
        faults.once("TransactWriteItems", lost)
        await store.transact([Delete(OTHER, expect=PRESENT), Put(KEY, DATA)])
        item = await store.get(KEY)
        assert item is not None
        assert item.version == 1
        first, second = (body["ClientRequestToken"] for body in faults.bodies("TransactWriteItems"))
        assert first == second

    async def test_a_transaction_with_a_token_is_made_once(self, store: Store, faults: Faults) -> None:
        await store.put(OTHER, {})
        faults.once("TransactWriteItems", lost)
        await store.transact([Delete(OTHER, expect=PRESENT), Check(KEY, ABSENT)], request_token="t")
        assert await store.get(OTHER) is None
        await store.transact([Delete(OTHER, expect=PRESENT), Check(KEY, ABSENT)], request_token="t")

    async def test_a_delete_that_cannot_know_says_so(self, store: Store, faults: Faults) -> None:
        await store.put(KEY, {})
        faults.once("DeleteItem", lost)
        with pytest.raises(StoreUnavailable, match="not known whether"):
            await store.delete(KEY, expect=Version(1))
        faults.once("DeleteItem", lost)
        await store.delete(KEY)

    async def test_an_increment_is_counted_once(self, store: Store, faults: Faults) -> None:
        for expected in (1, 2):
            # The first makes the counter by its second request, the others add by their first.
            faults.once("UpdateItem", *([refusal_of_nothing] if expected == 1 else []), lost)
            assert await store.increment(KEY, {"n": 1}, ceilings={"n": 2}) == {"n": expected}
        with pytest.raises(CeilingReached):
            await store.increment(KEY, {"n": 1}, ceilings={"n": 2})

    async def test_an_increment_that_cannot_know_says_so_and_is_not_sent_again(
        self, store: Store, faults: Faults
    ) -> None:
        await store.increment(KEY, {"n": 1})
        sent = faults.count("UpdateItem")
        faults.once("UpdateItem", BROKEN)
        with pytest.raises(StoreUnavailable, match="not known whether"):
            await store.increment(KEY, {"n": 1})
        assert faults.count("UpdateItem") == sent + 1

    async def test_an_error_of_the_service_is_waited_out(self, store: Store, faults: Faults) -> None:
        written = await store.put(KEY, DATA)
        for operation in ("GetItem", "Query", "BatchGetItem"):
            faults.once(operation, BROKEN, refusal("ServiceUnavailable", 503))
        assert await store.get(KEY) == written
        assert await store.get_many([KEY]) == {KEY: written}
        assert list((await store.query(KEY.pk)).items) == [written]


def refusal_of_nothing(request: Any) -> AWSResponse | None:
    """Lets the request through."""
    return None


class TestConflicts:
    async def test_a_conflict_passes(self, store: Store, faults: Faults) -> None:
        faults.once("TransactWriteItems", cancelled("TransactionConflict"), cancelled("TransactionConflict"))
        await store.transact([Put(KEY, DATA)])
        faults.once("UpdateItem", refusal("TransactionConflictException"))
        assert (await store.put(KEY, DATA)).version == 2

    async def test_a_transaction_in_progress_is_asked_for_by_its_token(self, store: Store, faults: Faults) -> None:
        faults.once("TransactWriteItems", refusal("TransactionInProgressException"))
        await store.transact([Put(KEY, DATA)])
        first, second = (body["ClientRequestToken"] for body in faults.bodies("TransactWriteItems"))
        assert first == second

    async def test_a_conflict_that_stays_is_raised(self, store: Store, faults: Faults) -> None:
        faults.always("TransactWriteItems", cancelled("TransactionConflict"))
        with pytest.raises(TransactionConflict):
            await store.transact([Put(KEY, DATA)])
        assert faults.count("TransactWriteItems") == 8


class TestTime:
    async def test_a_slow_answer_is_not_waited_for_past_the_deadline(self, hasty: Store, faults: Faults) -> None:
        held = Held()
        faults.once("GetItem", held)
        began = time.monotonic()
        with pytest.raises(StoreUnavailable, match=r"did not answer within 1"):
            await hasty.get(KEY)
        assert time.monotonic() - began < 5
        assert await hasty.get(KEY) is None
        held.go_on.set()

    async def test_calls_beyond_the_bound_wait_for_their_turn_until_the_deadline(
        self, client: Any, table: str, faults: Faults
    ) -> None:
        held = Held()
        faults.once("GetItem", held)
        async with open_store("dynamodb", table=table, client=client, timeout=0.3, concurrency=1) as store:
            results = await asyncio.gather(store.get(KEY), store.get(OTHER), return_exceptions=True)
            assert [type(result) for result in results] == [StoreUnavailable, StoreUnavailable]
            assert "more calls waiting" in str(results[1])
            assert faults.count("GetItem") == 1
            held.go_on.set()
            for _ in range(100):
                try:
                    assert await store.get(KEY) is None
                except StoreUnavailable:
                    continue
                break

    async def test_a_cancelled_call_ends_at_once_and_leaves_the_store_working(
        self, store: Store, faults: Faults
    ) -> None:
        held = Held()
        faults.once("UpdateItem", held)
        task = asyncio.create_task(store.put(KEY, DATA))
        assert await asyncio.to_thread(held.asked.wait, 10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (await store.put(OTHER, {})).version == 1
        held.go_on.set()

    async def test_waiting_between_attempts_can_be_cancelled(self, store: Store, faults: Faults) -> None:
        reached = threading.Event()

        def throttled(request: Any) -> AWSResponse | None:
            if faults.count("UpdateItem") == 3:
                reached.set()
            return THROTTLED(request)

        faults.always("UpdateItem", throttled)
        task = asyncio.create_task(store.put(KEY, DATA))
        assert await asyncio.to_thread(reached.wait, 10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    async def test_closing_finishes_what_was_asked_and_what_was_given_up(
        self, client: Any, table: str, faults: Faults
    ) -> None:
        held = Held()
        faults.once("UpdateItem", held)
        store = open_store("dynamodb", table=table, client=client)
        given_up = asyncio.create_task(store.put(KEY, DATA))
        assert await asyncio.to_thread(held.asked.wait, 10)
        asked = asyncio.create_task(store.put(OTHER, DATA))
        await asyncio.sleep(0)
        given_up.cancel()
        closing = asyncio.create_task(store.close())
        assert (await asked).version == 1
        assert not closing.done()
        with pytest.raises(StoreUnavailable, match="is closed"):
            await store.get(KEY)
        held.go_on.set()
        await closing
        async with open_store("dynamodb", table=table, client=client) as other:
            assert await other.get(KEY) is not None


class TestWhatDoesNotPass:
    @pytest.mark.parametrize(
        ("code", "remedy"),
        [
            ("AccessDeniedException", "allow this role"),
            ("ExpiredTokenException", "renew them"),
            ("UnrecognizedClientException", "renew them"),
            ("ResourceNotFoundException", "create it first"),
            ("ValidationException", "pk and sk"),
            ("SomethingNew", "SomethingNew"),
        ],
    )
    async def test_it_is_said_in_one_sentence_with_the_remedy(
        self, store: Store, table: str, faults: Faults, code: str, remedy: str
    ) -> None:
        faults.always("UpdateItem", refusal(code))
        with pytest.raises(StoreUnavailable, match=remedy) as failure:
            await store.put(KEY, DATA)
        assert table in str(failure.value)
        assert "SECRET" not in str(failure.value)
        assert faults.count("UpdateItem") == 1

    @pytest.mark.parametrize(
        ("error", "said"),
        [
            (
                NoCredentialsError(),
                "cannot be called without AWS credentials: give the process a role, or set AWS_ACCESS_KEY_ID and "
                "AWS_SECRET_ACCESS_KEY",
            ),
            (
                PartialCredentialsError(provider="env", cred_var="AWS_SECRET_ACCESS_KEY"),
                "cannot be called without AWS credentials: give the process a role, or set AWS_ACCESS_KEY_ID and "
                "AWS_SECRET_ACCESS_KEY",
            ),
            (
                SSLError(endpoint_url="https://127.0.0.1:1", error="self-signed"),
                "has an endpoint whose certificate is not trusted: set AWS_CA_BUNDLE to the CA that signed it",
            ),
        ],
    )
    async def test_missing_credentials_and_strange_certificates_are_whole_sentences(
        self, store: Store, table: str, faults: Faults, error: Exception, said: str
    ) -> None:
        def fail(request: Any) -> None:
            raise error

        faults.always("GetItem", fail)
        with pytest.raises(StoreUnavailable) as failure:
            await store.get(KEY)
        assert str(failure.value) == f"the DynamoDB table {table} {said}"

    async def test_an_endpoint_that_cannot_be_reached_is_named(self, hasty: Store, faults: Faults) -> None:
        def unreachable(request: Any) -> None:
            raise EndpointConnectionError(endpoint_url="http://127.0.0.1:1")

        faults.always("GetItem", unreachable)
        with pytest.raises(StoreUnavailable, match="cannot be reached"):
            await hasty.get(KEY)
        assert faults.count("GetItem") > 1
