"""What templates print is what promptfoo printed for the same (Nunjucks 3.2.4, promptfoo 0.121.20)."""

import pytest

from adwright_evaluator.suites.templates import render
from adwright_servicekit.errors import InvalidInput

VALUES = {
    "s": 'it\'s "q" <b>',
    "l": [1, 2],
    "n": 2.5,
    "d": {"a": [1, 2], "b": "ä"},
    "t": True,
    "e": 3.0,
    "nul": None,
    "big": 12345678901234567890,
    "huge": 1e21,
    "tiny": 1e-7,
    "five": "5",
    "deep": [1, [2, None, [3]], "x"],
    "empty": [],
    "long": "one two three four five",
}
SAID = [
    ("{{ n | round }}", "3"),
    ("{{ -2.5 | round }}{{ 2.345 | round(2) }}{{ 2.1 | round(0, 'ceil') }}{{ 2.9 | round(0, 'floor') }}", "-22.3532"),
    (
        "{{ e }} {{ big }} {{ huge }} {{ 0.1 + 0.2 }} {{ tiny }}",
        "3 12345678901234567000 1e+21 0.30000000000000004 1e-7",
    ),
    ("{{ l }}|{{ deep }}|{{ nul }}|{{ t }}", "1,2|1,2,,3,x||true"),
    ("{{ d | dump }}", '{"a":[1,2],"b":"ä"}'),
    ("{{ l | dump(2) }}", "[\n  1,\n  2\n]"),
    ("{{ e | dump }}{{ s | dump }}", '3"it\'s \\"q\\" <b>"'),
    ("{{ s | title }}", 'It\'s "q" <b>'),
    ("{{ s | capitalize }}{{ s | upper }}", 'It\'s "q" <b>IT\'S "Q" <B>'),
    ("{{ s | escape }}", "it&#39;s &quot;q&quot; &lt;b&gt;"),
    (
        "{{ long | truncate(10) }}|{{ long | truncate(10, true) }}|{{ long | truncate(10, false, '…') }}",
        "one two...|one two th...|one two…",
    ),
    ("{{ '<p>a <b>b</b></p> c < d' | striptags }}", "a b c < d"),
    ("{{ 'a b&c/ä' | urlencode }}", "a%20b%26c%2F%C3%A4"),
    ("{{ l | join('-') }}{{ 'abc' | center(6) }}|", "1-2 abc  |"),
    ("{{ 'a,b' | replace(',', ';') }}{{ l | sum }}{{ '1.5' | float }}", "a;b31.5"),
    ("{{ l | batch(1) | length }}{{ [1, 2, 3] | slice(2) | dump }}", "2[[1,2],[3]]"),
    ("{{ five * 2 }} {{ five + 1 }} {{ 7 / 2 }} {{ 4 / 2 }} {{ 7 // 2 }} {{ -7 % 3 }}", "10 51 3.5 2 3 -1"),
    ("{% if five == 5 %}y{% endif %}{% if five > 10 %}n{% endif %}{% if t == 1 %}y{% endif %}", "yy"),
    ("{% if empty %}y{% else %}n{% endif %}{{ 'y' if d else 'n' }}{% if not empty %}n{% endif %}", "yy"),
    ("{{ s.length }}{{ l.length }}{{ s.toUpperCase() }}", '122IT\'S "Q" <B>'),
    ("{% for k, v in d %}{{ k }}={{ v }};{% endfor %}", "a=1,2;b=ä;"),
    ("{% for x in l %}{{ loop.index }}{{ x }}{% if not loop.last %},{% endif %}{% endfor %}", "11,22"),
    ("{% set a = 'x' %}{{ a ~ e }}{% macro m(b) %}<{{ b }}>{% endmacro %}{{ m(1) }}", "x3<1>"),
    ("{{ missing | default('z') }}{{ '' | default('z', true) }}", "zz"),
    ("a\n{% if t %}\nb\n{% endif %}\n", "a\n\nb\n\n"),
    ("{{ '[1, 2]' | load | last }}{{ 'x' | nl2br }}", "2x"),
]


@pytest.mark.parametrize(("template", "said"), SAID)
def test_templates_print_what_nunjucks_prints(template: str, said: str) -> None:
    assert render(template, VALUES) == said


def test_a_mapping_prints_as_its_json() -> None:
    assert render("{{ d }}", VALUES) == '{"a":[1,2],"b":"ä"}'


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        ("{% set n = 0 %}{% for x in l %}{% set n = n + 1 %}{% endfor %}{{ n }}", "`set n` inside of a loop"),
        ("{{ s * 2 }}", "is no number"),
        ("{{ 1 / 0 }}", "division by zero"),
        ("{{ d.c }}", "there is no 'c' in what is a dict"),
        ("{{ env.HOME }}", "name what the suite needs under `env`"),
    ],
)
def test_what_would_be_something_else_is_refused(template: str, problem: str) -> None:
    with pytest.raises(InvalidInput, match=problem.replace("(", r"\(")):
        render(template, VALUES)
