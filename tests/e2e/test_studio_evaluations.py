"""Evaluations in the studio, in Chromium: begun, looked at cell by cell, labelled, compared."""

from collections.abc import Iterator

import pytest
from browser import DESKTOP, PHONE, assert_accessible, enter
from playwright.sync_api import Browser, Page, expect
from tools.stack import Stack

_LONG = 30_000
SUITE = """description: Words
prompts: ["Say {{word}}", "Tell me {{word}}"]
providers: [echo]
tests:
  - vars: {word: [light, heavy, warm]}
    assert: [{type: contains, value: Say}]
  - vars: {word: "<b>bold</b><script>document.title='broken'</script>"}
    assert: [{type: contains, value: bold}]
"""
BROKEN = """description: One is down
prompts: ["{{word}}"]
providers: [echo, {id: fake, label: down, config: {fail_from: 0}}]
tests:
  - vars: {word: [a, b, c, d]}
    assert: [{type: human}, {type: contains-any, value: [a, b, c, d]}]
"""


@pytest.fixture
def page(browser: Browser, stack: Stack) -> Iterator[Page]:
    page = browser.new_page(viewport=DESKTOP, locale="en-US")
    said: list[str] = []
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(f"http://{stack.http_address}/")
    yield page
    page.close()
    assert said == []


def begin(page: Page, stack: Stack, suite: str = SUITE) -> None:
    enter(page, stack)
    page.get_by_role("link", name="Evaluations").click()
    page.get_by_text("New run").click()
    page.get_by_label("Suite in promptfoo’s YAML").fill(suite)
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.get_by_text("4 of 4 cases")).to_be_visible(timeout=_LONG)
    expect(page.get_by_role("region", name="Columns")).to_be_visible(timeout=_LONG)


def test_a_run_is_begun_and_its_cells_explain_themselves(page: Page, stack: Stack) -> None:
    begin(page, stack)
    matrix = page.get_by_role("region", name="Matrix")
    expect(matrix.get_by_role("button")).to_have_count(8)
    assert "<script>" in matrix.inner_text()
    page.get_by_label("Show").select_option("differs")
    expect(matrix.get_by_role("button")).to_have_count(6)
    matrix.get_by_role("button").nth(1).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("does not contain “Say”")
    dialog.get_by_role("button", name="Not good").click()
    expect(dialog).to_contain_text("Marked as not good.")
    page.keyboard.press("ArrowRight")
    expect(dialog).to_contain_text("Say heavy")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    assert page.title() != "broken"


def test_two_runs_are_compared_in_words(page: Page, stack: Stack) -> None:
    begin(page, stack)
    page.reload()
    begin_again = page.get_by_role("button", name="Words").first
    page.get_by_role("link", name="Evaluations").click()
    page.get_by_text("New run").click()
    page.get_by_label("Suite in promptfoo’s YAML").fill(SUITE)
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.get_by_text("4 of 4 cases")).to_be_visible(timeout=_LONG)
    expect(begin_again).to_be_visible()
    page.get_by_role("form", name="Compare").get_by_role("button").click()
    expect(page.get_by_text("no difference shown").first).to_be_visible(timeout=_LONG)
    expect(page.get_by_text("No difference is shown in 2 columns.")).to_be_visible()
    expect(page.get_by_text(", 4 cases").first).to_be_visible()


def test_what_could_not_be_told_is_no_zero(page: Page, stack: Stack) -> None:
    begin(page, stack, BROKEN)
    columns = page.get_by_role("region", name="Columns").get_by_role("row")
    expect(columns.nth(1)).to_contain_text("100 %")
    expect(columns.nth(2).get_by_role("cell")).to_have_text(["–", "–", "4", "–", "–"])
    matrix = page.get_by_role("region", name="Matrix")
    expect(matrix.get_by_text("error", exact=True)).to_have_count(4)
    matrix.get_by_role("button").first.click()
    expect(page.get_by_role("dialog")).to_contain_text("human not applicable")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_a_matrix_keeps_nobody_out(browser: Browser, stack: Stack, scheme: str, size: dict[str, int]) -> None:
    page = browser.new_page(viewport=size, color_scheme=scheme, locale="en-US")
    page.goto(f"http://{stack.http_address}/")
    begin(page, stack)
    assert_accessible(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    page.get_by_role("region", name="Matrix").get_by_role("button").first.click()
    expect(page.get_by_role("dialog")).to_be_visible()
    assert_accessible(page)
    page.close()
