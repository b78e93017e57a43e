"""Options that several commands have."""

from typing import Annotated

import typer

__all__ = ["Brand", "Brief", "InBrand", "Json", "Language", "Products", "Timeout"]

Brand = Annotated[str, typer.Option("--brand", "-b", help="nordlys, or brands/nordlys.", metavar="BRAND")]
InBrand = Annotated[str, typer.Option("--brand", "-b", help="The brand; not needed with full names.", metavar="BRAND")]
Products = Annotated[
    list[str] | None,
    typer.Option("--product", "-p", help="Short id or full name. May be given several times.", metavar="PRODUCT"),
]
Language = Annotated[
    str, typer.Option("--language", "-l", help="BCP-47 tag. Default: the brand's first.", metavar="TAG")
]
Brief = Annotated[str, typer.Option("--brief", help="What the ad should say.", metavar="TEXT")]
Json = Annotated[bool, typer.Option("--json", help="JSON, one message a line.")]
Timeout = Annotated[float, typer.Option("--timeout", help="Seconds the work may take.", min=0.1, max=3600)]
