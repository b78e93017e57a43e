"""promptfoo's own files: read to the same cases, or refused with the place and the remedy (tried with 0.121.20)."""

from typing import Any

import pytest

from adwright_evaluator.assertions import KNOWN_TYPES
from adwright_evaluator.model import Assertion, AssertionSet, Case, Suite
from adwright_evaluator.suites import read_suite
from adwright_evaluator.suites.javascript import evaluate_javascript
from adwright_evaluator.suites.prompts import render_prompt
from adwright_evaluator.suites.transforms import transform
from adwright_servicekit.errors import InvalidInput

HEAD = 'prompts: ["{{x}}"]\nproviders: [echo]\n'


def read(main: str, files: dict[str, str] | None = None) -> Suite:
    given = {"promptfooconfig.yaml": main, **(files or {})}
    return read_suite({path: text.encode() for path, text in given.items()}, known_types=KNOWN_TYPES)


def values(suite: Suite, name: str = "x") -> list[Any]:
    return [case.vars[name] for case in suite.cases]


def assertions(case: Case) -> list[Assertion]:
    return [each for each in case.assertions if isinstance(each, Assertion)]


def sent(suite: Suite, prompt: int = 0) -> Any:
    return render_prompt(suite.prompts[prompt], suite.cases[0].vars, {})


def test_two_stars_mean_no_folder_too() -> None:
    files = {"tests/a.yaml": "- vars: {x: 1}", "tests/s/b.yaml": "- vars: {x: 2}"}
    assert values(read(HEAD + "tests: tests/**/*.yaml", files)) == [1, 2]
    assert values(read(HEAD + "tests: tests/*.yaml", files)) == [1]


def test_files_in_variables_are_read_as_text_also_in_lists_and_csv_cells() -> None:
    files = {"a.txt": "AA\n", "b.json": '{"k": 1}\n', "c.yaml": "k: [1, 2]", "d/1.json": "{}", "d/2.json": "[]"}
    suite = read(HEAD + "tests: [{vars: {x: [file://a.txt, plain, file://b.json, file://c.yaml]}}]", files)
    assert values(suite) == ["AA", "plain", '{"k": 1}', '{"k":[1,2]}']
    assert values(read(HEAD + "tests: [{vars: {x: file://d/*.json}}]", files)) == ["{}", "[]"]
    assert values(read(HEAD + "tests: t.csv", files | {"t.csv": "x,y\nfile://a.txt,1\n"})) == ["AA"]


CSV = [
    ("https://example.com", "equals", "https://example.com"),
    ("yes: it is", "equals", "yes: it is"),
    ("Note: done", "equals", "Note: done"),
    ("file://chk.js", "javascript", "file://chk.js"),
    ("similar(1.2.3):b", "equals", "similar(1.2.3):b"),
    ('"contains-any:a,""b,c"""', "contains-any", ["a", "b,c"]),
    (" contains: q ", "contains", "q"),
    ("  plain  ", "equals", "plain"),
    ("javascript: output.length > 1", "javascript", "output.length > 1"),
]


@pytest.mark.parametrize(("cell", "kind", "value"), CSV)
def test_what_is_no_type_is_what_the_output_must_equal(cell: str, kind: str, value: object) -> None:
    files = {"t.csv": f"x,__expected\na,{cell}\n", "chk.js": "module.exports = () => true"}
    [found] = assertions(read(HEAD + "tests: t.csv", files).cases[0])
    assert (found.type, found.value) == (kind, value)


def test_a_type_that_is_nearly_one_is_warned_of() -> None:
    suite = read(HEAD + "tests: t.csv", {"t.csv": "x,__expected\na,contians: b\n"})
    assert [each.type for each in assertions(suite.cases[0])] == ["equals"]
    assert "t.csv:2" in suite.warnings[0]
    assert "did you mean contains?" in suite.warnings[0]


def test_csv_files_have_thresholds_metadata_and_other_columns() -> None:
    rows = (
        "x,__expected1,__expected2,__config:__expected2:threshold,__metadata:tags[],__other\n"
        'a,similar: b,levenshtein(3): c,0.5,"p, q\\, r",o\n'
    )
    [case] = read(HEAD + "tests: t.csv", {"t.csv": rows}).cases
    assert [each.threshold for each in assertions(case)] == [0.8, 0.5]
    assert (case.metadata, case.vars) == ({"tags": ["p", "q, r"]}, {"x": "a", "__other": "o"})


VARIABLES = [
    ("{x: '{{y}}!', y: '{{z}}', z: a}", "a!"),
    ("{x: 'a {{ b }} literal'}", "a {{ b }} literal"),
    ("{x: 'save 50% {% off'}", "save 50% {% off"),
    ("{x: 'fn(){ if(a){#1} }'}", "fn(){ if(a){#1} }"),
    ("{x: '{{ 1 + 1 }}'}", "2"),
    ("{x: '{{ y | upper }}', y: b}", "B"),
    ("{x: '{{ x }}'}", "{{ x }}"),
]


@pytest.mark.parametrize(("given", "x"), VARIABLES)
def test_variables_are_filled_in_as_far_as_they_name_others(given: str, x: str) -> None:
    assert values(read(HEAD + f"tests: [{{vars: {given}}}]")) == [x]


def test_a_broken_variable_is_named_with_its_place() -> None:
    with pytest.raises(InvalidInput, match=r"^promptfooconfig.yaml:3:9: variable 'x': is no template"):
        read(HEAD + "tests: [{vars: {x: 'curly {{ } brace'}}]")


def test_variables_that_fill_each_other_do_not_fill_the_memory() -> None:
    longer = ", ".join(f"v{n}: '{{{{v{n - 1}}}}}{{{{v{n - 1}}}}}{{{{v{n - 1}}}}}'" for n in range(1, 60))
    with pytest.raises(InvalidInput, match="more than 1000000 characters"):
        read(HEAD + f"tests: [{{vars: {{v0: {'a' * 5000}, {longer}, x: 1}}}}]")
    many = f"defaultTest: {{vars: {{big: {'a' * 900_000}, x: '{{{{big}}}}'}}}}\ntests: [{'{vars: {n: 1}}, ' * 90}]"
    with pytest.raises(InvalidInput, match="more than 64000000 characters"):
        read(HEAD + many)


def test_conversations_are_messages_also_where_they_are_json_only_once_filled_in() -> None:
    files = {
        "a.json": '[{"role":"system","content":{{sys | dump}}},{"role":"user","content":"Q {{x}}"}]',
        "b.yaml": '# my chat\n- role: system\n  content: sys\n- role: user\n  content: "Q {{x}}"\n',
        "c.txt": "# notes\n- role: user\n  content: {{x}}\n",
        "d.json": '{"ask": "{{x}}"}',
    }
    prompts = "prompts: [file://a.json, file://b.yaml, file://c.txt, file://d.json]\nproviders: [echo]\n"
    suite = read(prompts + "tests: [{vars: {x: one, sys: 'be \"nice\"'}}]", files)
    assert sent(suite, 0) == [{"role": "system", "content": 'be "nice"'}, {"role": "user", "content": "Q one"}]
    assert sent(suite, 1) == [{"role": "system", "content": "sys"}, {"role": "user", "content": "Q one"}]
    assert sent(suite, 2) == [{"role": "user", "content": "one"}]
    assert sent(suite, 3) == '{\n  "ask": "one"\n}'


def test_an_assert_set_holds_assertions_that_look_at_one_output() -> None:
    suite = read(HEAD + "tests: [{vars: {x: 1}, assert: [{type: assert-set, assert: [{type: is-json}]}]}]")
    [found] = suite.cases[0].assertions
    assert isinstance(found, AssertionSet)
    assert len(found.assertions) == 1


def test_a_judge_of_the_options_judges_where_an_assertion_names_none() -> None:
    suite = read(
        HEAD + "defaultTest: {options: {provider: {text: openai:gpt-9, embedding: packaged}}}\n"
        "tests: [{vars: {x: 1}, assert: [{type: llm-rubric, value: a}, {type: llm-rubric, value: b, provider: own},"
        " {type: contains, value: c}, {type: similar, value: d}]}]"
    )
    named = [each.provider.id if each.provider else None for each in assertions(suite.cases[0])]
    assert named == ["openai:gpt-9", "own", None, "packaged"]


def test_a_rubric_prompt_of_the_options_is_read() -> None:
    suite = read(
        HEAD + "defaultTest: {options: {rubricPrompt: file://r.txt}}\ntests: [{vars: {x: 1}}]", {"r.txt": "Judge\n"}
    )
    assert suite.cases[0].options["rubricPrompt"] == "Judge"


def test_transforms_come_from_files_and_may_be_async() -> None:
    files = {"t.js": "module.exports = {up: async (o, c) => o.toUpperCase() + c.vars.x}"}
    suite = read(HEAD + "tests: [{vars: {x: 1}, options: {transform: 'file://t.js:up'}}]", files)
    assert transform(str(suite.cases[0].options["transform"]), "a", suite.cases[0].vars) == "A1"


def test_promises_are_kept_and_half_letters_are_not() -> None:
    assert evaluate_javascript("Promise.resolve(output).then(o => o + 1)", {"output": 1}) == 2
    assert evaluate_javascript("const n = 1; n + 1", {}) == 2
    assert evaluate_javascript("'a\U0001f600'.slice(0, 2)", {}) == "a\ufffd"
    for code in ("Promise.reject(new Error('no'))", "new Promise(() => {})", "(async () => { for (;;) await 0 })()"):
        with pytest.raises(InvalidInput, match="javascript: "):
            evaluate_javascript(code, {})


def test_the_environment_is_what_the_suite_says() -> None:
    files = {"t.csv": "x,__expected\n{{ env['FOO'] }},contains: {{env.FOO}}\n", "p.txt": "{{env.FOO}} {{x}}"}
    suite = read("env: {FOO: bar}\nprompts: [p.txt, '{{ env.FOO }}']\nproviders: [echo]\ntests: t.csv", files)
    assert (sent(suite), sent(suite, 1), values(suite)) == ("bar bar", "bar", ["bar"])
    assert assertions(suite.cases[0])[0].value == "bar"
    with pytest.raises(InvalidInput, match="name what the suite needs under `env`"):
        read("prompts: ['{{env.HOME}} {{x}}']\nproviders: [echo]\ntests: [{vars: {x: 1}}]")


def test_scenarios_and_their_parts_come_from_files() -> None:
    files = {
        "s.yaml": "- {config: file://c.yaml, tests: file://t.yaml}\n",
        "c.yaml": "- vars: {x: 1}\n- vars: {x: 2}\n",
        "t.yaml": "- vars: {y: a}\n",
    }
    assert values(read(HEAD + "scenarios: file://s.yaml", files)) == [1, 2]
    assert values(read(HEAD + "scenarios: [file://s.yaml]", files)) == [1, 2]


def test_names_of_providers_and_prompts_in_tests_are_theirs() -> None:
    suite = read(
        "prompts: [{raw: '{{x}}', label: short}]\nproviders: [{id: echo, label: 'e:one'}, {id: fake, label: f}]\n"
        "tests: [{vars: {x: 1}, providers: [e], prompts: ['sh*']}, {vars: {x: 2}, providers: [fake]}]"
    )
    assert [(case.providers, case.prompts) for case in suite.cases] == [(("e:one",), ("short",)), (("f",), ())]
