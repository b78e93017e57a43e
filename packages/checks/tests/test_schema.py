"""The JSON schema of an ad."""

import re

import jsonschema
import pytest
from checks_examples import ad

from adwright_checks import allowed_numbers, json_schema, load_formats

FORMATS = load_formats()
RSA = FORMATS["google-rsa"]


def test_all_properties_are_required_in_the_order_of_the_format() -> None:
    schema = json_schema(FORMATS["meta-feed"])
    assert schema["required"] == list(schema["properties"]) == ["primary_text", "headline", "description"]
    assert schema["additionalProperties"] is False


def test_lists_have_exactly_as_many_texts_as_are_wanted() -> None:
    headlines = json_schema(RSA, {"headlines": 7})["properties"]["headlines"]
    assert (headlines["minItems"], headlines["maxItems"]) == (7, 7)
    assert headlines["items"] == {"type": "string", "minLength": 1, "maxLength": 30}


@pytest.mark.parametrize(("language", "limit"), [("en", 30), ("de-AT", 30), ("ja", 15), ("zh-Hant", 15), ("ko", 15)])
def test_wide_languages_get_half_the_length_where_they_count_double(language: str, limit: int) -> None:
    assert json_schema(RSA, language=language)["properties"]["headlines"]["items"]["maxLength"] == limit
    assert json_schema(FORMATS["meta-feed"], language=language)["properties"]["headline"]["maxLength"] == 40


@pytest.mark.parametrize("format", FORMATS)
def test_every_format_gives_a_valid_schema(format: str) -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema(FORMATS[format], allowed_numbers=["1.9"]))


def test_counts_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match="3 to 15 headlines"):
        json_schema(RSA, {"headlines": 2})


@pytest.mark.parametrize(
    ("text", "fits"),
    [("Just 1.9 kg", True), ("2 kg", True), ("1.9", True), ("No digits", True), ("3 kg", False), ("1.95 kg", False)],
)
def test_allowed_numbers_leave_no_other_digits(text: str, fits: bool) -> None:
    pattern = json_schema(FORMATS["plain"], allowed_numbers=["1.9", "2"])["properties"]["text"]["pattern"]
    assert bool(re.search(pattern, text)) is fits


def test_without_allowed_numbers_no_digit_fits() -> None:
    pattern = json_schema(FORMATS["plain"], allowed_numbers=[])["properties"]["text"]["pattern"]
    assert not re.search(pattern, "a 1")


def test_the_allowed_numbers_of_a_subject_stand_in_its_data_and_are_written_as_its_language_does() -> None:
    numbers = allowed_numbers(ad("Anything 77", language="sv", brief="20 % off"))
    assert {"1.9", "1,9", "249", "3,000", "20", "2"} <= set(numbers)
    assert "77" not in numbers
