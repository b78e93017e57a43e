"""`adwright keys`."""

from typing import Annotated

import typer

from ._options import Json

__all__ = ["keys"]

keys = typer.Typer(name="keys", help="API keys of your tenant; needs a key with the scope admin.")

Name = Annotated[str, typer.Argument(help="The key's id, as `keys list` shows it.", metavar="KEY")]
Days = Annotated[int, typer.Option("--days", help="How long it opens. Default: for good.", min=0, max=3650)]


@keys.command("create")
def create_key(
    scope: Annotated[
        list[str], typer.Option("--scope", help="generate, read, write, evaluate or admin. May be given several times.")
    ],
    name: Annotated[str, typer.Option("--name", help="What it is for.", metavar="TEXT")] = "",
    days: Days = 0,
) -> int:
    """Make a key. Its secret is printed once, alone on standard output."""
    from ._keys import create
    from ._session import run

    return run("keys create", lambda client: create(client.keys, scope, name, days))


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
