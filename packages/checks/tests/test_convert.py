"""Between protobuf messages and the package's own types."""

from decimal import Decimal

from google.type import money_pb2

from adwright.context.v1 import resources_pb2
from adwright.type.v1 import ad_pb2, format_pb2
from adwright_checks import AdText, Finding, Outcome, Price, Spec, default_checks, is_valid, load_formats, run_checks
from adwright_checks.convert import (
    ad_field_to_pb,
    brand_rules,
    finding_to_pb,
    format_to_pb,
    product_facts,
    subject_from,
)

FORMATS = load_formats()
PRODUCT = resources_pb2.Product(
    display_name="Aurora Trail 2",
    description="A light tent.",
    category="tent",
    features=["Ready in 5 minutes"],
    allowed_claims=["100% recycled"],
    specs=[resources_pb2.Spec(label="weight", value="1.9 kg")],
    price=money_pb2.Money(currency_code="EUR", units=249, nanos=990_000_000),
    localizations={
        "sv": resources_pb2.LocalizedText(display_name="Norrsken 2", description="Ett lätt tält på 1,9 kg."),
        "de": resources_pb2.LocalizedText(features=["Steht in 5 Minuten"]),
    },
)
BRAND = resources_pb2.Brand(
    display_name="Nordlys", banned_terms=["cheap"], competitors=["Fjordform"], languages=["sv", "en"]
)


def test_a_product_keeps_everything_an_ad_may_state() -> None:
    facts = product_facts(PRODUCT, "en")
    assert facts.texts == ("A light tent.", "tent", "Ready in 5 minutes", "100% recycled")
    assert facts.specs == (Spec("weight", "1.9 kg"),)
    assert facts.localized_texts == (("de", "Steht in 5 Minuten"), ("sv", "Ett lätt tält på 1,9 kg."))
    assert facts.price == Price("EUR", Decimal("249.99"))
    assert set(facts.all_names) == {"Aurora Trail 2", "Norrsken 2"}


def test_the_display_name_is_the_one_of_the_language_or_of_its_primary_subtag() -> None:
    names = {tag: product_facts(PRODUCT, tag).display_name for tag in ("sv", "sv-FI", "de", "en", "")}
    assert names == {"sv": "Norrsken 2", "sv-FI": "Norrsken 2"} | dict.fromkeys(("de", "en", ""), "Aurora Trail 2")


def test_reading_a_product_does_not_change_it() -> None:
    before = PRODUCT.SerializeToString(deterministic=True)
    product_facts(PRODUCT, "fi")
    assert PRODUCT.SerializeToString(deterministic=True) == before


def test_a_product_without_a_price_has_none() -> None:
    assert product_facts(resources_pb2.Product(display_name="Tent")).price is None


def test_a_brand_keeps_its_rules() -> None:
    rules = brand_rules(BRAND)
    assert (rules.banned_terms, rules.competitors, rules.languages) == (("cheap",), ("Fjordform",), ("sv", "en"))


def test_a_subject_without_a_language_takes_the_brands_first() -> None:
    subject = subject_from(
        [ad_pb2.AdField(path="text", text="Norrsken 2: 1,9 kg för 249,99 €")],
        FORMATS["plain"],
        brand=BRAND,
        products=[PRODUCT],
    )
    assert subject.language == "sv"
    assert is_valid(run_checks(default_checks(), subject))


def test_a_format_is_shown_with_its_limits_and_source() -> None:
    shown = format_to_pb(FORMATS["google-rsa"])
    assert shown.name == "formats/google-rsa"
    assert "https://support.google.com/" in shown.source
    assert shown.fields[0].counting == format_pb2.FormatField.COUNTING_EAST_ASIAN_WIDE_AS_TWO
    assert (shown.fields[0].field, shown.fields[0].max_length, shown.fields[0].repeated) == ("headlines", 30, True)


def test_a_finding_without_a_score_leaves_it_unset() -> None:
    unscored = finding_to_pb(Finding("facts", "text", Outcome.NOT_APPLICABLE, None, "No numbers."), variant=2)
    zero = finding_to_pb(Finding("facts", "text", Outcome.FAILED, 0.0, "Wrong.", required=True))
    assert not unscored.HasField("score")
    assert (unscored.variant, unscored.outcome) == (2, ad_pb2.Check.OUTCOME_NOT_APPLICABLE)
    assert zero.HasField("score")
    assert zero.required


def test_an_ad_field_carries_its_length_and_limit() -> None:
    field = ad_field_to_pb(AdText("headlines[0]", "軽いテント"), FORMATS["google-rsa"])
    assert (field.length, field.max_length) == (10, 30)
