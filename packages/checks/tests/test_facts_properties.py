"""Facts against CLDR: whatever the data says passes in every language, and a changed digit fails."""

import random
from decimal import Decimal

import pytest
from babel import Locale
from babel.numbers import format_currency, format_decimal
from checks_examples import ad
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from adwright_checks import Outcome, Price, ProductFacts, Spec
from adwright_checks.checks import Facts
from adwright_checks.quantities import convention_of

LANGUAGES = ["en", "en-IN", "de", "de-CH", "sv", "nb", "da", "fi", "fr", "es", "it", "nl", "pl", "pt", "ja", "ko", "zh"]
UNITS = ["kg", "g", "mm", "cm", "m", "l", "ml", "W", "mAh", "km/h", "GB", "%"]
CURRENCIES = ["EUR", "SEK", "NOK", "DKK", "USD", "GBP", "CHF", "PLN", "CAD"]

check = Facts()
amounts = st.decimals(min_value="0.01", max_value="999999", places=2, allow_nan=False)


def stands_in_the_data(text: str, language: str, tent: ProductFacts) -> bool:
    return check(ad(text, language=language, brand=None, products=(tent,)))[0].outcome is Outcome.PASSED


def changed(number: Decimal, digits: random.Random) -> Decimal:
    """`number` with one digit replaced."""
    text = f"{number:f}"
    place = digits.choice([index for index, character in enumerate(text) if character.isdigit()])
    other = digits.choice([digit for digit in "0123456789" if digit != text[place]])
    return Decimal(text[:place] + other + text[place + 1 :])


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_decimal_sign_of_a_language_is_the_one_of_cldr(language: str) -> None:
    locale = Locale.parse(language, sep="-")
    assert convention_of(language) == locale.number_symbols["latn"]["decimal"]


def test_the_decimal_sign_of_every_language_that_cldr_knows_is_right() -> None:
    wrong = []
    for name in [
        "am",
        "bg",
        "bn",
        "ca",
        "cs",
        "cy",
        "el",
        "et",
        "eu",
        "ga",
        "gl",
        "gu",
        "he",
        "hi",
        "hr",
        "hu",
        "id",
        "is",
        "kn",
        "lt",
        "lv",
        "ml",
        "mr",
        "ms",
        "my",
        "pa",
        "ro",
        "ru",
        "si",
        "sk",
        "sl",
        "sq",
        "sr",
        "sw",
        "ta",
        "te",
        "th",
        "tr",
        "uk",
        "ur",
        "vi",
        "zu",
        "es_MX",
        "es_419",
        "es_AR",
        "de_AT",
        "fr_CH",
        "it_CH",
        "en_GB",
        "en_ZA",
        "en_SE",
        "pt_PT",
    ]:
        symbols = Locale.parse(name).number_symbols["latn"]
        if convention_of(name.replace("_", "-")) != symbols["decimal"]:
            wrong.append(name)
    assert not wrong


@settings(max_examples=300, deadline=None)
@given(amounts, st.sampled_from(UNITS), st.sampled_from(LANGUAGES), st.booleans())
def test_a_measure_of_the_data_passes_in_every_language(
    value: Decimal, unit: str, language: str, grouped: bool
) -> None:
    tent = ProductFacts("Tent", specs=(Spec("size", f"{value:f} {unit}"),))
    shown = format_decimal(value, locale=language.replace("-", "_"), group_separator=grouped)
    assert stands_in_the_data(f"Tent: {shown} {unit}", language, tent)


@settings(max_examples=300, deadline=None)
@given(amounts, st.sampled_from(UNITS), st.sampled_from(LANGUAGES), st.randoms(use_true_random=False))
def test_a_measure_with_a_changed_digit_fails_in_every_language(
    value: Decimal, unit: str, language: str, digits: random.Random
) -> None:
    tent = ProductFacts("Tent", specs=(Spec("size", f"{value:f} {unit}"),))
    shown = format_decimal(changed(value, digits), locale=language.replace("-", "_"))
    assert not stands_in_the_data(f"Tent: {shown} {unit}", language, tent)


@settings(max_examples=300, deadline=None)
@given(amounts, st.sampled_from(CURRENCIES), st.sampled_from(LANGUAGES))
def test_a_price_of_the_data_passes_in_every_language(amount: Decimal, currency: str, language: str) -> None:
    tent = ProductFacts("Tent", price=Price(currency, amount))
    shown = format_currency(amount, currency, locale=language.replace("-", "_"))
    assert stands_in_the_data(f"Tent: {shown}", language, tent)


@settings(max_examples=300, deadline=None)
@given(amounts, st.sampled_from(CURRENCIES), st.sampled_from(LANGUAGES), st.randoms(use_true_random=False))
def test_a_price_with_a_changed_digit_fails_in_every_language(
    amount: Decimal, currency: str, language: str, digits: random.Random
) -> None:
    tent = ProductFacts("Tent", price=Price(currency, amount))
    shown = format_currency(changed(amount, digits), currency, locale=language.replace("-", "_"))
    assert not stands_in_the_data(f"Tent: {shown}", language, tent)


@settings(max_examples=200, deadline=None)
@given(amounts, st.sampled_from(UNITS), st.sampled_from(UNITS), st.sampled_from(LANGUAGES))
def test_the_same_number_with_another_unit_fails(value: Decimal, unit: str, other: str, language: str) -> None:
    assume(unit != other)
    tent = ProductFacts("Tent", specs=(Spec("size", f"{value:f} {unit}"),))
    shown = format_decimal(value, locale=language.replace("-", "_"))
    assert not stands_in_the_data(f"Tent: {shown} {other}", language, tent)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=80))
def test_no_text_breaks_the_check(text: str) -> None:
    tent = ProductFacts(text or "Tent", texts=(text,), specs=(Spec(text, text),))
    assert check(ad(text, products=(tent,), brief=text))


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="0123456789.,' \u00a0-x/%€$kgm°CinIP:½²٣", max_size=30))
def test_what_the_data_says_word_for_word_passes(text: str) -> None:
    tent = ProductFacts("Tent", texts=(text,))
    outcome = check(ad(text, language="", brand=None, products=(tent,)))[0].outcome
    assert outcome is not Outcome.FAILED
