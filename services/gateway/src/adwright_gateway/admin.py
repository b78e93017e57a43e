"""What an operator does: set the store up, make tenants, say what they may use."""

from __future__ import annotations

import argparse
import asyncio
import re
import sys
from collections.abc import Mapping

from adwright_docstore import StoreError
from adwright_resources.stores import utc_now
from adwright_resources.table_admin import TABLE_COMMANDS, add_table_commands, set_up_table
from adwright_servicekit.errors import AdwrightError, NotFound
from adwright_servicekit.settings import SettingsError

from .keys import KeyStore
from .ledger import Limits
from .scopes import ALL_SCOPES
from .settings import StoreSettings
from .tenants import Tenants

__all__ = ["run"]

_LIMITS = {
    "requests-per-minute": ("requests_per_minute", "generations that may begin in a minute"),
    "concurrent-streams": ("concurrent_streams", "generations that may run at the same time"),
    "tokens-per-day": ("tokens_per_day", "tokens, read and written, of a day (UTC)"),
    "usd-per-month": ("usd_micros_per_month", "what backends may cost in a month (UTC)"),
}
"""Options by name: the field of Limits, and what it means."""


def run(arguments: list[str], environ: Mapping[str, str]) -> int:
    """Runs `admin …` and returns the exit code: 0 done, 1 failed, 2 bad input."""
    parser = argparse.ArgumentParser(prog="python -m adwright_gateway admin", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    add_table_commands(commands)
    create = commands.add_parser("create-tenant", help="make a tenant; prints its first key, with all scopes")
    does = "change the limits that are named, leave the others as they are; prints them all"
    change = commands.add_parser("set-limits", help=does, description=does)
    for command in (create, change):
        command.add_argument("tenant", type=_tenant, help="lower-case letters, digits and hyphens")
        for name, (field, means) in _LIMITS.items():
            read, unit = (_dollars, "USD") if name == "usd-per-month" else (_count, "COUNT")
            command.add_argument(f"--{name}", type=read, metavar=unit, dest=field, help=f"{means}; 0: no limit")
    try:
        options = parser.parse_args(arguments)
    except SystemExit as stop:
        return int(stop.code or 0)
    try:
        settings = StoreSettings.load(environ)
        if options.command in TABLE_COMMANDS:
            return asyncio.run(set_up_table(settings.place, options))
        return asyncio.run(_tenants(settings, options))
    except (SettingsError, NotFound) as error:
        print(f"adwright_gateway admin: {error}", file=sys.stderr)
        return 2
    except (AdwrightError, StoreError) as error:
        print(f"adwright_gateway admin: {error}", file=sys.stderr)
        return 1


async def _tenants(settings: StoreSettings, options: argparse.Namespace) -> int:
    given = {field: getattr(options, field) for field, _ in _LIMITS.values()}
    named = {field: amount for field, amount in given.items() if amount is not None}
    async with await settings.place.open() as store:
        keys = KeyStore(store, utc_now)
        tenants = Tenants(store, keys)
        if options.command == "set-limits":
            limits = await tenants.change_limits(options.tenant, named)
            print(f"tenant {options.tenant}: {_said(limits)}; in effect at every gateway within five seconds")
            return 0
        there, _ = await keys.list(options.tenant, 1, "")
        if there:
            print(f"tenant {options.tenant} is there already: set-limits changes its limits", file=sys.stderr)
            return 2
        await tenants.set_limits(options.tenant, Limits(**named))
        _, secret = await keys.create(options.tenant, ALL_SCOPES, display_name="first key")
        print(f"tenant {options.tenant} is made; its key, shown this once:", file=sys.stderr)
        print(secret)
    return 0


def _said(limits: Limits) -> str:
    """`requests-per-minute no limit, concurrent-streams 20, …`, all of them."""
    amounts = {name: getattr(limits, field) for name, (field, _) in _LIMITS.items()}
    amounts["usd-per-month"] /= 1_000_000
    return ", ".join(f"{name} {amount:.15g}" if amount else f"{name} no limit" for name, amount in amounts.items())


def _tenant(text: str) -> str:
    if re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", text) is None:
        raise argparse.ArgumentTypeError("expected lower-case letters, digits and hyphens, at most 63")
    return text


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError("expected a whole number")
    return int(text)


def _dollars(text: str) -> int:
    try:
        dollars = float(text)
        micros = round(dollars * 1_000_000)
    except (ValueError, OverflowError):
        dollars, micros = 0.0, -1
    # So little that it would be none is not taken for no limit.
    if micros < 0 or (dollars and not micros):
        raise argparse.ArgumentTypeError("expected an amount such as 25 or 0.50")
    return micros
