"""`adwright evaluate` and `adwright formats`."""

from typing import Annotated

import typer

from adwright_servicekit.errors import InvalidInput

from ._options import Brief, InBrand, Json, Language, Products, Timeout

__all__ = ["evaluate", "formats"]

formats = typer.Typer(name="formats", help="Ad formats and their limits.")


def evaluate(
    text: Annotated[str, typer.Option(help="A text without fields.", metavar="TEXT")] = "",
    field: Annotated[
        list[str] | None,
        typer.Option(help="One text of an ad: headlines[0]=Light. May be given several times.", metavar="PATH=TEXT"),
    ] = None,
    format: Annotated[str, typer.Option("--format", "-f", help="The format whose limits hold.", metavar="FORMAT")] = "",
    brand: InBrand = "",
    product: Products = None,
    language: Language = "",
    brief: Brief = "",
    scorer: Annotated[
        list[str] | None, typer.Option(help="Only these scorers. May be given several times.", metavar="NAME")
    ] = None,
    timeout: Timeout = 120.0,
    as_json: Json = False,
) -> int:
    """Hold a text against the scorers; exit code 1 when a required one fails."""
    fields = _fields(text, field or ())
    from ._evaluate import evaluate_text
    from ._session import run

    return run(
        "evaluate",
        lambda client: evaluate_text(
            client.evaluate(
                fields,
                format=format,
                language=language,
                brand=brand or None,
                products=product or (),
                scorers=scorer or (),
                brief=brief,
            ),
            as_json=as_json,
        ),
        timeout=timeout,
    )


@formats.command("list")
def list_formats(as_json: Json = False) -> int:
    """List the ad formats with their fields and limits."""
    from ._listing import show_list
    from ._session import run

    return run("formats list", lambda client: show_list("formats", client.list_formats(), as_json=as_json))


def _fields(text: str, pairs: list[str] | tuple[str, ...]) -> dict[str, str]:
    if bool(text) == bool(pairs):
        raise InvalidInput("give the text with --text, or the texts of an ad with --field", reason="USAGE")
    fields = {"text": text} if text else {}
    for pair in pairs:
        path, separator, value = pair.partition("=")
        if not separator:
            raise InvalidInput.of("--field", f"'{pair}' is not PATH=TEXT, like headlines[0]=Light")
        fields[path] = value
    return fields
