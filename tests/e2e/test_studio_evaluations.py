"""Evaluations in the studio, in Chromium: begun, looked at cell by cell, labelled, compared."""

import re
from collections.abc import Iterator

import pytest
from browser import DESKTOP, PHONE, assert_accessible, enter
from playwright.sync_api import Browser, Locator, Page, expect
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
ONE_ERROR = """description: One of two is down
prompts: ["{{word}}"]
providers: [echo, {id: fake, label: down, config: {fail_from: 0}}]
tests:
  - vars: {word: a}
    assert: [{type: contains, value: a}]
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


def begin(page: Page, stack: Stack, suite: str = SUITE, shows: str = "4 of 4 cases") -> None:
    enter(page, stack)
    begin_another(page, suite, shows)


def begin_another(page: Page, suite: str = SUITE, shows: str = "4 of 4 cases") -> None:
    before = page.url
    page.get_by_role("link", name="Evaluations").click()
    page.get_by_text("New run").click()
    page.get_by_label("Suite in promptfoo’s YAML").fill(suite)
    page.get_by_role("button", name="Run", exact=True).click()
    page.wait_for_url(lambda url: "#evaluations/" in url and url != before)
    expect(page.get_by_text(shows)).to_be_visible(timeout=_LONG)
    expect(page.get_by_role("region", name="Columns")).to_be_visible(timeout=_LONG)


def run_at(page: Page) -> str:
    """The id of the run that is open, by the page's address."""
    return page.url.partition("#evaluations/")[2]


def row_of(page: Page, run: str) -> Locator:
    return page.get_by_role("region", name="Runs").get_by_role("row").filter(has=page.locator(f"a[href$='{run}']"))


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
    begin_another(page)
    page.get_by_role("form", name="Compare").get_by_role("button").click()
    expect(page.get_by_text("no difference shown").first).to_be_visible(timeout=_LONG)
    expect(page.get_by_text("No difference is shown in 2 columns.")).to_be_visible()
    expect(page.get_by_text(", 4 cases").first).to_be_visible()


def test_a_run_is_compared_with_the_one_before_it_of_the_same_suite(page: Page, stack: Stack) -> None:
    suite = SUITE.replace("Words", "Compared words")
    begin(page, stack, suite)
    against = page.get_by_label("Compare with")
    first = run_at(page)
    begin_another(page, BROKEN)
    begin_another(page, suite)
    expect(against).to_have_value(f"evaluations/{first}")
    row_of(page, first).get_by_role("link").click()
    expect(against).to_have_value("")
    expect(against.locator("option:checked")).to_have_text("none")


def test_a_run_has_an_address_that_survives_a_reload_and_can_be_linked(
    page: Page, browser: Browser, stack: Stack
) -> None:
    begin(page, stack, SUITE.replace("Words", "Linked words"))
    heading = page.get_by_role("heading", name="Linked words")
    page.reload()
    expect(heading).to_be_focused(timeout=_LONG)
    page.get_by_role("link", name="History").click()
    expect(heading).to_be_hidden()
    page.go_back()
    expect(heading).to_be_visible()

    other = browser.new_page(viewport=DESKTOP, locale="en-US")
    other.goto(page.url)
    other.get_by_label("API key").fill(stack.environ["ADWRIGHT_API_KEY"])
    other.get_by_role("button", name="Open the studio").click()
    expect(other.get_by_role("heading", name="Linked words")).to_be_focused(timeout=_LONG)
    other.get_by_role("link", name="All runs").click()
    expect(other.get_by_role("heading", name="Linked words")).to_have_count(0)
    other.goto(f"http://{stack.http_address}/#evaluations/nowhere")
    expect(other.get_by_role("alert")).to_contain_text("evaluations/nowhere")
    other.close()


def test_on_a_phone_a_run_that_is_opened_comes_into_view(browser: Browser, stack: Stack) -> None:
    page = browser.new_page(viewport={"width": PHONE["width"], "height": 400}, locale="en-US")
    page.goto(f"http://{stack.http_address}/")
    begin(page, stack, SUITE.replace("Words", "Words on a phone"))
    run = run_at(page)
    heading = page.get_by_role("heading", name="Words on a phone")
    page.reload()
    page.get_by_role("link", name="All runs").click()
    expect(heading).to_have_count(0)
    for _ in range(2):  # opened, and brought back once it is open
        page.evaluate("scrollTo(0, 0)")
        row_of(page, run).get_by_role("link").click()
        expect(heading).to_be_focused()
        expect(heading).to_be_in_viewport()
        assert page.evaluate("scrollY") > 0
    page.close()


def test_one_error_is_no_errors(page: Page, stack: Stack) -> None:
    begin(page, stack, ONE_ERROR, shows="1 of 1 case")
    expect(row_of(page, run_at(page))).to_contain_text(re.compile(r"1 of 2, 1 error(?!s)"))


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
