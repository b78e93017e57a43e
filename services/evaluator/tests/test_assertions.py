"""What each assertion type says of an output, passing and failing, through whoever runs them."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from adwright_checks import AdText, BrandRules, ProductFacts, Subject, load_formats
from adwright_evaluator.assertions import KNOWN_TYPES, NEGATING
from adwright_evaluator.model import JSON, Answer, Assertion, AssertionSet, Case, Outcome, Usage, Verdict
from adwright_evaluator.runs.scoring import Answered, score, score_together
from adwright_servicekit.errors import NotFound


class Tools:
    """What scorers may reach; no model."""

    def __init__(self, files: Mapping[str, bytes] | None = None, *, allow_python: bool = False) -> None:
        self.files = files or {}
        self.allow_python = allow_python

    def judge(self, spec: Any) -> Any:
        raise AssertionError("no judge is asked here")

    def embedder(self, spec: Any) -> Any:
        raise AssertionError("no vectors are made here")

    def file(self, name: str) -> bytes:
        if name not in self.files:
            raise NotFound(f"the suite has no file {name!r}")
        return self.files[name]


def answered(output: JSON, assertions: tuple[Assertion | AssertionSet, ...], **more: Any) -> Answered:
    threshold = more.pop("threshold", None)
    answer = replace(
        Answer(output, latency_ms=120.0, cost_usd=0.002, usage=Usage(1, 2, 1), finish_reason="stop"), **more
    )
    case = Case(0, vars={"word": "light"}, assertions=assertions, threshold=threshold)
    return Answered(case, case.vars, "prompt", answer, output)


async def said(output: JSON, type: str, value: JSON = None, *, tools: Any = None, **more: Any) -> Verdict:
    """What one assertion says; `not-` before its type negates it."""
    fields = {name: more.pop(name) for name in ("threshold", "weight", "config", "transform") if name in more}
    one = Assertion(type.removeprefix("not-"), value, negated=type.startswith("not-"), **fields)
    return (await score(answered(output, (one,), **more), tools or Tools())).components[0]


SCHEMA = {"type": "object", "required": ["a"], "properties": {"a": {"type": "number"}}}
OTHER_TABLE = "SELECT a FROM u"
XML, HTML = "<ad><title>x</title></ad>", "<p>Hello</p>"

TABLE: list[tuple[str, JSON, JSON, JSON]] = [
    # type, value, an output that passes, one that fails
    ("equals", "a tent", "a tent", "A tent"),
    ("equals", {"a": 1}, '{"a": 1}', '{"a": 2}'),
    ("contains", "{{word}}", "so light", "so heavy"),
    ("icontains", "LIGHT", "so light", "so heavy"),
    ("contains-all", ["light", "dry"], "dry and light", "light"),
    ("contains-all", "light, dry", "dry and light", "light"),
    ("contains-any", ["light", "dry"], "dry", "warm"),
    ("icontains-all", ["LIGHT", "DRY"], "dry and light", "light"),
    ("icontains-any", ["LIGHT", "DRY"], "dry", "warm"),
    ("starts-with", "So", "So light", "Not so"),
    ("regex", r"\d+ kg", "1.9 kg", "light"),
    ("regex", r"(?<amount>\d+)", "9", "none"),
    ("is-json", None, '{"a": 1}', "a: 1"),
    ("is-json", SCHEMA, '{"a": 1}', '{"a": "b"}'),
    ("contains-json", SCHEMA, 'so: {"b": 1} {"a": 1}!', 'so: {"b": 1}'),
    ("is-xml", None, XML, "<ad><title></ad>"),
    ("is-xml", {"requiredElements": ["ad.title"]}, XML, "<ad/>"),
    ("contains-xml", None, f"here: {XML}.", "here: <ad>"),
    ("is-xml", None, XML, '<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>'),
    ("is-html", None, HTML, "Hello"),
    ("contains-html", None, f"so {HTML}", "a < b > c"),
    ("is-sql", None, "SELECT a FROM t WHERE b = 1", "SELECT FROM WHERE"),
    (
        "is-sql",
        {"databaseType": "PostgreSQL", "allowedTables": ["select::null::t"]},
        "SELECT a FROM t",
        "SELECT a FROM u",
    ),
    ("contains-sql", None, "```sql\nSELECT 1 FROM t\n```", "no statement here at all"),
    ("rouge-n", "a light tent for two", "a light tent for two people", "warm nights"),
    ("bleu", "a light tent for two people", "a light tent for two people", "warm nights in the fells"),
    ("gleu", "a light tent for two people", "a light tent for two people", "warm nights in the fells"),
    ("meteor", "a light tent for two people", "a light tent for two persons", "warm nights in the fells"),
    ("chrf", "a light tent", "a light tent!", "warm nights"),
    ("ter", "a light tent for two", "a light tent for two", "warm nights in all the fells"),
    ("levenshtein", "a light tent", "a light tint", "warm nights"),
    ("word-count", 3, "a light tent", "a tent"),
    ("word-count", {"min": 2, "max": 3}, "a tent", "a light tent for two"),
    ("finish-reason", "stop", "any", None),
    ("is-refusal", None, "I'm sorry, but I can't help with that.", "A light tent."),
    ("platform-policy", "google-ads", "A light tent for two.", "BUY NOW!!! Best tent"),
    ("memorisation", ["a light tent for two people"], "warm nights in the fells again", "a light tent for two people"),
    (
        "language",
        "de",
        "Ein leichtes Zelt für zwei warme Nächte im Freien.",
        "A light tent for two warm nights outside.",
    ),
    ("javascript", "output.length > 3", "four", "no"),
    ("javascript", "const n = output.length;\nreturn n > 3;", "four", "no"),
]


@pytest.mark.parametrize(("type", "value", "good", "bad"), TABLE, ids=[f"{row[0]}-{n}" for n, row in enumerate(TABLE)])
async def test_each_type_passes_what_it_should_and_fails_the_rest(
    type: str, value: JSON, good: JSON, bad: JSON
) -> None:
    passed = await said(good, type, value)
    assert passed.outcome is Outcome.SCORED
    assert passed.passed, passed.reason
    negated = await said(good, f"not-{type}", value)
    assert not negated.passed
    assert type in NEGATING or negated.reason != passed.reason
    if bad is not None:
        failed = await said(bad, type, value)
        assert not failed.passed
        assert failed.score < passed.score
        assert failed.reason.endswith((".", "”.", "!"))
        assert (await said(bad, f"not-{type}", value)).passed


def test_every_deterministic_type_is_in_the_table() -> None:
    asked_elsewhere = {
        *(
            "latency",
            "cost",
            "perplexity",
            "perplexity-score",
            "python",
            "max-score",
            "select-best",
            "human",
            "guardrails",
        ),
        *("ad-limits", "ad-facts", "banned-terms", "brand-named", "duplicates", "readability"),
    }
    from adwright_evaluator import judging
    from adwright_evaluator.assertions import refused

    assert set(judging.SCORERS) | set(refused.SCORERS) | asked_elsewhere | {row[0] for row in TABLE} >= KNOWN_TYPES


async def test_latency_and_cost_have_a_threshold() -> None:
    assert (await said("x", "latency", threshold=200)).passed
    assert not (await said("x", "latency", threshold=100)).passed
    assert (await said("x", "cost", threshold=0.01)).passed
    assert not (await said("x", "cost", threshold=0.001)).passed
    assert (await said("x", "cost", threshold=1, cost_usd=None)).outcome is Outcome.NOT_APPLICABLE
    assert (await said("x", "latency", threshold=200, cached=True)).outcome is Outcome.FAILED


async def test_perplexity_needs_probabilities_of_tokens() -> None:
    assert (await said("x", "perplexity", threshold=2, logprobs=(-0.1, -0.2))).passed
    assert not (await said("x", "perplexity", threshold=1.1, logprobs=(-0.1, -0.2))).passed
    assert (await said("x", "perplexity", threshold=2)).outcome is Outcome.NOT_APPLICABLE


async def test_python_runs_only_where_it_may() -> None:
    refused = await said("four", "python", "len(output) > 3")
    assert refused.outcome is Outcome.FAILED
    assert "ADWRIGHT_EVALUATOR_ALLOW_PYTHON" in refused.reason
    code = b"""def get_assert(output, context):
    return {'pass': True, 'score': 0.5, 'reason': context['vars']['word']}
"""
    tools = Tools({"check.py": code}, allow_python=True)
    assert (await said("four", "python", "len(output) > 3", tools=tools)).passed
    graded = await said("four", "python", "file://check.py", tools=tools)
    assert (graded.passed, graded.score, graded.reason) == (True, 0.5, "light")
    broken = await said("four", "python", "1 / 0", tools=tools)
    assert broken.outcome is Outcome.FAILED
    assert "ZeroDivisionError" in broken.reason


async def test_code_that_does_not_end_is_ended() -> None:
    endless = await said("x", "javascript", "while (true) {}")
    assert endless.outcome is Outcome.FAILED
    hungry = await said("x", "javascript", "const a = []; while (true) a.push('x'.repeat(100000)); return 1")
    assert hungry.outcome is Outcome.FAILED


async def test_ads_are_held_against_brand_and_products() -> None:
    facts = ProductFacts("Aurora Trail 2", texts=("Weighs 1.9 kg",))
    brand = BrandRules("Nordlys", banned_terms=("cheap",), languages=("en",))

    def ad(text: str) -> Subject:
        return Subject((AdText("text", text),), load_formats()["plain"], "en", brand, (facts,))

    assert (await said("x", "ad-facts", subject=ad("Only 1.9 kg."))).passed
    assert not (await said("x", "ad-facts", subject=ad("Only 1.5 kg."))).passed
    assert not (await said("x", "banned-terms", subject=ad("A cheap tent."))).passed
    assert (await said("x", "ad-limits", subject=ad("A tent."))).passed
    assert (await said("x", "ad-facts")).outcome is Outcome.NOT_APPLICABLE


async def test_a_score_is_the_weighted_mean_of_what_was_scored() -> None:
    assertions = (
        Assertion("contains", "a", weight=3, metric="letters"),
        Assertion("contains", "z", metric="letters"),
        Assertion("cost", threshold=1.0),
    )
    verdict = await score(answered("a", assertions, cost_usd=None), Tools())
    assert (verdict.passed, verdict.score) == (False, 0.75)
    assert verdict.named_scores == {"letters": 0.5}
    assert (await score(answered("a", assertions, cost_usd=None, threshold=0.7), Tools())).passed


async def test_a_set_holds_when_its_share_is_reached() -> None:
    inner = (Assertion("contains", "a"), Assertion("contains", "z"))
    assert (await score(answered("a", (AssertionSet(inner, threshold=0.5),)), Tools())).passed
    assert not (await score(answered("a", (AssertionSet(inner),)), Tools())).passed


async def test_an_assertion_without_weight_is_only_a_number() -> None:
    verdict = await score(answered("a", (Assertion("contains", "z", weight=0), Assertion("contains", "a"))), Tools())
    assert (verdict.passed, verdict.score) == (True, 1.0)


async def test_what_cannot_be_told_is_no_zero() -> None:
    verdict = await score(answered("a", (Assertion("regex", "("), Assertion("contains", "a"))), Tools())
    assert verdict.outcome is Outcome.FAILED
    assert "regular expression" in verdict.reason


async def test_the_best_of_all_outputs_is_one() -> None:
    assertions = (Assertion("contains", "a"), Assertion("max-score"))
    answers = [answered("a", assertions), answered("b", assertions)]
    verdicts = [await score(each, Tools()) for each in answers]
    first, second = await score_together(answers, verdicts, Tools())
    assert first.passed
    assert not second.components[1].passed
