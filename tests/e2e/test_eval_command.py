"""`adwright eval` against the real stack: exit codes, files, comparison, bad input in one line."""

import csv
import json
import re
from pathlib import Path

import pytest
from browser import DESKTOP, PHONE, assert_accessible
from commands import adwright
from playwright.sync_api import Browser, expect
from tools.stack import ROOT, Stack

WORDS = ROOT / "examples" / "suites" / "words"
HOSTILE = """prompts: ["{{text}}"]
providers: [echo]
tests:
  - vars:
      text: |
        </script><script>document.title='broken'</script><!--
        <img src=x onerror="document.title='broken'">
"""


def test_a_suite_runs_to_a_table_and_files(stack: Stack, tmp_path: Path) -> None:
    outputs = [tmp_path / f"out.{ending}" for ending in ("json", "html", "csv", "xml", "jsonl")]
    done = adwright(stack, "eval", "run", str(WORDS), *(word for path in outputs for word in ("-o", str(path))))
    assert done.returncode == 1, done.stderr
    assert re.search(r"4 passed, 2 failed, 0 errors of 6", done.stdout)
    assert "does not contain “1.9 kg”" in done.stdout
    assert all(path.stat().st_size for path in outputs)
    results = json.loads(outputs[0].read_text())
    assert results["results"]["stats"]["failures"] == 2
    with outputs[2].open(newline="") as file:
        assert len(list(csv.DictReader(file))) == 6
    assert adwright(stack, "eval", "compare", str(outputs[0]), "latest").returncode == 0


def test_a_suite_that_passes_exits_0(stack: Stack, tmp_path: Path) -> None:
    (tmp_path / "promptfooconfig.yaml").write_text("prompts: [file://p.txt]\nproviders: [echo]\ntests: t.csv\n")
    (tmp_path / "p.txt").write_text("Say {{w}}")
    (tmp_path / "t.csv").write_text("w,__expected\nhello,contains: hello\n")
    done = adwright(stack, "eval", "run", str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    detached = adwright(stack, "eval", "run", str(tmp_path), "--detach")
    assert detached.stdout.startswith("evaluations/")
    shown = adwright(stack, "eval", "show", detached.stdout.strip())
    assert "1 passed" in shown.stdout


def test_ads_are_written_and_judged_by_the_models_of_the_stack(stack: Stack, tmp_path: Path) -> None:
    suite = tmp_path / "suite.yaml"
    suite.write_text(
        "prompts: ['{{brief}}']\n"
        "providers:\n"
        "  - {id: adwright, config: {brand: nordlys, product: aurora-trail-2, format: push}}\n"
        "  - {id: 'backend:embedded', config: {max_tokens: 24, temperature: 0, seed: 1}}\n"
        "tests:\n  - vars: {brief: a light tent}\n"
        "    assert:\n      - {type: ad-limits}\n      - {type: llm-rubric, value: It is about a tent., weight: 0}\n"
        "      - {type: similar, value: a tent, threshold: 0, weight: 0, metric: near}\n"
    )
    done = adwright(stack, "eval", "run", str(suite), "-o", str(tmp_path / "out.json"))
    assert "0 errors of 2" in done.stdout, done.stdout + done.stderr
    first, second = json.loads((tmp_path / "out.json").read_text())["results"]["results"]
    assert first["metadata"]["generation"].startswith("generations/")
    assert first["gradingResult"]["componentResults"][1]["reason"]
    assert second["gradingResult"]["componentResults"][0]["adwright"] == {"outcome": "not_applicable"}
    assert len(first["adwright"]["traceId"]) == 32
    again = adwright(stack, "eval", "run", str(suite), "--provider", "backend:embedded")
    assert "1 from the cache" in again.stdout, again.stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["eval", "run", "nowhere"], "there is no file nowhere"),
        (["eval", "run"], "has no promptfooconfig.yaml"),
        (["eval", "run", "SUITE"], "promptfooconfig.yaml:4:15: there is no assertion type 'contain': did you mean"),
        (["eval", "run", "SUITE", "-o", "x.pdf"], "the ending says the format"),
        (["eval", "show", "nothing-like-it"], "there is no evaluations/nothing-like-it"),
        (["eval", "compare", "a.json", "b.json"], "there is no file a.json"),
        (["eval", "export"], "--output"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(stack: Stack, tmp_path: Path, arguments: list[str], says: str) -> None:
    suite = tmp_path / "promptfooconfig.yaml"
    suite.write_text("prompts: [a]\nproviders: [echo]\ntests:\n  - assert: [{type: contain, value: a}]\n")
    done = adwright(stack, *(str(suite) if word == "SUITE" else word for word in arguments))
    assert done.returncode == 2, done.stdout + done.stderr
    assert says in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_report_opens_from_disk_and_lets_nothing_run(stack: Stack, tmp_path: Path, browser: Browser) -> None:
    suite, report = tmp_path / "promptfooconfig.yaml", tmp_path / "report.html"
    suite.write_text(HOSTILE)
    adwright(stack, "eval", "run", str(suite), "-o", str(report))
    page = browser.new_page(viewport=DESKTOP)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(report.as_uri())
    expect(page.get_by_text("1 of 1 cases")).to_be_visible()
    page.locator("#matrix button").click()
    expect(page.get_by_role("dialog")).to_contain_text("</script><script>")
    assert page.title() != "broken"
    assert [url for url in asked if not url.startswith("file:")] == []
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_a_report_keeps_nobody_out(
    stack: Stack, tmp_path: Path, browser: Browser, scheme: str, size: dict[str, int]
) -> None:
    report = tmp_path / "report.html"
    adwright(stack, "eval", "run", str(WORDS), "-o", str(report))
    page = browser.new_page(viewport=size, color_scheme=scheme)
    page.goto(report.as_uri())
    expect(page.get_by_text("3 of 3 cases")).to_be_visible()
    assert_accessible(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    page.locator("#status").select_option("differs")
    page.locator("#matrix button").first.click()
    page.locator("#diff").check()
    assert_accessible(page)
    page.close()
