"""`adwright eval suites`."""

from typing import Annotated

import typer

from ._options import Json

__all__ = ["suites"]

suites = typer.Typer(name="suites", help="Suites that are kept at the server.")

Name = Annotated[str, typer.Argument(help="launch, or suites/launch.", metavar="NAME")]


@suites.command("list")
def list_all(as_json: Json = False) -> int:
    """List the suites by name."""
    from ._eval_suites import show_suites
    from ._session import run

    return run("eval suites list", lambda client: show_suites(client, as_json=as_json))


@suites.command("get")
def get(
    name: Name,
    output: Annotated[str, typer.Option("--output", "-o", help="Write its files here.", metavar="FOLDER")] = "",
    as_json: Json = False,
) -> int:
    """Show one suite, or write its files into a folder."""
    from ._eval_suites import show_suite
    from ._session import run

    return run("eval suites get", lambda client: show_suite(client, name, output, as_json=as_json))


@suites.command("create")
def create(
    name: Name,
    suite: Annotated[
        str, typer.Argument(help="A YAML file, or a folder with promptfooconfig.yaml.", metavar="SUITE")
    ] = ".",
) -> int:
    """Keep a suite under a name, to run it with `adwright eval run suites/NAME`."""
    from ._eval_suites import create_suite
    from ._session import run

    return run("eval suites create", lambda client: create_suite(client, name, suite))


@suites.command("delete")
def delete(name: Name) -> int:
    """Forget a suite; runs of it stay."""
    from ._eval_suites import delete_suite
    from ._session import run

    return run("eval suites delete", lambda client: delete_suite(client, name))
