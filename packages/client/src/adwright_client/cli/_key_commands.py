"""`adwright keys`."""

from typing import Annotated

import typer

from ._options import Json

__all__ = ["keys"]

keys = typer.Typer(name="keys", help="API keys of your tenant; needs a key with the scope admin.")

_MOST = 10**15
Name = Annotated[str, typer.Argument(help="The key's id, as `keys list` shows it.", metavar="KEY")]
Days = Annotated[int, typer.Option("--days", help="How long it opens. Default: for good.", min=0, max=3650)]


@keys.command("create")
def create_key(
    scope: Annotated[
        list[str], typer.Option("--scope", help="generate, read, write, evaluate or admin. May be given several times.")
    ],
    name: Annotated[str, typer.Option("--name", help="What it is for.", metavar="TEXT")] = "",
    days: Days = 0,
    requests_per_minute: Annotated[
        int,
        typer.Option("--requests-per-minute", help="Generations that may begin in a minute.", min=0, max=_MOST),
    ] = 0,
    concurrent_streams: Annotated[
        int, typer.Option("--concurrent-streams", help="Generations that may run at the same time.", min=0, max=_MOST)
    ] = 0,
    tokens_per_day: Annotated[
        int, typer.Option("--tokens-per-day", help="Tokens, read and written, of a day (UTC).", min=0, max=_MOST)
    ] = 0,
    usd_per_month: Annotated[
        float, typer.Option("--usd-per-month", help="What backends may cost in a month (UTC).", min=0, max=1e9)
    ] = 0,
) -> int:
    """Make a key. Its secret is printed once, alone on standard output."""
    from adwright.gateway.v1.quota_service_pb2 import Limits

    from ._keys import create
    from ._session import run

    limits = Limits(
        requests_per_minute=requests_per_minute,
        concurrent_streams=concurrent_streams,
        tokens_per_day=tokens_per_day,
        usd_micros_per_month=round(usd_per_month * 1_000_000),
    )
    return run("keys create", lambda client: create(client.keys, scope, name, days, limits))


@keys.command("list")
def list_keys(as_json: Json = False) -> int:
    """List all keys, without their secrets."""
    from ._listing import show_list
    from ._session import run

    return run("keys list", lambda client: show_list("keys", client.keys.list(), as_json=as_json))


@keys.command("rotate")
def rotate_key(
    key: Name,
    overlap_hours: Annotated[
        int, typer.Option("--overlap-hours", help="How long the old one still opens.", min=0, max=720)
    ] = 24,
    days: Days = 0,
) -> int:
    """Make a key with the same scopes; the old one expires."""
    from ._keys import rotate
    from ._session import run

    return run("keys rotate", lambda client: rotate(client.keys, key, overlap_hours, days))


@keys.command("revoke")
def revoke_key(key: Name) -> int:
    """End a key, everywhere within five seconds."""
    from ._keys import revoke
    from ._session import run

    return run("keys revoke", lambda client: revoke(client.keys, key))
