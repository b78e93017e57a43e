"""Between protobuf messages and this package's own types: the only module here that knows protobuf."""

from collections.abc import Iterable
from decimal import Decimal

from adwright.context.v1 import resources_pb2
from adwright.type.v1 import ad_pb2, format_pb2
from adwright_checks.formats import Format
from adwright_checks.lengths import Counting, text_length
from adwright_checks.model import (
    AdText,
    BrandRules,
    Finding,
    Outcome,
    Price,
    ProductFacts,
    Spec,
    Subject,
)

__all__ = [
    "ad_field_to_pb",
    "ad_texts",
    "brand_rules",
    "finding_to_pb",
    "format_to_pb",
    "product_facts",
    "subject_from",
]

_OUTCOMES = {
    Outcome.PASSED: ad_pb2.Check.OUTCOME_PASSED,
    Outcome.FAILED: ad_pb2.Check.OUTCOME_FAILED,
    Outcome.NOT_APPLICABLE: ad_pb2.Check.OUTCOME_NOT_APPLICABLE,
    Outcome.ERROR: ad_pb2.Check.OUTCOME_ERROR,
}
_COUNTINGS = {
    Counting.CODE_POINTS: format_pb2.FormatField.COUNTING_CODE_POINTS,
    Counting.EAST_ASIAN_WIDE_AS_TWO: format_pb2.FormatField.COUNTING_EAST_ASIAN_WIDE_AS_TWO,
}


def brand_rules(brand: resources_pb2.Brand) -> BrandRules:
    """What `brand` asks of every ad."""
    return BrandRules(
        display_name=brand.display_name,
        banned_terms=tuple(brand.banned_terms),
        competitors=tuple(brand.competitors),
        languages=tuple(brand.languages),
        disclaimers=tuple(brand.required_disclaimers),
    )


def product_facts(product: resources_pb2.Product, language: str = "") -> ProductFacts:
    """What an ad in `language` may state of `product`: all its data, whatever language it stands
    in.
    """
    localized = sorted(product.localizations.items())
    here = _localization(product, language)
    texts = (product.description, product.category, *product.features, *product.allowed_claims)
    return ProductFacts(
        display_name=(here.display_name if here else "") or product.display_name,
        names=(
            product.display_name,
            *(text.display_name for _, text in localized if text.display_name),
        ),
        texts=tuple(filter(None, texts)),
        localized_texts=tuple(
            (tag, item) for tag, text in localized for item in (text.description, *text.features) if item
        ),
        specs=tuple(Spec(spec.label, spec.value) for spec in product.specs),
        price=_price(product),
    )


def subject_from(
    fields: Iterable[ad_pb2.AdField],
    format: Format,
    *,
    language: str = "",
    brand: resources_pb2.Brand | None = None,
    products: Iterable[resources_pb2.Product] = (),
    brief: str = "",
) -> Subject:
    """An ad and everything it is held against. `brand` is None when there is none, never an empty
    message.
    """
    rules = brand_rules(brand) if brand is not None else None
    language = language or (rules.languages[0] if rules and rules.languages else "")
    return Subject(
        fields=ad_texts(fields),
        format=format,
        language=language,
        brand=rules,
        products=tuple(product_facts(product, language) for product in products),
        brief=brief,
    )


def ad_texts(fields: Iterable[ad_pb2.AdField]) -> tuple[AdText, ...]:
    """The texts of an ad."""
    return tuple(AdText(field.path, field.text) for field in fields)


def ad_field_to_pb(text: AdText, format: Format) -> ad_pb2.AdField:
    """`text` with its length and limit as the platform counts them; both 0 for a path the format
    does not have.
    """
    field = format.field_for(text.path)
    if field is None:
        return ad_pb2.AdField(path=text.path, text=text.text)
    return ad_pb2.AdField(
        path=text.path,
        text=text.text,
        length=text_length(text.text, field.counting),
        max_length=field.max_length,
    )


def format_to_pb(format: Format) -> format_pb2.Format:
    """The format as the API shows it. What only the writer of prompts needs is left out."""
    source = format.source
    return format_pb2.Format(
        name=format.name,
        display_name=format.display_name,
        platform=format.platform,
        source=f"{source.title}, {source.address}, {source.date.isoformat()}",
        fields=[
            format_pb2.FormatField(
                field=field.id,
                min_count=field.min_count,
                max_count=field.max_count,
                default_count=field.default_count,
                max_length=field.max_length,
                counting=_COUNTINGS[field.counting],
                repeated=field.repeated,
            )
            for field in format.fields
        ],
    )


def finding_to_pb(finding: Finding, variant: int = 0) -> ad_pb2.Check:
    """A finding about the ad's `variant`, counted from 0."""
    return ad_pb2.Check(
        name=finding.check,
        variant=variant,
        path=finding.path,
        outcome=_OUTCOMES[finding.outcome],
        score=finding.score,
        message=finding.message,
        required=finding.required,
    )


def _localization(product: resources_pb2.Product, language: str) -> resources_pb2.LocalizedText | None:
    """The texts for `language`, or for its primary subtag: `sv` serves `sv-FI`. Reading the map
    must not add to it.
    """
    tags = {tag.lower(): tag for tag in product.localizations}
    wanted = language.lower()
    for candidate in (wanted, wanted.split("-")[0]):
        if candidate in tags:
            return product.localizations[tags[candidate]]
    return None


def _price(product: resources_pb2.Product) -> Price | None:
    if not product.HasField("price") or not product.price.currency_code:
        return None
    money = product.price
    # google.type.Money: units plus nano units of 10^-9, both with the sign of the amount.
    amount = Decimal(money.units) + Decimal(money.nanos).scaleb(-9)
    return Price(money.currency_code.upper(), amount)
