"""What prompts ask for: versioned, with the facts of the job, and a fact of its own for every text."""

from dataclasses import replace

import pytest

from adwright_checks import BrandRules, load_formats
from adwright_generator.job import Example, Job, ProductSheet
from adwright_generator.points import points_for
from adwright_generator.prompting import PromptLibrary, language_name
from adwright_servicekit.errors import InvalidInput, NotFound

FORMATS = load_formats()
FACTS = ("Weighs 1.9 kg", "Pitches in 4 minutes", "Two doors", "Sky window", "Stays dry inside")
JOB = Job(
    generation="generations/1",
    format=FORMATS["google-rsa"],
    counts=FORMATS["google-rsa"].counts(),
    language="sv",
    brand=BrandRules(display_name="Nordlys"),
    voice="Calm",
    sheets=(ProductSheet("Aurora Trail 2", category="tent", features=FACTS, price="249 EUR"),),
    examples=(Example({"headlines[0]": "It rains. Walk on."}, same_format=True, language="en", brief="Rain"),),
)
PROMPTS = PromptLibrary()


def test_the_newest_version_is_the_default_and_its_hash_can_be_asked_for() -> None:
    newest = PROMPTS.get()
    assert newest.version.startswith("ad/v1@")
    assert PROMPTS.get("ad") is PROMPTS.get("ad/v1") is PROMPTS.get(newest.version) is newest


@pytest.mark.parametrize("version", ["ad/v99", "nothing", "ad/v1@000000000000", "/"])
def test_a_version_that_is_not_there_is_told_with_those_that_are(version: str) -> None:
    with pytest.raises(NotFound, match="ad/v1@"):
        PROMPTS.get(version)


def test_a_whole_ad_is_asked_for_with_facts_limits_language_and_an_approved_ad() -> None:
    [ask] = PROMPTS.get("ad").asks(JOB, JOB.paths, {}, attempt=0)
    assert list(ask.paths) == JOB.paths
    system, example, answer, request = (message.content for message in ask.messages)
    assert "Swedish" in system
    assert "at most 30 characters" in system
    assert "Rain" in example
    assert "It rains. Walk on." in answer
    for fact in (*FACTS, "249 EUR", "Aurora Trail 2"):
        assert fact in request


def test_a_repair_says_what_stays_and_what_is_wanted() -> None:
    [ask] = PROMPTS.get("ad").asks(JOB, ["headlines[1]"], {"headlines[0]": "Walk on."}, attempt=1)
    request = ask.messages[-1].content
    assert "Walk on." in request
    assert "1 more headlines" in request


def test_small_models_are_asked_for_one_text_at_a_time_about_one_fact() -> None:
    asks = list(PROMPTS.get("ad-small").asks(JOB, JOB.paths, {}, attempt=0))
    assert [list(ask.paths) for ask in asks] == [[path] for path in JOB.paths]
    assert [ask.messages[-1].content.splitlines()[-1] for ask in asks[:5]] == [f"Fact: {fact}" for fact in FACTS]


@pytest.mark.parametrize("attempt", [0, 1, 2, 3])
@pytest.mark.parametrize("facts", [1, 5, 6, 9])
def test_no_two_headlines_are_about_the_same_fact_while_there_are_enough(attempt: int, facts: int) -> None:
    sheet = replace(JOB.sheets[0], features=tuple(f"Fact number {n}" for n in range(facts)))
    job = replace(JOB, sheets=(sheet,))
    points = [points_for(job, f"headlines[{n}]", long=False, attempt=attempt).fact for n in range(5)]
    if facts >= 5:
        assert len(set(points)) == 5


def test_the_brief_comes_before_the_features() -> None:
    point = points_for(replace(JOB, brief="Autumn sale"), "headlines[0]", long=False, attempt=0)
    assert point.fact == "Autumn sale"


def test_without_products_the_brief_is_all_there_is() -> None:
    point = points_for(replace(JOB, sheets=(), brief="Autumn"), "headlines[3]", long=False, attempt=0)
    assert (point.product, point.fact) == ("Nordlys", "Autumn")


def test_text_in_a_brief_is_text_and_not_a_template() -> None:
    [ask] = PROMPTS.get("ad").asks(replace(JOB, brief="{{ 7 * 7 }} {% raw %}"), JOB.paths, {}, attempt=0)
    assert "{{ 7 * 7 }} {% raw %}" in ask.messages[-1].content


@pytest.mark.parametrize("tag", ["qq", "english", ""])
def test_a_language_that_nobody_knows_is_refused(tag: str) -> None:
    with pytest.raises(InvalidInput, match="BCP-47"):
        language_name(tag)
