"""The small measures: language, tokens."""

import pytest

from adwright_context import languages
from adwright_context.tokens import estimate, estimate_all


@pytest.mark.parametrize(
    ("asked", "offered", "answer"),
    [
        ("en", ["de", "en"], "en"),
        ("en", ["en-GB", "en-US"], "en-GB"),
        ("de-AT", ["en", "de"], "de"),
        ("zh-Hant-TW", ["zh", "zh-Hant"], "zh-Hant"),
        ("zh-Hans", ["zh-Hant"], None),
        ("en-US", ["en-GB"], None),
        ("EN", ["en"], "en"),
    ],
)
def test_a_language_is_matched_up_and_down_but_never_sideways(
    asked: str, offered: list[str], answer: str | None
) -> None:
    assert languages.best_match(asked, offered) == answer


@pytest.mark.parametrize("tag", ["en", "de-AT", "zh-Hant-TW", "es-419", "nb", "ca-valencia"])
def test_known_tags_have_no_problem(tag: str) -> None:
    assert languages.problem_with(tag) is None


@pytest.mark.parametrize("tag", ["qq", "en-QQ", "zh-Qqqq"])
def test_unknown_parts_of_a_tag_are_named(tag: str) -> None:
    assert tag.rpartition("-")[2] in str(languages.problem_with(tag))


def test_tokens_follow_the_script() -> None:
    assert estimate("") == 0
    assert estimate("tent") == estimate("zelt") == 1
    assert estimate("Größe") == 2
    assert estimate("палатка") == 4
    assert estimate("自転車") == 3
    assert estimate("เต็นท์") >= 4
    assert estimate_all(["tent", "", "tent"]) == 2 * (1 + 2)
