"""The studio in a browser, as a visitor meets it."""

import json
from collections.abc import Iterator

import pytest
from browser import DESKTOP, PHONE, CuttableProxy, assert_accessible, enter
from playwright.sync_api import Browser, Page, expect
from tools.stack import Stack

_LONG = 60_000


@pytest.fixture
def page(browser: Browser, stack: Stack) -> Iterator[Page]:
    page = browser.new_page(viewport=DESKTOP, locale="en-US")
    said: list[str] = []
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    page.goto(f"http://{stack.http_address}/")
    yield page
    page.close()
    assert said == []


def write(page: Page, fmt: str = "Plain text", variants: int = 1) -> None:
    page.get_by_label("Format").select_option(label=fmt) if fmt else None
    page.get_by_label("Variants").fill(str(variants))
    page.get_by_role("button", name="Write").click()


def plain(page: Page) -> str:
    names = page.get_by_label("Format").locator("option").all_inner_texts()
    return next(name for name in names if "lain" in name)


def test_a_first_visitor_streams_an_ad_within_three_clicks(page: Page, stack: Stack) -> None:
    enter(page, stack)  # the first click
    page.get_by_role("button", name="Write").click()  # the second
    texts = page.locator(".fields dd")
    expect(texts.first).not_to_be_empty(timeout=_LONG)
    expect(page.locator(".badge").first).to_be_visible(timeout=_LONG)
    assert stack.environ["ADWRIGHT_API_KEY"] not in page.url
    history = page.evaluate("performance.getEntriesByType('resource').map(e => e.name).join(' ')")
    assert stack.environ["ADWRIGHT_API_KEY"] not in history


def test_a_wrong_key_is_refused_in_words(browser: Browser, stack: Stack) -> None:
    page = browser.new_page()
    page.goto(f"http://{stack.http_address}/")
    page.get_by_label("API key").fill("adw_nobody_has_this_key")
    page.get_by_role("button", name="Open the studio").click()
    expect(page.get_by_role("alert")).to_contain_text("not known")
    page.close()


def test_what_was_written_is_rated_corrected_and_found_again(page: Page, stack: Stack) -> None:
    enter(page, stack)
    write(page, plain(page))
    expect(page.locator(".badge")).to_be_visible(timeout=_LONG)
    variant = page.get_by_role("article", name="Variant 1")
    variant.get_by_text("4 of 5").locator("..").click()
    expect(variant.get_by_role("status")).to_have_text("Rated 4 of 5.")
    variant.get_by_role("button", name="Correct", exact=True).click()
    variant.get_by_role("textbox").fill("Aurora Trail 2. Light, and dry.")
    variant.get_by_role("button", name="Keep the correction").click()
    expect(variant.get_by_role("status")).to_have_text("The correction is kept.")
    variant.get_by_role("button", name="Make it an exemplar").click()
    expect(variant.get_by_role("status")).to_contain_text("Now the exemplar")

    page.get_by_role("link", name="History").click()
    page.get_by_role("searchbox", name="Filter").fill("rating = 4 AND corrected = true")
    page.get_by_role("button", name="Filter").click()
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(1)
    rows.get_by_role("checkbox").check()
    expect(page.locator(".compared")).to_contain_text("Variant 1")
    page.once("dialog", lambda dialog: dialog.accept())
    rows.get_by_role("button", name="Erase").click()
    expect(rows).to_have_count(0)


def test_a_brand_is_edited(page: Page, stack: Stack) -> None:
    enter(page, stack)
    page.get_by_role("link", name="Brands").click()
    page.get_by_text("New brand").click()
    made = page.get_by_role("form", name="New brand")
    made.get_by_label("Name").fill("Studio Brand")
    made.get_by_label("Id").fill("studio-brand")
    made.get_by_role("button").click()
    form = page.get_by_role("form", name="Brand Studio Brand")
    form.get_by_label("Voice").fill("Quiet.")
    form.get_by_label("Banned terms").fill("cheap\nbest ever")
    form.get_by_role("button", name="Save").click()
    expect(form.get_by_role("status")).to_contain_text("Saved")
    page.reload()
    page.locator("main:visible").get_by_role("combobox", name="Brand").select_option(label="Studio Brand")
    expect(page.get_by_role("form", name="Brand Studio Brand").get_by_label("Banned terms")).to_have_value(
        "cheap\nbest ever"
    )


def test_a_broken_connection_is_resumed_without_a_doubled_character(browser: Browser, stack: Stack) -> None:
    proxy = CuttableProxy(stack.http_address)
    page = browser.new_page()
    try:
        page.goto(proxy.url)
        page.expose_function("cut", proxy.cut)
        request = {
            "brand": "nordlys",
            "products": ["aurora-trail-2"],
            "format": "plain",
            "variantCount": 2,
            "maxRepairs": 0,
        }
        found = page.evaluate(
            """async ([secret, request]) => {
                const { generate, key } = await import("/studio/js/api.js");
                key.set(secret);
                const states = [], texts = {};
                let deltas = 0, final = null;
                for await (const event of generate(request, { onState: (state) => states.push(state) })) {
                    if (event.delta) {
                        const { variant, text } = event.delta;
                        texts[variant] = (texts[variant] || "") + text;
                        deltas += 1;
                        if (deltas === 3 || deltas === 9) await cut();
                    }
                    if (event.completed) final = Object.fromEntries(
                        event.completed.ads.map((ad) => [ad.variant, ad.fields[0].text]));
                }
                return { states, texts, final };
            }""",
            [stack.environ["ADWRIGHT_API_KEY"], request],
        )
        assert found["texts"] == found["final"], json.dumps(found)
        assert "reconnecting" in found["states"]
    finally:
        page.close()
        proxy.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_nothing_keeps_people_out(browser: Browser, stack: Stack, scheme: str, size: dict[str, int]) -> None:
    page = browser.new_page(viewport=size, color_scheme=scheme, locale="en-US")
    page.goto(f"http://{stack.http_address}/")
    assert_accessible(page)
    enter(page, stack)
    write(page, plain(page))
    expect(page.locator(".badge")).to_be_visible(timeout=_LONG)
    for room in ("Write", "History", "Brands", "Evaluations"):
        page.get_by_role("link", name=room).click()
        expect(page.locator("main:visible")).to_have_count(1)
        page.wait_for_load_state("networkidle")
        assert_accessible(page)
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= size["width"], f"{room} is {width} wide"
    page.close()


def test_the_keyboard_alone_is_enough(page: Page, stack: Stack) -> None:
    expect(page.get_by_label("API key")).to_be_focused()
    page.keyboard.type(stack.environ["ADWRIGHT_API_KEY"])
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Write")).to_be_visible(timeout=_LONG)
    page.get_by_label("Brief").focus()
    page.keyboard.type("Light")
    for _ in range(6):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent") == "Write":
            break
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Stop")).to_be_visible()
    page.get_by_role("button", name="Stop").press("Enter")
    expect(page.get_by_text("Stopped.")).to_be_visible()
