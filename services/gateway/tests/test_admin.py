"""What an operator does at a command line."""

import asyncio
from pathlib import Path

import pytest

from adwright_gateway import admin
from adwright_gateway.api_key import fingerprint
from adwright_gateway.keys import ApiKey, KeyStore
from adwright_gateway.ledger import Limits
from adwright_gateway.settings import StoreSettings
from adwright_gateway.tenants import Tenants
from adwright_resources.stores import utc_now


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"ADWRIGHT_GATEWAY_SQLITE_PATH": str(tmp_path / "gateway.db")}


async def kept(environ: dict[str, str], tenant: str, secret: str) -> tuple[ApiKey | None, Limits]:
    async with await StoreSettings.load(environ).place.open() as store:
        keys = KeyStore(store, utc_now)
        return await keys.find(fingerprint(secret)), await Tenants(store, keys).limits(tenant)


def test_a_tenant_is_made_once_with_a_key_and_limits(
    environ: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["create-tenant", "acme", "--concurrent-streams", "5", "--usd-per-month", "25.5"]
    assert admin.run(command, environ) == 0
    secret = capsys.readouterr().out.strip()
    key, limits = asyncio.run(kept(environ, "acme", secret))
    assert key is not None
    assert (key.tenant, "admin" in key.scopes) == ("acme", True)
    assert limits == Limits(concurrent_streams=5, usd_micros_per_month=25_500_000)

    assert admin.run(command, environ) == 2
    assert "there already" in capsys.readouterr().err
    assert admin.run(["set-limits", "acme", "--tokens-per-day", "1000"], environ) == 0
    assert asyncio.run(kept(environ, "acme", secret))[1] == Limits(tokens_per_day=1000)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["create-tenant", "Not A Name"], "lower-case"),
        (["set-limits", "acme", "--tokens-per-day", "-1"], "tokens-per-day"),
        (["set-limits", "acme", "--usd-per-month", "much"], "amount such as"),
        (["nonsense"], "invalid choice"),
    ],
)
def test_bad_arguments_are_named(
    environ: dict[str, str], capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert admin.run(arguments, environ) == 2
    assert said in capsys.readouterr().err


def test_a_store_that_cannot_be_opened_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert admin.run(["create-table"], {"ADWRIGHT_GATEWAY_SQLITE_PATH": "/proc/nowhere/gateway.db"}) == 2
    assert "ADWRIGHT_GATEWAY_SQLITE_PATH" in capsys.readouterr().err
