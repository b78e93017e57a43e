"""Templates end soon and stay small, whatever they are made of."""

import time

import pytest

from adwright_evaluator.suites.templates import render, variables
from adwright_servicekit.errors import InvalidInput

DOUBLING = "{% set a = x ~ x %}" + "{% set a = a ~ a %}" * 60 + "{{ a }}"
ENDLESS = [
    "{% for i in range(1000000000) %}x{% endfor %}",
    "{% for i in range(16000) %}{% for j in range(16000) %}{% endfor %}{% endfor %}",
    "{% for i in range(90000) %}{% for j in range(90000) %}{% if false %}x{% endif %}{% endfor %}{% endfor %}",
    "{% for i in range(100000) %}{% set t %}{{ big }}{% endset %}{% endfor %}",
    "{% for i in range(100000) %}{% set t %}" + "x" * 100_000 + "{% endset %}{% endfor %}",
    "{% for i in range(99999) %}{% if 'ab' in big %}{% endif %}{% endfor %}",
    "{% for i in range(99999) %}{% set t = big[1:] %}{% endfor %}",
    "{{ 'a' | center(500000000) | length }}",
    "{{ 'a' | center(99999999999) }}",
    "{{ 'a\n' | indent(999999999) }}",
    "{{ big | replace('x', big) | length }}",
    "{{ range(99999) | join(big) | length }}",
    "{{ [1] | batch(999999999, 'x') | length }}",
    "{{ [1] | slice(999999999) | length }}",
    "{{ {'a': 1} | dump(999999999) | length }}" + "{{ missing }}",
    "{{ 9 ** 9 ** 9 }}",
    "{{ 1.5 | round(999999999) }}",
    "{{ 'x' * 10000000 }}",
    "{{ ''.center(999999999) }}",
    "{{ 'x'.ljust(999999999) }}",
    "{{ '%999999999d' | format(1) }}",
    "{{ '{:999999999}'.format(1) }}",
    "{{ 'a'.join(range(99999)) }}",
    DOUBLING,
    "{% set a = [x, x] %}" + "{% set a = [a, a] %}" * 60 + "{{ a }}",
    "{% set a = {'b': x} %}" + "{% set a = {'b': a, 'c': a} %}" * 60 + "{{ a | dump | length }}",
    "{% set a = [big] %}" + "{% set a = [1] | batch(10000, a) %}" * 5 + "{{ a | length }}",
    "{% macro f(n) %}{% set t = f(n) %}{% set t = f(n) %}{% endmacro %}{{ f(1) }}",
    "{% macro f(n) %}{% if n %}{% set t = f(n - 1) %}{% set t = f(n - 1) %}{% endif %}{% endmacro %}{{ f(99) }}",
    "{% for i in range(50000) %}{{ 'a' if 'ab' in big else 'b' }}{% endfor %}",
    "{% for a in tree recursive %}{{ loop(tree) }}{% endfor %}",
    "{{ x.__class__.__mro__ }}",
    "{{ ''.__class__ }}",
    "{{ '\\ud800' }}",
    "{{ " + "(" * 5000 + "x" + ")" * 5000 + " }}",
    "{{ " + "[" * 300 + "x" + "]" * 300 + " }}",
    "{% if x %}" * 200 + "{% endif %}" * 200,
    "{% for i in x %}" * 30 + "{% endfor %}" * 30,
    "{{ [" + "1," * 100_000 + "] | length }}",
    "{% include 'a' %}",
    "{% import 'a' as a %}",
]


@pytest.mark.parametrize("template", ENDLESS, ids=range(len(ENDLESS)))
def test_a_template_without_end_is_stopped(template: str) -> None:
    started = time.process_time()
    with pytest.raises(InvalidInput) as caught:
        render(template, {"x": "x", "big": "x" * 900_000, "tree": [1]})
    assert time.process_time() - started < 3
    assert len(caught.value.message) < 400
    assert "argument" not in caught.value.message


def test_many_long_variables_are_counted_before_they_are_put_together() -> None:
    with pytest.raises(InvalidInput, match="more than 1000000 characters"):
        render("{{ a }}" * 3000, {"a": "x" * 900_000})


@pytest.mark.parametrize("template", ["{% include 'a' %}", "{{ x | format(1) }}", "{{ " + "(" * 9999, "{% set a %}"])
def test_what_is_not_taken_is_told_when_its_variables_are_asked_for(template: str) -> None:
    with pytest.raises(InvalidInput, match="template"):
        variables(template)


def test_loops_of_a_reasonable_size_go_through() -> None:
    said = render("{% for i in range(300) %}{% for j in range(100) %}{{ i * j }},{% endfor %}{% endfor %}", {})
    assert said.count(",") == 30_000
