"""The DynamoDB store: the contract, on moto and on any endpoint that the environment names."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from adwright_docstore import ConditionFailed, InvalidPageToken, Key, Prefix, Put, Store, StoreUnavailable, Version
from adwright_docstore import open_store as open_
from adwright_docstore.testing import ManualClock, StoreContract

pytest.importorskip("boto3", reason="boto3 is not installed")
pytest.importorskip("moto", reason="moto is not installed")

from packages.docstore.tests.dynamodb_endpoint import MOTO_CREDENTIALS, bare_table, moto_server, new_client

KEY = Key("brands", "nordlys")
REAL = "ADWRIGHT_TEST_DYNAMODB"


@pytest.fixture(scope="module")
def moto() -> Iterator[Any]:
    """A client of a moto server; one for all tests, since making one takes half a second."""
    with pytest.MonkeyPatch.context() as patch, moto_server() as url:
        for name, value in MOTO_CREDENTIALS.items():
            patch.setenv(name, value)
        patch.setenv("AWS_ENDPOINT_URL_DYNAMODB", url)
        client = new_client()
        yield client
        client.close()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def client(moto: Any) -> Any:
    return moto


@pytest.fixture
def table(client: Any) -> Iterator[str]:
    with bare_table(client) as name:
        yield name


@pytest.fixture
async def store(table: str, client: Any, clock: ManualClock) -> AsyncIterator[Store]:
    async with open_("dynamodb", table=table, now=clock, client=client) as store:
        yield store


class TestDynamoDBStore(StoreContract):
    """The contract, on moto."""

    async def test_an_item_just_under_the_limit_is_kept(self, store: Store) -> None:
        # moto draws the line at 405,000 bytes, DynamoDB at 409,600.
        written = await store.put(KEY, {"text": "é" * 202_000})
        assert await store.get(KEY) == written


if os.environ.get(REAL) == "1":

    @pytest.mark.enable_socket
    class TestNamedEndpoint(StoreContract):
        """The contract, on DynamoDB Local or AWS itself; every test has a table of its own."""

        @pytest.fixture
        def client(self) -> Iterator[Any]:
            client = new_client(read_timeout=10)
            yield client
            client.close()

else:

    @pytest.mark.skip(reason=f"{REAL}=1 runs the contract on the DynamoDB that the AWS variables name")
    def test_the_contract_on_a_named_endpoint() -> None:
        """Stands for the class above."""


class TestSharing:
    async def test_of_twenty_updates_from_two_stores_one_wins_a_round(
        self, store: Store, table: str, client: Any, clock: ManualClock
    ) -> None:
        async with open_("dynamodb", table=table, now=clock, client=client) as other:
            await store.put(KEY, {})
            for version in range(1, 6):

                async def attempt(worker: int, version: int = version) -> bool:
                    try:
                        await (store, other)[worker % 2].put(KEY, {"winner": worker}, expect=Version(version))
                    except ConditionFailed:
                        return False
                    return True

                wins = await asyncio.gather(*(attempt(worker) for worker in range(20)))
                item = await store.get(KEY)
                assert sum(wins) == 1
                assert item is not None
                assert (item.data, item.version) == ({"winner": wins.index(True)}, version + 1)

    async def test_a_page_token_is_good_in_every_store_of_the_table_and_in_no_other(
        self, store: Store, table: str, client: Any
    ) -> None:
        await store.write_many(Put(Key("p", sk), {}) for sk in "abc")
        # Both look for the key at once, when there is none yet.
        async with open_("dynamodb", table=table, client=client) as other:
            pages = await asyncio.gather(*(each.query("p", limit=1, bind="x") for each in (store, other)))
            for page in pages:
                for each in (store, other):
                    rest = await each.query("p", page_token=page.next_page_token, bind="x")
                    assert [item.key.sk for item in rest.items] == ["b", "c"]
        token = pages[0].next_page_token
        for wrong in ({"pk": "q", "bind": "x"}, {"pk": "p", "bind": "y"}, {"pk": "p", "bind": "x", "sk": Prefix("a")}):
            with pytest.raises(InvalidPageToken):
                await store.query(page_token=token, **wrong)
        async with open_("dynamodb", table=table, client=client, page_token_key=b"another key......") as other:
            with pytest.raises(InvalidPageToken):
                await other.query("p", page_token=token, bind="x")

    async def test_the_store_keeps_its_own_records_out_of_sight(self, store: Store) -> None:
        await store.ready()
        await store.transact([Put(KEY, {})], request_token="t")
        assert [item.key async for item in store.query_all(KEY.pk)] == [KEY]


class TestOpening:
    async def test_the_store_makes_its_own_client_by_the_aws_variables(self, moto: Any, table: str) -> None:
        async with open_("dynamodb", table=table, concurrency=2) as store:
            written = await store.put(KEY, {"n": 1})
            assert await asyncio.gather(*(store.get(KEY) for _ in range(20))) == [written] * 20

    async def test_a_table_that_is_not_there_fails_the_start_with_one_line(self, client: Any) -> None:
        async with open_("dynamodb", table="nowhere", client=client) as store:
            with pytest.raises(StoreUnavailable, match=r"table nowhere does not exist .*: create it first$"):
                await store.ready()

    def test_no_region_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
        with pytest.raises(StoreUnavailable, match="set AWS_REGION"):
            open_("dynamodb", table="t")
