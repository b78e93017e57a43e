"""Texts, patterns, JSON, XML, HTML and SQL: what parity with promptfoo does not show, bad values above all."""

import socket
from contextlib import closing

import pytest
from grading import said

from adwright_evaluator import assertions
from adwright_evaluator.assertions import KNOWN_TYPES, SCORERS, SET_SCORERS, nearest
from adwright_evaluator.model import Outcome
from adwright_servicekit.errors import InvalidInput


@pytest.mark.parametrize(
    ("kind", "value", "problem"),
    [
        ("contains", "", "must be a text that is not empty"),
        ("contains", True, "must be a text"),
        ("contains-all", 'warm, "dry', "quote that is never closed"),
        ("contains-any", '"warm" dry', "a comma is needed"),
        ("contains-any", 5, "must be a list of texts"),
        ("starts-with", 5, "must be a text"),
        ("regex", "(", "no regular expression"),
        ("regex", None, "must be a regular expression"),
        ("is-json", 5, "must be a JSON Schema"),
        ("is-json", {"type": "nothing"}, "no JSON Schema: $.type"),
        ("is-json", "{", "no JSON Schema"),
        ("is-xml", {"elements": ["a"]}, "must have `requiredElements`"),
        ("is-sql", {"databaseType": "Oracle9"}, "'Oracle9' is not known"),
        ("is-sql", {"allowedTables": "users"}, "must be a list"),
        ("word-count", {"min": 5, "max": 2}, "more than `max`"),
        ("word-count", "some", "must be a number"),
        ("finish-reason", 5, "must be a reason"),
        ("levenshtein", ["a"], "must be the expected text"),
        ("bleu", [], "must be the expected text"),
        ("latency", None, "`threshold` is needed"),
        ("memorisation", None, "must be a list of texts"),
    ],
)
def test_a_wrong_value_is_named_with_its_remedy(kind: str, value: object, problem: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        said(kind, "one two three four five {}", value)
    assert problem in str(caught.value)
    assert kind in str(caught.value)


def test_an_endless_expression_stops_and_says_so() -> None:
    with pytest.raises(InvalidInput, match="took more than 1 s"):
        said("regex", "a" * 60 + "!", r"^(a|aa|a?a)+$")


def test_a_schema_is_never_fetched() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        address = f"http://127.0.0.1:{server.getsockname()[1]}/schema.json"
        server.setblocking(False)
        # Who fetches after all hears nothing, and is found by the connection.
        socket.setdefaulttimeout(0.5)
        try:
            with pytest.raises(InvalidInput, match="no schemas are fetched"):
                said("is-json", "{}", {"$ref": address})
        finally:
            socket.setdefaulttimeout(None)
        with pytest.raises(BlockingIOError):
            server.accept()


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        ("km$", "25 km\n", False),
        ("km$", "25 km", True),
        ("[$]5", "$5", True),
        (r"\$5", "$5", True),
        ("a.b", "a\u2028b", False),
        ("[]", "a", False),
        (r"\S", "\u00a0", False),
        (r"\d", "٢", False),
        (r"https:\/\/", "https://", True),
        ("[[]", "[", True),
        ("x{,3}", "x{,3}", True),
        ("^x{,3}$", "xx", False),
        ("^x{1,3}$", "xx", True),
        ("(?:boots){e<=1}", "bots", False),
    ],
)
def test_expressions_mean_what_they_mean_in_javascript(pattern: str, text: str, found: bool) -> None:
    assert said("regex", text, pattern).passed is found


def test_a_schema_of_its_own_draft_is_read_by_it() -> None:
    pair = {"type": "array", "prefixItems": [{"type": "string"}]}
    assert said("is-json", "[1]", pair).passed
    assert not said("is-json", "[1]", {"$schema": "https://json-schema.org/draft/2020-12/schema", **pair}).passed


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, "{" * 5000, "<a>" * 20_000, "<" * 20_000])
def test_deeply_nested_texts_are_no_answer_and_break_nothing(text: str) -> None:
    for kind in ("is-json", "contains-json", "is-xml", "contains-xml", "is-html", "contains-html"):
        assert said(kind, text).outcome is Outcome.SCORED
    assert not said("is-json", text).passed


def test_entities_that_grow_are_not_read() -> None:
    bomb = '<!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;">]><a>&c;</a>'
    assert "declares entities" in said("is-xml", bomb).reason
    assert not said("contains-json", "{a: &x [1, 1], b: [*x, *x]}").passed


def test_objects_are_looked_at_as_json() -> None:
    assert said("is-json", {"a": [1]}, {"required": ["a"]}).passed
    assert said("equals", {"a": 1}, {"a": 1.0}).passed
    assert not said("equals", {"a": True}, {"a": 1}).passed
    assert said("contains", {"a": "ä"}, '"ä"').passed


def test_the_reason_says_what_is_missing() -> None:
    assert said("contains-all", "warm", ["warm", "dry"]).reason == "The output does not contain “dry”."
    assert "headline" in said("is-json", "{}", {"required": ["headline"]}).reason
    assert said("is-xml", "<ad/>", "ad.p").reason == "The XML has no ad.p."
    tables = {"allowedTables": ["select::null::users"]}
    assert "select::null::orders" in said("is-sql", "SELECT id FROM orders", tables).reason


@pytest.mark.parametrize(
    ("name", "meant"),
    [("contain", "contains"), ("not-contians", "not-contains"), ("is_json", "is-json"), ("qqqqqqqq", "")],
)
def test_an_unknown_name_has_a_nearest_one(name: str, meant: str) -> None:
    assert nearest(name) == meant


def test_no_name_stands_for_two_scorers() -> None:
    files = [module for module in vars(assertions).values() if hasattr(module, "SCORERS")]
    names = [name for module in files for name in module.SCORERS]
    assert sorted(names) == sorted(SCORERS)
    assert not set(SCORERS) & set(SET_SCORERS)
    assert set(SCORERS) | set(SET_SCORERS) == KNOWN_TYPES


@pytest.mark.parametrize(
    ("kind", "remedy"),
    [("webhook", "`python`"), ("tool-call-f1", "leave it out"), ("ruby", "`javascript`")],
)
def test_what_is_not_supported_says_what_to_write_instead(kind: str, remedy: str) -> None:
    verdict = said(kind, "text", "https://example.com")
    assert verdict.outcome is Outcome.FAILED
    assert kind in verdict.reason
    assert remedy in verdict.reason
