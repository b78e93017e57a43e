"""The commands and their options. Each hands its work to a module that is imported when it runs."""

from typing import Annotated

import typer

from .. import __version__
from ._catalogue_commands import brands, exemplars, products
from ._eval_commands import evals
from ._evaluate_commands import evaluate, formats
from ._generate_command import generate
from ._key_commands import keys

__all__ = ["app"]

app = typer.Typer(
    name="adwright",
    help="Writes on-brand, platform-valid ads, streamed while the model decodes.",
    epilog="ADWRIGHT_GATEWAY_TARGET and ADWRIGHT_API_KEY say where the gateway is and who is calling.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(generate)
app.command()(evaluate)
app.add_typer(brands)
app.add_typer(products)
app.add_typer(exemplars)
app.add_typer(formats)
app.add_typer(keys)
app.add_typer(evals)


@app.command()
def version() -> int:
    """Print the version."""
    print(f"adwright {__version__}")
    return 0


def _print_version(wanted: bool) -> None:
    if wanted:
        raise typer.Exit(version())


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    if context.invoked_subcommand is None:
        print(context.get_help())
