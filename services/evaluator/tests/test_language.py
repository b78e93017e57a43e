"""Is the ad in the language that was asked for?"""

import pytest

from adwright_checks import AdText, BrandRules, Finding, Outcome, ProductFacts, Subject, load_formats
from adwright_evaluator.scorers import Language
from adwright_evaluator.scorers.language import Detector

FORMATS = load_formats()
ADS = {
    "en": ["Light as a jacket", "Calm nights outside", "Sleep under the stars", "Find your next adventure"],
    "de": ["Leicht wie eine Jacke", "Ruhige Nächte unter Sternen", "Das Zelt für zwei"],
    "sv": ["Lätt som en jacka", "Lugna nätter under stjärnorna", "Upptäck ditt nästa äventyr"],
    "nb": ["Lett som en jakke", "Rolige netter under stjernene", "Oppdag ditt neste eventyr"],
    "da": ["Let som en jakke", "Rolige nætter under stjernerne", "Opdag dit næste eventyr"],
    "fi": ["Kevyt kuin takki", "Rauhallisia öitä tähtien alla", "Löydä seuraava seikkailusi"],
    "fr": ["Légère comme une veste", "Des nuits calmes sous les étoiles", "La tente pour deux"],
    "es": ["Ligera como una chaqueta", "Noches tranquilas bajo las estrellas", "La tienda para dos"],
    "it": ["Leggera come una giacca", "Notti tranquille sotto le stelle", "La tenda per due"],
    "nl": ["Licht als een jas", "Rustige nachten onder de sterren", "De tent voor twee"],
    "ja": ["ジャケットのように軽い", "星空の下で静かな夜を", "二人用テント"],
}
CLOSE = {frozenset({"nb", "da"})}
"""Pairs that share too many words for three short texts to rule the other one out."""

scorer = Language()


def score(texts: list[str], language: str, **data: object) -> list[Finding]:
    fields = tuple(AdText(f"headlines[{index}]", text) for index, text in enumerate(texts))
    return scorer(Subject(fields, FORMATS["google-rsa"], language, **data))  # type: ignore[arg-type]


@pytest.mark.parametrize("language", ADS)
def test_an_ad_in_the_language_asked_for_passes(language: str) -> None:
    (finding,) = score(ADS[language], language)
    assert finding.outcome is Outcome.PASSED
    assert finding.score is not None
    assert finding.score > 0.9


@pytest.mark.parametrize("asked", ADS)
@pytest.mark.parametrize("written", ADS)
def test_an_ad_in_another_language_fails(asked: str, written: str) -> None:
    if asked == written or frozenset({asked, written}) in CLOSE:
        return
    findings = score(ADS[written], asked)
    assert {finding.outcome for finding in findings} == {Outcome.FAILED}
    assert all(f"not in {asked}" in finding.message and not finding.required for finding in findings)


def test_one_text_in_another_language_is_named() -> None:
    findings = score([*ADS["sv"], "Order today and get free shipping on everything"], "sv")
    assert [(finding.path, finding.outcome) for finding in findings] == [("headlines[3]", Outcome.FAILED)]


def test_region_and_script_make_no_difference() -> None:
    assert score(ADS["de"], "de-AT")[0].outcome is Outcome.PASSED
    assert score(ADS["nb"], "no")[0].outcome is Outcome.PASSED


def test_names_do_not_decide() -> None:
    tent = ProductFacts("Always Under The Open Sky")
    brand = BrandRules("The North Wind Company", languages=("sv",))
    texts = ["The North Wind Company", "Always Under The Open Sky", "Lätt som en jacka", "Lugna nätter"]
    assert score(texts, "", brand=brand, products=(tent,))[0].outcome is Outcome.PASSED


@pytest.mark.parametrize(
    ("texts", "language"),
    [(["Outdoor"], "de"), (["1,9 kg"], "de"), (["😀 !!"], "en"), (["Light as a jacket"], ""), (["Qapla'"], "tlh")],
    ids=["one word", "a number", "no letters", "no language asked for", "a language nobody knows"],
)
def test_where_nothing_can_be_told_it_is_not_applicable(texts: list[str], language: str) -> None:
    (finding,) = score(texts, language)
    assert (finding.outcome, finding.score) == (Outcome.NOT_APPLICABLE, None)


def test_a_language_outside_of_the_usual_ones_is_an_option_when_it_is_asked_for() -> None:
    assert score(["Létt eins og jakki", "Rólegar nætur undir stjörnunum"], "is")[0].outcome is Outcome.PASSED


def test_the_model_is_loaded_once_and_not_before_it_is_needed() -> None:
    loads = []

    class Certain:
        labels: list[str] = ["is"]  # noqa: RUF012

        def set_languages(self, langs: list[str] | None = None) -> None:
            """All it knows is English."""

        def rank(self, text: str) -> list[tuple[str, float]]:
            return [("en", 0.99), ("sv", 0.01), ("is", 0.0)]

    def load() -> Detector:
        loads.append(1)
        return Certain()

    lazy = Language(load)
    ad = tuple(AdText(f"headlines[{index}]", text) for index, text in enumerate(ADS["en"]))
    assert loads == []
    for language in ("sv", "is", "en"):
        lazy(Subject(ad, FORMATS["google-rsa"], language))
    assert loads == [1]
