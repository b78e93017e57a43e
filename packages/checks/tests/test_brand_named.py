"""Somebody should be able to tell whose ad it is."""

import pytest
from checks_examples import ad

from adwright_checks import Outcome, ProductFacts
from adwright_checks.checks import BrandNamed

check = BrandNamed()


@pytest.mark.parametrize("text", ["NORDLYS tents", "Meet the Aurora  Trail 2", "Nordlys’ best", "Nordlysのテント"])
def test_naming_the_brand_or_a_product_passes(text: str) -> None:
    assert check(ad(text))[0].outcome is Outcome.PASSED


def test_one_text_that_names_it_is_enough() -> None:
    (finding,) = check(ad("A tent", "By Nordlys", format="google-rsa"))
    assert finding.message == "headlines[1] names the brand or a product."


def test_naming_neither_fails_without_making_the_ad_invalid() -> None:
    (finding,) = check(ad("A light tent"))
    assert (finding.outcome, finding.required) == (Outcome.FAILED, False)
    assert finding.message == "No text names Nordlys or Aurora Trail 2."


def test_a_name_in_another_language_counts() -> None:
    tent = ProductFacts("Polarlicht", names=("Aurora",))
    assert check(ad("Aurora", brand=None, products=(tent,)))[0].outcome is Outcome.PASSED


def test_without_brand_and_product_there_is_nothing_to_name() -> None:
    assert check(ad("A tent", brand=None, products=()))[0].outcome is Outcome.NOT_APPLICABLE
