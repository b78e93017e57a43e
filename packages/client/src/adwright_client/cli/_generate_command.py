"""`adwright generate`."""

from typing import Annotated

import typer

from adwright_servicekit.errors import InvalidInput

from ._options import Brand, Brief, Json, Language, Products, Timeout

__all__ = ["generate"]


def generate(
    brand: Brand,
    format: Annotated[str, typer.Option("--format", "-f", help="google-rsa, or formats/google-rsa.", metavar="FORMAT")],
    product: Products = None,
    language: Language = "",
    brief: Brief = "",
    audience: Annotated[str, typer.Option(help="Whom the ad speaks to.", metavar="TEXT")] = "",
    tone: Annotated[str, typer.Option(help="How it should sound, beyond the voice.", metavar="TEXT")] = "",
    variants: Annotated[int, typer.Option(help="How many different ads.", min=1, max=8)] = 1,
    backend: Annotated[str, typer.Option(help="Who writes. Default: as routed.", metavar="NAME")] = "",
    adapter: Annotated[str, typer.Option(help="LoRA adapter of the model server.", metavar="NAME")] = "",
    batch: Annotated[bool, typer.Option("--batch", help="Let interactive work go first.")] = False,
    prompt_version: Annotated[str, typer.Option(help="Default: the newest.", metavar="NAME")] = "",
    seed: Annotated[int | None, typer.Option(help="Makes one backend repeat itself.", min=0, max=2**32 - 1)] = None,
    timeout: Timeout = 120.0,
    evaluate: Annotated[bool, typer.Option("--evaluate", help="Hold the ads against all scorers after.")] = False,
    as_json: Json = False,
) -> int:
    """Write an ad and watch it being written."""
    if evaluate and as_json:
        raise InvalidInput("--json prints the events alone: run 'adwright evaluate' for the scorers", reason="USAGE")
    from ..options import GenerateOptions
    from ._generate import Order, generate_ads
    from ._session import run

    options: GenerateOptions = {
        "products": tuple(product or ()),
        "language": language,
        "brief": brief,
        "audience": audience,
        "tone": tone,
        "variants": variants,
        "backend": backend,
        "adapter": adapter,
        "batch": batch,
        "prompt_version": prompt_version,
        "timeout": timeout,
    }
    if seed is not None:
        options["seed"] = seed
    order = Order(brand, format, options, evaluate=evaluate, as_json=as_json)
    return run("generate", lambda client: generate_ads(client, order), timeout=timeout)
