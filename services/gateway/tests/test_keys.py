"""API keys: made, listed, replaced and revoked by their tenant; opening no more and no longer than they say."""

import sqlite3
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from hypothesis import given
from hypothesis import strategies as st

from adwright.gateway.v1 import ad_service_pb2_grpc, key_service_pb2_grpc
from adwright.gateway.v1 import key_service_pb2 as pb
from adwright.generator.v1 import generator_service_pb2 as generator_pb
from adwright_docstore import Store, open_store
from adwright_gateway.api_key import fingerprint, is_mistyped, new_secret
from adwright_gateway.app import open_gateway
from adwright_gateway.doorkeeper import REVOKED_WITHIN, Doorkeeper
from adwright_gateway.keys import KeyStore
from adwright_gateway.settings import Settings
from adwright_servicekit.channel import open_channel
from adwright_servicekit.errors import FailedPrecondition, InvalidInput, NotFound, PermissionDenied, Unauthenticated
from adwright_servicekit.telemetry import Telemetry
from adwright_servicekit.testing import expect_error

BOOTSTRAP = "a-key-that-somebody-chose"
READ, WRITE = "adwright.context.v1.ContextService/GetBrand", "adwright.context.v1.ContextService/CreateBrand"
Code = grpc.StatusCode


class Clock:
    """Stands still until it is told to go on."""

    def __init__(self) -> None:
        self.time = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time

    def advance(self, **by: float) -> None:
        self.time += timedelta(**by)


def bearer(secret: str) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {secret}"),)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def store(tmp_path: Path, clock: Clock) -> AsyncIterator[Store]:
    async with open_store("sqlite", path=tmp_path / "gateway.db", now=clock) as store:
        yield store


@pytest.fixture
def keys(store: Store, clock: Clock) -> KeyStore:
    return KeyStore(store, clock)


@pytest.fixture
def door(keys: KeyStore, clock: Clock) -> Doorkeeper:
    return Doorkeeper(keys, clock)


@given(st.integers(4, 39), st.sampled_from("0123456789abcXYZ"))
def test_a_mistyped_character_is_noticed_without_a_look_at_the_store(place: int, other: str) -> None:
    secret = new_secret()
    assert not is_mistyped(secret)
    assert is_mistyped(secret[:place] + other + secret[place + 1 :]) == (secret[place] != other)
    assert not is_mistyped("a-key-that-somebody-chose")


async def test_a_key_opens_what_its_scopes_say_for_its_tenant(keys: KeyStore, door: Doorkeeper) -> None:
    _, secret = await keys.create("acme", ["read"])
    identity = await door.identify(READ, bearer(secret))
    assert (identity.tenant, identity.scopes) == ("acme", {"read"})
    with pytest.raises(PermissionDenied, match="no scope 'write'"):
        await door.identify(WRITE, bearer(secret))
    with pytest.raises(Unauthenticated, match="mistyped"):
        await door.identify(READ, bearer(secret[:-1] + ("a" if secret[-1] != "a" else "b")))
    with pytest.raises(Unauthenticated, match="not known"):
        await door.identify(READ, bearer(new_secret()))


async def test_an_expired_key_opens_nothing(keys: KeyStore, door: Doorkeeper, clock: Clock) -> None:
    _, secret = await keys.create("acme", ["read"], ttl=timedelta(hours=1))
    clock.advance(minutes=59)
    await door.identify(READ, bearer(secret))
    clock.advance(seconds=60)
    with pytest.raises(Unauthenticated, match="expired"):
        await door.identify(READ, bearer(secret))


async def test_a_revoked_key_opens_nothing_within_the_bound_at_another_gateway(
    keys: KeyStore, door: Doorkeeper, clock: Clock
) -> None:
    made, secret = await keys.create("acme", ["read"])
    await door.identify(READ, bearer(secret))
    first = await keys.revoke("acme", made.id)
    assert await keys.revoke("acme", made.id) == first
    clock.advance(seconds=REVOKED_WITHIN)
    with pytest.raises(Unauthenticated, match="revoked"):
        await door.identify(READ, bearer(secret))
    with pytest.raises(FailedPrecondition, match="create another"):
        await keys.rotate("acme", made.id)


async def test_a_replaced_key_opens_until_its_overlap_ends(keys: KeyStore, door: Doorkeeper, clock: Clock) -> None:
    made, secret = await keys.create("acme", ["read", "write"], display_name="shop", ttl=timedelta(days=90))
    clock.advance(days=80)
    other, new, old = await keys.rotate("acme", made.id, overlap=timedelta(days=2))
    assert (other.scopes, other.display_name, other.expire_time) == (
        made.scopes,
        "shop",
        clock.time + timedelta(days=90),
    )
    assert old.expire_time == clock.time + timedelta(days=2)
    for key in (secret, new):
        await door.identify(WRITE, bearer(key))
    clock.advance(days=2)
    await door.identify(WRITE, bearer(new))
    with pytest.raises(Unauthenticated, match="expired"):
        await door.identify(WRITE, bearer(secret))
    # An overlap never makes a key live longer.
    third, _, second = await keys.rotate("acme", other.id, overlap=timedelta(days=400))
    assert second.expire_time == other.expire_time
    assert third.id not in (other.id, made.id)


async def test_tenants_see_their_own_keys_alone(keys: KeyStore) -> None:
    ours = [(await keys.create("acme", ["read"]))[0] for _ in range(5)]
    theirs, _ = await keys.create("acme#keys", ["read"])
    first, token = await keys.list("acme", 3, "")
    rest, end = await keys.list("acme", 3, token)
    assert [key.id for key in (*first, *rest)] == sorted(key.id for key in ours)
    assert end == ""
    with pytest.raises(InvalidInput, match="another list"):
        await keys.list("acme#keys", 3, token)
    for change in (keys.get, keys.revoke, keys.rotate):
        with pytest.raises(NotFound):
            await change("acme", theirs.id)


async def test_a_leaked_database_holds_no_key(tmp_path: Path, keys: KeyStore, door: Doorkeeper) -> None:
    await door.bootstrap(BOOTSTRAP)
    _, secret = await keys.create("acme", ["read"])
    rows = " ".join(sqlite3.connect(tmp_path / "gateway.db").iterdump())
    assert fingerprint(secret) in rows
    for leaked in (secret, secret[4:], BOOTSTRAP):
        assert leaked not in rows
    with pytest.raises(Unauthenticated):
        await door.identify(READ, bearer(fingerprint(secret)))


async def test_keys_are_managed_over_grpc_by_those_who_may(tmp_path: Path) -> None:
    environ = {
        "ADWRIGHT_GATEWAY_HTTP_LISTEN": "127.0.0.1:0",
        "ADWRIGHT_GATEWAY_LISTEN": "127.0.0.1:0",
        "ADWRIGHT_GATEWAY_SQLITE_PATH": str(tmp_path / "gateway.db"),
        "ADWRIGHT_GATEWAY_BOOTSTRAP_KEY": BOOTSTRAP,
        "ADWRIGHT_GENERATOR_TARGET": "127.0.0.1:1",
    }
    telemetry = Telemetry("test")
    async with (
        open_gateway(Settings.load(environ), telemetry) as gateway,
        open_channel(gateway.grpc.address, telemetry) as channel,
    ):
        stub: Any = key_service_pb2_grpc.KeyServiceStub(channel)
        admin, request = bearer(BOOTSTRAP), pb.CreateKeyRequest(key=pb.Key(display_name="shop", scopes=["read"]))
        made = await stub.CreateKey(request, metadata=admin)
        assert made.secret.startswith(made.key.hint)

        async def formats(secret: str) -> None:
            ads: Any = ad_service_pb2_grpc.AdServiceStub(channel)
            await ads.ListFormats(generator_pb.ListFormatsRequest(), metadata=bearer(secret))

        async with expect_error(Code.UNAVAILABLE, "GENERATOR_UNAVAILABLE"):
            await formats(made.secret)
        async with expect_error(Code.PERMISSION_DENIED, "SCOPE_MISSING"):
            await stub.ListKeys(pb.ListKeysRequest(), metadata=bearer(made.secret))
        overlap = Duration(seconds=0)
        turned = await stub.RotateKey(pb.RotateKeyRequest(name=made.key.name, overlap=overlap), metadata=admin)
        assert list(turned.key.scopes) == ["read"]
        async with expect_error(Code.UNAUTHENTICATED, "API_KEY_EXPIRED"):
            await formats(made.secret)
        await stub.RevokeKey(pb.RevokeKeyRequest(name=turned.key.name), metadata=admin)
        async with expect_error(Code.UNAUTHENTICATED, "API_KEY_REVOKED"):
            await formats(turned.secret)
        listed = (await stub.ListKeys(pb.ListKeysRequest(), metadata=admin)).keys
        assert {key.display_name for key in listed} == {"shop", "bootstrap"}
        assert (await stub.GetKey(pb.GetKeyRequest(name=turned.key.name), metadata=admin)).HasField("revoke_time")
        async with expect_error(Code.INVALID_ARGUMENT, "INVALID_INPUT") as errors:
            await stub.CreateKey(pb.CreateKeyRequest(key=pb.Key(scopes=["everything"])), metadata=admin)
        assert errors[0].violations[0].field == "key.scopes[0]"
