"""The measures and the grades that the figures rest on."""

import json
from pathlib import Path

import pytest

from .metrics import ndcg, recall
from .products import LANGUAGES, catalogue, grade

BRIEFS = [json.loads(line) for line in (Path(__file__).parent / "briefs.jsonl").read_text("utf-8").splitlines()]


def test_ndcg_has_the_values_of_a_worked_example() -> None:
    # DCG 7/1 + 3/log2(3) + 7/2 + 0 + 1/log2(6), ideal 7 + 7/log2(3) + 3/2 + 3/log2(5) + 1/log2(6).
    assert ndcg([3, 2, 3, 0, 1], [3, 2, 3, 0, 1, 2], 5) == pytest.approx(12.7796 / 14.5953, abs=1e-4)
    assert ndcg([3, 3], [3, 3, 0], 5) == 1
    assert ndcg([], [3], 5) == ndcg([0], [0], 5) == 0


def test_recall_is_of_the_best_grade_and_of_as_many_as_fit() -> None:
    assert recall([3, 2, 3], [3, 3, 3, 2], 5) == pytest.approx(2 / 3)
    assert recall([3, 3], [3] * 10, 2) == 1


def test_the_catalogues_are_the_same_products_in_three_languages() -> None:
    first, *others = (catalogue(language) for language in LANGUAGES)
    assert len(first) >= 5000
    assert len({item.name for item in first}) == len(first)
    for other in others:
        assert [(i.id, i.name, i.attributes) for i in other] == [(i.id, i.name, i.attributes) for i in first]


def test_each_brief_has_an_answer_except_those_that_have_none() -> None:
    items = catalogue("en")
    assert len(BRIEFS) >= 100
    assert {brief["language"] for brief in BRIEFS} == set(LANGUAGES)
    for brief in BRIEFS:
        best = max(grade(item, brief["wanted"]) for item in items)
        assert best == (0 if brief["kind"] == "none" else 3), brief["id"]


def test_a_grade_follows_from_what_was_wanted() -> None:
    tents = [item for item in catalogue("en") if item.category == "tent"]
    wanted = {"category": "tent", "people": "two", "weight": "light", "colour": "red"}
    for item in tents:
        met = sum(item.attributes[key] == wanted[key] for key in ("people", "weight", "colour"))
        assert grade(item, wanted) == (1, 1, 2, 3)[met]
    assert grade(tents[0], {"category": "desk"}) == 0
    assert grade(tents[0], {"name": tents[0].name}) == 3
