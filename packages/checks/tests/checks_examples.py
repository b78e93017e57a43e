"""The tent that the tests advertise."""

from decimal import Decimal

from adwright_checks import AdText, BrandRules, Format, Price, ProductFacts, Spec, Subject, load_formats

FORMATS = load_formats()

TENT = ProductFacts(
    display_name="Aurora Trail 2",
    texts=(
        "A two-person tent for 3 seasons.",
        "100% recycled polyester, 20D ripstop nylon",
        "8 pegs and 2 poles",
        "Ready in 5 minutes",
        "2-year warranty",
    ),
    localized_texts=(("sv", "Väger bara 1,9 kg"),),
    specs=(
        Spec("weight", "1.9 kg"),
        Spec("packed size", "42 x 14 cm"),
        Spec("water column", "3,000 mm"),
        Spec("comfort", "-5 °C"),
        Spec("floor (m2)", "2.8"),
        Spec("power bank", "5000 mAh"),
        Spec("protection", "IP67"),
    ),
    price=Price("EUR", Decimal("249")),
)
NORDLYS = BrandRules(
    display_name="Nordlys", banned_terms=("cheap", "best ever"), competitors=("Fjordform",), languages=("en", "sv")
)


def ad(
    *texts: str,
    format: str = "plain",
    language: str = "en",
    brand: BrandRules | None = NORDLYS,
    products: tuple[ProductFacts, ...] = (TENT,),
    brief: str = "",
) -> Subject:
    """An ad whose texts stand in the paths of the format's first field."""
    chosen = FORMATS[format]
    fields = tuple(AdText(chosen.fields[0].path(index), text) for index, text in enumerate(texts))
    return Subject(fields, chosen, language, brand, products, brief)


def rsa(headlines: list[str], descriptions: list[str], format: Format | None = None) -> Subject:
    """A responsive search ad for the tent."""
    fields = [AdText(f"headlines[{index}]", text) for index, text in enumerate(headlines)]
    fields += [AdText(f"descriptions[{index}]", text) for index, text in enumerate(descriptions)]
    return Subject(tuple(fields), format or FORMATS["google-rsa"], "en", NORDLYS, (TENT,))
