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


def test_only_the_limits_that_are_named_change_and_all_are_shown(
    environ: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    made = ["create-tenant", "acme", "--usd-per-month", "25.5", "--tokens-per-day", "1000"]
    assert admin.run(made, environ) == 0
    secret = capsys.readouterr().out.strip()
    assert admin.run(["set-limits", "acme", "--concurrent-streams", "20", "--tokens-per-day", "0"], environ) == 0
    assert asyncio.run(kept(environ, "acme", secret))[1] == Limits(
        concurrent_streams=20, usd_micros_per_month=25_500_000
    )
    assert capsys.readouterr().out.splitlines() == [
        "tenant acme: requests-per-minute no limit, concurrent-streams 20, tokens-per-day no limit, "
        "usd-per-month 25.5; in effect at every gateway within five seconds"
    ]
    assert admin.run(["set-limits", "acme"], environ) == 0
    assert "concurrent-streams 20, tokens-per-day no limit, usd-per-month 25.5" in capsys.readouterr().out


def test_an_unknown_tenant_is_refused_with_the_nearest_name(
    environ: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert admin.run(["create-tenant", "acme"], environ) == 0
    capsys.readouterr()
    for name, hint in (("acne", "did you mean acme?"), ("zzz", "create-tenant makes one")):
        assert admin.run(["set-limits", name, "--concurrent-streams", "20"], environ) == 2
        said = capsys.readouterr()
        assert said.out == ""
        assert said.err == f"adwright_gateway admin: there is no tenant {name}: {hint}\n"
        assert asyncio.run(kept(environ, name, ""))[1] == Limits()


def test_a_tenant_that_has_only_a_key_gets_limits_and_is_suggested(
    environ: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    async def bootstrap() -> None:
        async with await StoreSettings.load(environ).place.open() as store:
            await KeyStore(store, utc_now).create("demo", ["generate"])

    asyncio.run(bootstrap())
    assert admin.run(["set-limits", "dem0", "--requests-per-minute", "60"], environ) == 2
    assert "did you mean demo?" in capsys.readouterr().err
    assert admin.run(["set-limits", "demo", "--requests-per-minute", "60"], environ) == 0
    assert asyncio.run(kept(environ, "demo", ""))[1] == Limits(requests_per_minute=60)


async def test_limits_that_are_changed_at_the_same_time_are_all_kept(environ: dict[str, str]) -> None:
    async with await StoreSettings.load(environ).place.open() as store:
        keys = KeyStore(store, utc_now)
        await keys.create("acme", ["generate"])
        tenants = Tenants(store, keys)
        named = {"requests_per_minute": 1, "concurrent_streams": 2, "tokens_per_day": 3, "usd_micros_per_month": 4}
        await asyncio.gather(*(tenants.change_limits("acme", {name: limit}) for name, limit in named.items()))
        assert await tenants.limits("acme") == Limits(**named)


@pytest.mark.parametrize("command", ["create-tenant", "set-limits"])
def test_help_says_what_zero_means(capsys: pytest.CaptureFixture[str], command: str) -> None:
    assert admin.run([command, "--help"], {}) == 0
    assert " ".join(capsys.readouterr().out.split()).count("0: no limit") == 4


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["create-tenant", "Not A Name"], "lower-case"),
        (["set-limits", "acme", "--tokens-per-day", "-1"], "tokens-per-day"),
        (["set-limits", "acme", "--usd-per-month", "much"], "amount such as"),
        (["set-limits", "acme", "--usd-per-month", "0.0000001"], "amount such as"),
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
