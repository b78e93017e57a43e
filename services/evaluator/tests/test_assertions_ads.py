"""What adwright itself asks of ads."""

from dataclasses import replace

import pytest
from grading import said

from adwright_checks import AdText, BrandRules, ProductFacts, Subject, load_formats
from adwright_evaluator.assertions import platform_policy
from adwright_evaluator.model import Answer, Outcome
from adwright_servicekit.errors import InvalidInput

BRAND = BrandRules("NORDLYS Outdoor", banned_terms=("cheap",), languages=("en",))
BOOT = ProductFacts("Fjell Boot", texts=("A boot of 900 g.",))


def _ad(*headlines: str, form: str = "google-rsa") -> Answer:
    fields = tuple(AdText(f"headlines[{index}]", text) for index, text in enumerate(headlines))
    subject = Subject(fields, load_formats()[form], "en", BRAND, (BOOT,))
    return Answer(output="ad", subject=subject)


@pytest.mark.parametrize("kind", ["ad-limits", "ad-facts", "banned-terms", "brand-named", "duplicates"])
def test_a_text_that_is_no_ad_is_not_looked_at(kind: str) -> None:
    verdict = said(kind, "text")
    assert verdict.outcome is Outcome.NOT_APPLICABLE
    assert "adwright" in verdict.reason


def test_limits_facts_and_terms_are_those_of_the_checks() -> None:
    one, long = Subject((AdText("text", "Warm"),), load_formats()["plain"]), AdText("text", "w" * 100_000)
    assert said("ad-limits", "ad", answer=Answer("ad", subject=one)).passed
    assert not said("ad-limits", "ad", answer=Answer("ad", subject=replace(one, fields=(long,)))).passed
    assert said("ad-facts", "ad", answer=_ad("Only 900 g")).passed
    assert "700" in said("ad-facts", "ad", answer=_ad("Only 700 g")).reason
    assert "cheap" in said("banned-terms", "ad", answer=_ad("Cheap boots")).reason.lower()
    assert not said("duplicates", "ad", answer=_ad("Warm boots", "Warm boots")).passed


def test_the_language_of_any_text_is_told() -> None:
    text = "Diese Stiefel halten auch im tiefsten Winter warm und trocken."
    assert said("language", text, "de").passed
    assert not said("language", text, "fr").passed


def test_readability_needs_a_language_that_it_knows() -> None:
    words = "These boots keep you warm and dry on the cold days. They are made by hand."
    assert said("readability", words).outcome is Outcome.NOT_APPLICABLE
    assert said("readability", words, "en").passed


def test_memorisation_is_the_share_that_stands_in_an_example() -> None:
    example = "one two three four five six seven, eight"
    half = said("memorisation", "one two three four five six and then on", [example, "none"])
    assert half.score == pytest.approx(3 / 5)
    assert half.passed
    assert not said("memorisation", example.upper(), example).passed
    assert said("memorisation", "one two three four five six and then on", [example], threshold=0.7).passed is False
    assert said("memorisation", "too short", [example]).outcome is Outcome.NOT_APPLICABLE


@pytest.mark.parametrize(
    ("platform", "text", "rule"),
    [
        ("google-ads", "Buy now!!", "repeated-punctuation"),
        ("google-ads", "Buy *boots* now", "symbols-for-effect"),
        ("google-ads", "Fl@wers for all", "symbols-for-effect"),
        ("google-ads", "Warm feet 🔥", "emoji"),
        ("google-ads", "FLOWERS for all", "capitals"),
        ("google-ads", "F.L.O.W.E.R.S", "capitals"),
        ("google-ads", "FlOwErS for all", "capitals"),
        ("google-ads", "Click here for more", "generic-call"),
        ("meta-ads", "t*s*h*i*r*t*s for all", "repeated-punctuation"),
        ("meta-ads", "Best f*!%ing boots", "symbols-for-words"),
        ("microsoft-advertising", "Great deals on soFTwaRe", "capitals"),
        ("microsoft-advertising", "Sale, sale, sale on boots", "repeated-words"),
        ("microsoft-advertising", "Save Ca$h now", "symbols-for-effect"),
        ("linkedin-ads", "Write to me@example.com", "contact"),
        ("linkedin-ads", "Call 020 7946 0018 now", "contact"),
        ("linkedin-ads", "Recommended by LinkedIn", "platform-named"),
    ],
)
def test_a_rule_of_a_platform_is_found_with_its_source(platform: str, text: str, rule: str) -> None:
    verdict = said("platform-policy", text, platform)
    assert not verdict.passed
    findings = verdict.metadata["findings"]
    assert isinstance(findings, list)
    assert rule in [each["rule"] for each in findings]
    assert all(each["source"].startswith("https://") for each in findings)
    assert said("platform-policy", text, platform, config={"ignore": [each["rule"] for each in findings]}).passed


@pytest.mark.parametrize("platform", ["google-ads", "meta-ads", "microsoft-advertising", "linkedin-ads"])
@pytest.mark.parametrize(
    "text",
    [
        "Warm boots for cold days. From €129.99, 900 g, sizes 36-47!",
        "A 5* hotel near you... Read more at example.com",
        "USA-made, IP68, iPhone-ready. 24/7 help, 2026-11-24",
        "Nur 10.000 Stück – jetzt entdecken?",
    ],
)
def test_plain_texts_break_no_rule(platform: str, text: str) -> None:
    assert said("platform-policy", text, platform).reason == "No rule of the platform is broken."


def test_the_rules_are_those_of_the_ads_format() -> None:
    verdict = said("platform-policy", "ad", answer=_ad("Buy boots!", "Warm boots"))
    assert "headlines[0]: a headline has an exclamation mark" in verdict.reason
    assert verdict.score == 0.5
    assert said("platform-policy", "ad", answer=_ad("Warm boots", form="push")).outcome is Outcome.NOT_APPLICABLE


def test_names_of_brands_may_be_in_capitals() -> None:
    assert said("platform-policy", "ad", answer=_ad("Boots by NORDLYS")).passed
    assert not said("platform-policy", "ad", answer=_ad("Boots by OTHERS")).passed


def test_an_unknown_platform_is_named() -> None:
    with pytest.raises(InvalidInput, match="google-ads"):
        said("platform-policy", "text", "google")


def test_every_platform_of_the_rules_is_one_of_the_formats() -> None:
    platforms = {form.platform for form in load_formats().values()}
    assert {name for rule in platform_policy._rules() for name in rule.platforms} <= platforms
