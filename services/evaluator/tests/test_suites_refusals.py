"""Bad input is one line with its place, told before anything is run."""

from contextlib import suppress
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from adwright_evaluator.assertions import KNOWN_TYPES
from adwright_evaluator.model import Suite
from adwright_evaluator.suites import read_suite
from adwright_servicekit.errors import InvalidInput

HEAD = "prompts: ['{{x}}']\nproviders: [echo]\n"
ASSERT = HEAD + "tests: [{vars: {x: 1}, assert: [%s]}]"
FILES = {
    "code.js": "module.exports = () => true",
    "new.js": "export default () => true",
    "self.yaml": "- file://self.yaml\n",
    "high.csv": "x,__expected,__config:__expected:threshold\na,b,high\n",
    "column.csv": "x,__config:threshold\na,b\n",
    "output.csv": "x,__providerOutput\na,b\n",
    "list.csv": 'x,__expected\na,"contains-any: ""b"\n',
}


def read(main: str) -> Suite:
    given = {"promptfooconfig.yaml": main, **FILES}
    return read_suite({path: text.encode() for path, text in given.items()}, known_types=KNOWN_TYPES)


REFUSED = [
    (HEAD + "tests: [{vars: {x: file://code.js}}]", "3:17: variables are not made by code"),
    (HEAD + "tests: [{vars: {x: 1}, providers: [ecoh]}]", "3:9: the suite has no provider 'ecoh': did you mean echo"),
    (HEAD + "tests: [{vars: {x: 1}, prompts: [other]}]", "3:9: the suite has no prompt 'other'"),
    (HEAD + "tests: [{vars: {x: 1}, provider: echo}]", "3:24: `provider` is not supported"),
    (HEAD + "tests: [{vars: {x: 1}, providerOutput: a}]", "3:24: `providerOutput` is not supported"),
    (HEAD + "tests: [{vars: {x: 1}, options: {transform: 'file://new.js'}}]", "3:34: new.js: write `module.exports"),
    (HEAD + "tests: [{vars: {x: 1}, options: {transform: 'file://t.py'}}]", "3:34: t.py: transforms come from .js"),
    (HEAD + "tests: [{vars: {x: 1}, options: {provider: [a]}}]", "3:34: a provider must be an id"),
    (HEAD + "tests: high.csv", "high.csv:2: `__config:__expected:threshold` must be a number, not 'high'"),
    (HEAD + "tests: column.csv", "column.csv:2: there is no column '__config:threshold'"),
    (HEAD + "tests: output.csv", "output.csv:2: `__providerOutput` is not supported"),
    (HEAD + "tests: list.csv", "list.csv:2: contains-any: the list has a quote that is never closed"),
    (HEAD + "scenarios: 5", "3:1: `scenarios` must be a list"),
    (HEAD + "scenarios: [{config: 5}]", "3:14: `config` must be a list"),
    (HEAD + "evaluateOptions: {maxConcurrency: .nan}", "3:35: a number must be finite"),
    (HEAD + "evaluateOptions: {repeat: many}", "3:1: `repeat` must be a number"),
    (
        HEAD + "assertionTemplates: {a: text}\ntests: [{assert: [{$ref: a}]}]",
        "4:19: the assertion template 'a' must be",
    ),
    ("prompts: ['{{x}}']\nproviders: [{id: echo, prompts: 5}]", "2:13: the suite has no prompt '5'"),
    ("prompts: ['{{x}}']\nproviders: [{id: echo, prompts: {a: b}}]", "2:13: `prompts` must be a text"),
    ("prompts: ['{{x}}']\nproviders: file://self.yaml", "self.yaml:1:3: self.yaml names itself"),
    ("prompts: [[a]]\nproviders: [echo]", "1:11: a prompt must be a text"),
    ('prompts: [\'[{"role": "tool", "content": "a"}]\']\nproviders: [echo]', "1:11: the prompt message 1 has the role"),
    ("prompts: ['{% include \"a\" %}']\nproviders: [echo]", "1:11: the prompt is no template: include is not taken"),
    (ASSERT % "{type: regex, value: '('}", "3:34: `value` is no regular expression"),
    (ASSERT % "{type: contains}", "3:34: contains must have a `value`"),
    (
        ASSERT % "{type: equals, value: '{{ y }}'}",
        "3:9: assertion equals (promptfooconfig.yaml:3:34): there is no variable 'y'",
    ),
    (ASSERT % "{type: equals, value: [a, '{{ y }}']}", "there is no variable 'y'"),
    (
        ASSERT % "{type: is-json, metric: 'm-{{ y }}'}",
        "3:9: assertion is-json (promptfooconfig.yaml:3:34): there is no",
    ),
    (ASSERT % "{type: equals, value: '{{ x'}", "3:34: `value` of equals is no template"),
    (ASSERT % "{type: assert-set, assert: [{type: assert-set, assert: [is-json]}]}", "3:61: a set cannot be in a set"),
    (ASSERT % "{type: assert-set, assert: [{type: select-best, value: a}]}", "3:62: select-best looks at all outputs"),
    (ASSERT % "{type: assert-set}", "3:33: an assert-set must have `assert`"),
    (ASSERT % "{type: is-json, weight: high}", "`weight` must be a number"),
    (ASSERT % "{type: javascript, value: file://new.js}", "new.js: write `module.exports"),
]


@pytest.mark.parametrize(("text", "what"), REFUSED, ids=range(len(REFUSED)))
def test_every_fault_is_named_before_a_run(text: str, what: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read(text)
    assert what in caught.value.message
    assert "\n" not in caught.value.message


WORDS = st.sampled_from(
    ["x", "{{ x }}", "{{", "file://code.js", "file://self.yaml", "*.csv", "contains", "echo", "id", "(", "1e999", ""]
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), WORDS),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(
                (
                    *("id", "vars", "assert", "type", "value", "options", "provider", "prompts", "config", "tests"),
                    *("$ref", "threshold", "label", "raw", "transform", "text", "x", "weight", "rubricPrompt", "path"),
                )
            ),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=8,
)
KEYS = (
    *("description", "prompts", "providers", "tests", "defaultTest", "scenarios", "evaluateOptions", "env"),
    *("commandLineOptions", "assertionTemplates", "tags", "outputPath"),
)


@settings(deadline=None, max_examples=300)
@given(st.sampled_from(KEYS), VALUES)
def test_nothing_in_a_suite_is_more_than_refused(key: str, value: Any) -> None:
    suite = {"prompts": ["{{x}}"], "providers": ["echo"], "tests": [{"vars": {"x": 1}}], key: value}
    with suppress(InvalidInput):
        read(yaml.safe_dump(suite, allow_unicode=True))


@settings(deadline=None, max_examples=200)
@given(st.sampled_from(["assert", "options", "vars", "metadata", "threshold", "providers", "description"]), VALUES)
def test_nothing_in_a_test_is_more_than_refused(key: str, value: Any) -> None:
    suite = {"prompts": ["{{x}}"], "providers": ["echo"], "tests": [{"vars": {"x": 1}, key: value}]}
    with suppress(InvalidInput):
        read(yaml.safe_dump(suite, allow_unicode=True))
