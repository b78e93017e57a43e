"""The work of `adwright generate`: stream to a screen, then hold the ads against the scorers where asked to."""

from dataclasses import dataclass

from adwright_servicekit.names import brand_name, short_id

from ..client import AsyncClient
from ..fold import AdView
from ..options import GenerateOptions
from ._evaluate import show_verdict
from ._output import terminal
from ._screens import open_screen
from ._words import Heading

__all__ = ["Order", "generate_ads"]


@dataclass(frozen=True, slots=True)
class Order:
    """What the user asked for."""

    brand: str
    format: str
    options: GenerateOptions
    evaluate: bool
    as_json: bool


async def generate_ads(client: AsyncClient, order: Order) -> int:
    """Exit code 0 when the stream was whole, also for ads that are not valid: the output says so."""
    generation = client.generate(order.brand, order.format, **order.options)
    heading = Heading(short_id(order.brand), order.format, client.target)
    screen = open_screen(generation.view, heading, terminal(), as_json=order.as_json)
    async with generation, screen:
        async for event in generation:
            screen.show(event)
    if order.evaluate:
        await _evaluate(client, order, generation.view)
    return 0


async def _evaluate(client: AsyncClient, order: Order, view: AdView) -> None:
    assert view.started is not None
    assert view.completed is not None
    brand = await client.brands.get(brand_name(order.brand))
    # Those that were written about: named by the user, or chosen by the brief.
    products = [await client.products.get(name) for name in view.started.products]
    for ad in view.completed.ads:
        verdict = await client.evaluate(
            ad.fields,
            format=view.started.format,
            language=view.started.language,
            brand=brand,
            products=products,
            brief=order.options.get("brief", ""),
        )
        title = "evaluation" if len(view.completed.ads) == 1 else f"evaluation of variant {ad.variant}"
        show_verdict(verdict, title)
