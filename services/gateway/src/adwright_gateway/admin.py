"""What an operator does: set the store up, make tenants, say what they may use."""

from __future__ import annotations

import argparse
import asyncio
import re
import sys
from collections.abc import Mapping
from dataclasses import asdict

from adwright_docstore import StoreError
from adwright_resources.stores import utc_now
from adwright_resources.table_admin import TABLE_COMMANDS, add_table_commands, set_up_table
from adwright_servicekit.errors import AdwrightError
from adwright_servicekit.settings import SettingsError

from .keys import KeyStore
from .ledger import Limits
from .scopes import ALL_SCOPES
from .settings import StoreSettings
from .tenants import Tenants

__all__ = ["run"]

_LIMITS = {
    "requests-per-minute": "generations that may begin in a minute",
    "concurrent-streams": "generations that may run at the same time",
    "tokens-per-day": "tokens, read and written, of a day (UTC)",
}


def run(arguments: list[str], environ: Mapping[str, str]) -> int:
    """Runs `admin …` and returns the exit code: 0 done, 1 failed, 2 bad input."""
    parser = argparse.ArgumentParser(prog="python -m adwright_gateway admin", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    add_table_commands(commands)
    create = commands.add_parser("create-tenant", help="make a tenant; prints its first key, with all scopes")
    limits = commands.add_parser("set-limits", help="say what a tenant may use; what is left out has no limit")
    for command in (create, limits):
        command.add_argument("tenant", type=_tenant, help="lower-case letters, digits and hyphens")
        for name, means in _LIMITS.items():
            command.add_argument(f"--{name}", type=_count, default=0, help=means)
        command.add_argument(
            "--usd-per-month", type=_dollars, default=0, dest="usd_micros_per_month", help="what backends may cost"
        )
    try:
        options = parser.parse_args(arguments)
    except SystemExit as stop:
        return int(stop.code or 0)
    try:
        settings = StoreSettings.load(environ)
        if options.command in TABLE_COMMANDS:
            return asyncio.run(set_up_table(settings.place, options))
        return asyncio.run(_tenants(settings, options))
    except SettingsError as error:
        print(f"adwright_gateway admin: {error}", file=sys.stderr)
        return 2
    except (AdwrightError, StoreError) as error:
        print(f"adwright_gateway admin: {error}", file=sys.stderr)
        return 1


async def _tenants(settings: StoreSettings, options: argparse.Namespace) -> int:
    limits = Limits(**{name: getattr(options, name) for name in asdict(Limits())})
    async with await settings.place.open() as store:
        keys = KeyStore(store, utc_now)
        if options.command == "create-tenant":
            there, _ = await keys.list(options.tenant, 1, "")
            if there:
                print(f"tenant {options.tenant} is there already: set-limits changes its limits", file=sys.stderr)
                return 2
        await Tenants(store, keys).set_limits(options.tenant, limits)
        if options.command == "create-tenant":
            _, secret = await keys.create(options.tenant, ALL_SCOPES, display_name="first key")
            print(f"tenant {options.tenant} is made; its key, shown this once:", file=sys.stderr)
            print(secret)
        else:
            print(f"tenant {options.tenant}: in effect at every gateway within five seconds", file=sys.stderr)
    return 0


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
        micros = round(float(text) * 1_000_000)
    except (ValueError, OverflowError):
        micros = -1
    if micros < 0:
        raise argparse.ArgumentTypeError("expected an amount such as 25 or 0.50")
    return micros
