"""Suites in promptfoo's YAML, read from the files that come along."""

import pytest

from adwright_evaluator.model import Assertion, AssertionSet, Suite
from adwright_evaluator.suites import read_suite
from adwright_servicekit.errors import InvalidInput


def read(main: str, **files: str) -> Suite:
    given = {"promptfooconfig.yaml": main, **{name.replace("__", "."): text for name, text in files.items()}}
    return read_suite({path: text.encode() for path, text in given.items()})


HEAD = 'prompts: ["{{a}} {{b}}"]\nproviders: [echo]\n'


def test_lists_of_variables_are_multiplied_out() -> None:
    suite = read(HEAD + "tests: [{vars: {a: [x, y], b: [p, q, r]}}]")
    assert [(case.vars["a"], case.vars["b"]) for case in suite.cases] == [(a, b) for a in "xy" for b in "pqr"]
    assert [case.index for case in suite.cases] == list(range(6))
    kept = read(HEAD + "tests: [{vars: {a: [x, y], b: z}, options: {disableVarExpansion: true}}]")
    assert len(kept.cases) == 1


def test_what_every_case_has_is_said_once() -> None:
    suite = read(
        HEAD + "defaultTest: {vars: {b: z}, threshold: 0.5, assert: [{type: contains, value: z}]}\n"
        "tests: [{vars: {a: x}, assert: [{type: contains, value: x}]}, {vars: {a: y}, threshold: 1,"
        " options: {disableDefaultAsserts: true}}]"
    )
    first, second = suite.cases
    assert [each.value for each in first.assertions if isinstance(each, Assertion)] == ["z", "x"]
    assert (first.threshold, second.threshold, second.assertions) == (0.5, 1.0, ())


def test_cases_come_from_files_of_four_kinds() -> None:
    suite = read(
        HEAD + "tests: [file://a.csv, b.yaml, c.jsonl, d.json]",
        a__csv="a,b,__expected,__description,__threshold\n1,2,contains-all(0.5): x|y,first,0.5\n",
        b__yaml="- vars: {a: 3, b: 4}\n",
        c__jsonl='{"vars": {"a": 5, "b": 6}}\n',
        d__json='[{"vars": {"a": 7, "b": 8}}]',
    )
    assert [str(case.vars["a"]) for case in suite.cases] == ["1", "3", "5", "7"]
    csv = suite.cases[0]
    assert (csv.description, csv.threshold, str(csv.place)) == ("first", 0.5, "a.csv:2")
    [assertion] = csv.assertions
    assert isinstance(assertion, Assertion)
    assert (assertion.type, assertion.threshold) == ("contains-all", 0.5)


@pytest.mark.parametrize(
    ("cell", "type", "value", "negated"),
    [
        ("plain text", "equals", "plain text", False),
        ("contains: x", "contains", "x", False),
        ("not-contains: x", "contains", "x", True),
        ("is-json", "is-json", None, False),
        ("icontains-any: a, b", "icontains-any", ["a", "b"], False),
        ("grade: is polite", "llm-rubric", "is polite", False),
        ("eval: output.length > 3", "javascript", "output.length > 3", False),
    ],
)
def test_the_short_forms_of_csv_files(cell: str, type: str, value: object, negated: bool) -> None:
    row = f'"{cell}"' if "," in cell else cell
    [case] = read(HEAD + "tests: t.csv", t__csv=f"a,b,__expected\n1,2,{row}\n").cases
    [assertion] = case.assertions
    assert isinstance(assertion, Assertion)
    assert (assertion.type, assertion.value, assertion.negated) == (type, value, negated)


def test_prompts_come_from_files_and_are_told_apart() -> None:
    suite = read(
        "prompts: [file://p.txt, 'Say {{a}}', {raw: 'Tell {{a}}', label: tell}]\n"
        "providers: [echo]\ntests: [{vars: {a: x}}]",
        p__txt="One {{a}}\n---\nTwo {{a}}\n",
    )
    assert [prompt.label for prompt in suite.prompts] == ["p.txt (1)", "p.txt (2)", "Say {{a}}", "tell"]
    assert [prompt.template for prompt in suite.prompts][:2] == ["One {{a}}", "Two {{a}}"]


def test_sets_templates_and_anchors() -> None:
    suite = read(
        HEAD + "assertionTemplates: {short: {type: word-count, value: {max: 3}}}\n"
        "tests:\n  - vars: &v {a: x, b: y}\n    assert:\n      - $ref: '#/assertionTemplates/short'\n"
        "      - {type: assert-set, threshold: 0.5, assert: [{type: contains, value: x}]}\n  - vars: {<<: *v, b: z}\n"
    )
    first, second = suite.cases
    assert isinstance(first.assertions[0], Assertion)
    assert first.assertions[0].type == "word-count"
    assert isinstance(first.assertions[1], AssertionSet)
    assert second.vars == {"a": "x", "b": "z"}


def test_scenarios_are_their_configurations_times_their_tests() -> None:
    suite = read(
        HEAD + "scenarios: [{config: [{vars: {a: 1}}, {vars: {a: 2}}], tests: [{vars: {b: 3}}, {vars: {b: 4}}]}]"
    )
    assert [(case.vars["a"], case.vars["b"]) for case in suite.cases] == [(1, 3), (1, 4), (2, 3), (2, 4)]


@pytest.mark.parametrize(
    ("text", "place", "what"),
    [
        (HEAD + "tests: [{vars: {a: 1}}]", "promptfooconfig.yaml:3:9", "no variable 'b'"),
        (HEAD + "tests: [{vars: {a: 1, b: 2}, assert: [{value: x}]}]", "promptfooconfig.yaml:3:39", "`type`"),
        (HEAD + "tests: [{vars: {a: file://x.txt, b: 2}}]", "promptfooconfig.yaml:3:17", "no file 'x.txt'"),
        (HEAD + "nunjucksFilters: {f: f.js}", "promptfooconfig.yaml:3:1", "not supported"),
        (HEAD + "tests: [{vars: {a: 1, b: 2}, threshold: high}]", "promptfooconfig.yaml:3:30", "must be a number"),
        ("prompts: [p.py]\nproviders: [echo]", "promptfooconfig.yaml:1:11", "made by code"),
    ],
)
def test_every_fault_is_named_with_its_place(text: str, place: str, what: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read(text)
    assert place in caught.value.message
    assert what in caught.value.message


def test_a_key_that_is_not_known_is_left_out_and_said() -> None:
    suite = read(HEAD + "tests: [{vars: {a: 1, b: 2}, asert: []}]")
    [warning] = suite.warnings
    assert warning.startswith("promptfooconfig.yaml:3:30: 'asert' is not known")
    assert "did you mean assert?" in warning


def test_aliases_that_multiply_without_end_are_refused() -> None:
    bomb = "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
    for before, after in zip("abcdefg", "bcdefgh", strict=True):
        bomb += f"{after}: &{after} [{', '.join([f'*{before}'] * 10)}]\n"
    with pytest.raises(InvalidInput, match="too large by its aliases"):
        read(bomb)
