"""Every number of an ad is looked up in the data."""

import time
from decimal import Decimal

import pytest
from checks_examples import NORDLYS, TENT, ad

from adwright_checks import Finding, Outcome, Price, ProductFacts, Spec
from adwright_checks.checks import Facts

check = Facts()


def outcome(text: str, language: str = "en", **data: object) -> Outcome:
    return check(ad(text, language=language, **data))[0].outcome  # type: ignore[arg-type]


def failure(text: str, language: str = "en", **data: object) -> Finding:
    (finding,) = check(ad(text, language=language, **data))  # type: ignore[arg-type]
    assert finding.outcome is Outcome.FAILED, finding
    return finding


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Just 1.9 kg", "en"),
        ("Just 1.90 kg", "en"),
        ("Bara 1,9 kg", "sv"),
        ("Nur 1,9-kg-Zelt", "de"),
        ("Das 1,9-Kilo-Zelt", "de"),
        ("1.9kg", "ja"),
        ("重さ1.9kgのテント", "ja"),
        ("１．９ｋｇ", "ja"),
        ("1900 g", "en"),
        ("1,900 g", "en"),
        ("1 900 g", "sv"),
        ("1\u202f900 g", "fr"),
        ("1.900 g", "de"),
        ("1'900 g", "de-CH"),
    ],
)
def test_a_weight_is_right_however_the_language_writes_it(text: str, language: str) -> None:
    assert outcome(text, language) is Outcome.PASSED


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("€249", "en"),
        ("€ 249.00", "en"),
        ("249 €", "de"),
        ("249,00 €", "de"),
        ("249\u00a0€", "fr"),
        ("EUR 249", "en"),
        ("EUR249", "en"),
        ("249 euros", "fr"),
        ("Das 249-Euro-Zelt", "de"),
        ("249,-", "nb"),
        ("Nur 249!", "de"),
        ("٢٤٩ €", "ar"),
    ],
)
def test_a_price_is_right_however_the_language_writes_it(text: str, language: str) -> None:
    assert outcome(text, language) is Outcome.PASSED


@pytest.mark.parametrize(
    ("price", "text", "language"),
    [
        (Price("SEK", Decimal("2490")), "2 490 kr", "sv"),
        (Price("SEK", Decimal("2490")), "2\u202f490 kr", "sv"),
        (Price("SEK", Decimal("2490")), "SEK 2,490", "en"),
        (Price("SEK", Decimal("2490")), "kr 2.490,-", "nb"),
        (Price("SEK", Decimal("2490")), "2 490:-", "sv"),
        (Price("EUR", Decimal("1299.00")), "1.299,00 €", "de"),
        (Price("EUR", Decimal("1299.00")), "€1,299", "en"),
        (Price("CHF", Decimal("1299")), "CHF 1’299.–", "de-CH"),
        (Price("CAD", Decimal("329")), "$329", "en"),
        (Price("CAD", Decimal("329")), "C$329", "en"),
        (Price("USD", Decimal("0.99")), "$0.99", "en"),
        (Price("JPY", Decimal("32000")), "3.2万円", "ja"),
        (Price("JPY", Decimal("32000")), "¥32,000", "ja"),
        (Price("INR", Decimal("129999")), "₹1,29,999", "en-IN"),
        (Price("GBP", Decimal("219")), "219 pounds", "en"),
    ],
)
def test_prices_in_many_currencies_are_recognised(price: Price, text: str, language: str) -> None:
    tent = ProductFacts("Tent", price=price)
    assert outcome(text, language, products=(tent,)) is Outcome.PASSED


@pytest.mark.parametrize("text", ["$249", "£249", "249 kr", "€250", "€24.9", "€2,490", "249 €/month", "€249 a year"])
def test_another_amount_currency_or_period_fails(text: str) -> None:
    failure(text)


def test_a_dollar_sign_stands_for_any_dollar_of_the_product_but_a_named_dollar_does_not() -> None:
    tent = ProductFacts("Tent", price=Price("CAD", Decimal("329")))
    assert outcome("$329", products=(tent,)) is Outcome.PASSED
    failure("US$329", products=(tent,))


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("1.9 g", "en"),
        ("1.9 m", "en"),
        ("1.8 kg", "en"),
        ("2 kg", "en"),
        ("1,900 kg", "en"),
        ("1.900 kg", "de"),
        ("1,9 g", "sv"),
        ("42 mm", "en"),
        ("5000 Ah", "en"),
        ("5 kg/m2", "en"),
    ],
)
def test_a_right_number_with_a_wrong_unit_or_size_fails(text: str, language: str) -> None:
    failure(text, language)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("3 m water column", "en"),
        ("420 x 140 mm", "en"),
        ("42 × 14 cm", "en"),
        ("42×14 cm", "en"),
        ("14 cm dünn", "de"),
        ("2.8 m²", "en"),
        ("2,8 kvm", "sv"),
        ("5 Ah", "en"),
        ("24 months warranty", "en"),
        ("300 seconds", "en"),
        ("23 °F", "en"),
        ("−5 °C", "en"),
        ("minus 5 grader", "sv"),
    ],
)
def test_units_of_one_dimension_are_converted_exactly(text: str, language: str) -> None:
    assert outcome(text, language) is Outcome.PASSED


def test_nothing_is_rounded() -> None:
    failure("4.2 lb")


def test_the_sign_of_a_temperature_counts() -> None:
    failure("Down to 5 °C")
    assert outcome("Down to –5 °C") is Outcome.PASSED


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("A two-person tent", "en"),
        ("2-person", "en"),
        ("Für zwei Personen", "de"),
        ("Zweipersonenzelt", "de"),
        ("Ett tvåmannatält", "sv"),
        ("2-mannstelt", "nb"),
        ("Til to personer", "da"),
        ("Pour deux personnes", "fr"),
        ("Para dos personas", "es"),
        ("Kahden hengen teltta", "fi"),
        ("2人用", "ja"),
        ("3-season", "en"),
        ("Drei Saisons", "de"),
        ("8 Heringe", "de"),
    ],
)
def test_counts_are_read_in_digits_and_words(text: str, language: str) -> None:
    assert outcome(text, language) is Outcome.PASSED


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("three-person", "en"),
        ("Drei Personen", "de"),
        ("Tremannatält", "sv"),
        ("4-season", "en"),
        ("12 poles", "en"),
        ("2 seasons", "en"),
    ],
)
def test_wrong_counts_fail_and_so_does_counting_something_else(text: str, language: str) -> None:
    failure(text, language)


@pytest.mark.parametrize("text", ["The two of you", "Un sac neuf", "Second to none", "One of a kind"])
def test_number_words_in_idioms_are_not_numbers(text: str) -> None:
    assert outcome(text) is Outcome.NOT_APPLICABLE


def test_the_number_in_a_name_is_not_a_claim_and_proves_none() -> None:
    alone = ProductFacts("Aurora Trail 2", specs=(Spec("weight", "1.9 kg"),))
    assert outcome("Aurora Trail 2: 1.9 kg", products=(alone,)) is Outcome.PASSED
    assert outcome("The new Trail 2", products=(alone,)) is Outcome.NOT_APPLICABLE
    failure("Sleeps 2", products=(alone,))
    failure("Aurora Trail 3", products=(alone,))
    failure("Aurora Trail 2.5", products=(alone,))


def test_a_number_after_a_name_is_not_glued_to_it() -> None:
    assert outcome("Aurora Trail 2 249 €") is Outcome.PASSED


@pytest.mark.parametrize(
    "text",
    [
        "24/7",
        "Since 1998",
        "New for 2026",
        "100% waterproof? 99.9%",
        "#1 tent",
        "Rated 4.8/5",
        "10k users",
        "IP68",
        "4K",
    ],
)
def test_invented_numbers_fail(text: str) -> None:
    failure(text)


@pytest.mark.parametrize("text", ["30% off", "-30%", "Save 30% now", "30 % Rabatt", "Save €50", "50 € off"])
def test_invented_discounts_fail(text: str) -> None:
    failure(text)


def test_a_share_of_something_does_not_prove_a_discount() -> None:
    assert outcome("100 % recycled") is Outcome.PASSED
    failure("100 % off")


def test_a_discount_that_the_brief_asks_for_passes() -> None:
    assert outcome("Save 20 % now", brief="Summer sale, 20%, until 24 December 2026") is Outcome.PASSED


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Until December 24", "en"),
        ("Until 24th December 2026", "en"),
        ("Bis 24.12.", "de"),
        ("Bis 24. Dezember", "de"),
        ("12/24/2026", "en-US"),
        ("Till den 24 december", "sv"),
        ("12月24日まで", "ja"),
    ],
)
def test_a_date_of_the_brief_passes_however_it_is_written(text: str, language: str) -> None:
    assert outcome(text, language, brief="Offer ends 24 December 2026") is Outcome.PASSED


@pytest.mark.parametrize("text", ["Until December 25", "24 November", "24 December 2027", "24.11."])
def test_another_date_fails(text: str) -> None:
    failure(text, brief="Offer ends 24 December 2026")


def test_codes_must_stand_in_the_data_as_they_are() -> None:
    assert outcome("IP67 and 20D ripstop") is Outcome.PASSED
    failure("IP66")


def test_a_version_is_not_proven_by_a_count() -> None:
    dock = ProductFacts("Dock", specs=(Spec("ports", "2x USB-C, 1x HDMI 2.1"), Spec("weight (kg)", "1.0")))
    assert outcome("HDMI 2.1, 2x USB-C, 1 kg", products=(dock,)) is Outcome.PASSED
    failure("HDMI 2.0", products=(dock,))


@pytest.mark.parametrize("text", ["1" * 60_000, "a-" * 30_000 + "1", "1." * 30_000, "2x" * 30_000, "a@" * 30_000 + "1"])
def test_text_made_to_be_slow_is_read_in_time(text: str) -> None:
    begun = time.process_time()
    check(ad(text))
    assert time.process_time() - begun < 5


def test_web_addresses_claim_nothing() -> None:
    assert outcome("nordlys.example/tents/2026") is Outcome.NOT_APPLICABLE


def test_an_ad_without_numbers_has_nothing_to_check() -> None:
    assert outcome("A tent for calm nights") is Outcome.NOT_APPLICABLE


def test_without_any_data_there_is_nothing_to_hold_numbers_against() -> None:
    assert outcome("249 €", brand=None, products=()) is Outcome.NOT_APPLICABLE


def test_an_ad_for_the_brand_alone_may_state_what_the_brief_does() -> None:
    assert outcome("Born in 1987", products=(), brief="Mention that we started in 1987.") is Outcome.PASSED
    failure("Born in 1986", products=(), brief="Mention that we started in 1987.")


def test_a_decimal_sign_seen_in_the_data_tells_how_to_read_its_thousands() -> None:
    german = ProductFacts("Zelt", specs=(Spec("Gewicht", "1,9 kg"), Spec("Wassersäule", "3.000 mm")))
    assert outcome("3000 mm", products=(german,)) is Outcome.PASSED
    failure("3 mm", products=(german,))


def test_the_unit_may_stand_in_the_label() -> None:
    tent = ProductFacts("Tent", specs=(Spec("weight (g)", "1900"), Spec("persons", "2")))
    assert outcome("1.9 kg for two persons", products=(tent,)) is Outcome.PASSED


def test_the_message_names_the_number_and_what_the_data_says_nearest() -> None:
    assert failure("Only 1.9 g!").message == "text: “1.9 g” is not in the data, which says “weight: 1.9 kg”."
    assert "“€199” is not in the data, which says “price: 249 EUR”" in failure("Now €199").message
    assert "which says nothing like it" in failure("300 W").message


def test_each_offending_text_has_a_finding_of_its_own_with_the_share_that_is_right() -> None:
    findings = check(ad("1.9 kg", "1.9 g", "42 cm and 43 cm", format="google-rsa"))
    assert [(item.path, item.score) for item in findings] == [("headlines[1]", 0.0), ("headlines[2]", 0.5)]


def test_numbers_of_a_disclaimer_are_cleared() -> None:
    brand = type(NORDLYS)("Nordlys", disclaimers=("0 % APR for 12 months",))
    assert outcome("0% for 12 months", brand=brand, products=(TENT,)) is Outcome.PASSED
