"""What nobody may do to the service with the files of a suite: crash it, fill its memory, keep it busy."""

import json
import time

import pytest

from adwright_evaluator.model import Place, Suite
from adwright_evaluator.suites import read_suite
from adwright_evaluator.suites.document import Parts, load_yaml
from adwright_evaluator.suites.files import Files
from adwright_servicekit.errors import InvalidInput

HEAD = 'prompts: ["{{x}}"]\nproviders: [echo]\n'


def read(main: str, **files: str) -> Suite:
    given = {"promptfooconfig.yaml": main, **{name.replace("__", "."): text for name, text in files.items()}}
    return read_suite({path: text.encode() for path, text in given.items()})


@pytest.mark.parametrize(
    "deep",
    ["[" * 60_000 + "]" * 60_000, "\n " + "- " * 60_000 + "a", "{a: " * 60_000 + "1" + "}" * 60_000],
    ids=["flow", "block", "mapping"],
)
def test_deep_yaml_is_refused_and_crashes_nothing(deep: str) -> None:
    with pytest.raises(InvalidInput, match=r"^promptfooconfig.yaml:\d+:\d+: is nested too deeply: at most 100 levels"):
        read(HEAD + f"tests: {deep}")


def test_long_files_are_refused_before_they_fill_the_memory() -> None:
    parts = Parts(1000)
    load_yaml("a: [" + "b," * 400 + "b]", "a.yaml", parts)
    with pytest.raises(InvalidInput, match=r"^b.yaml:1:\d+: the suite has more than 1000 keys and values"):
        load_yaml("a: [" + "b," * 1_000_000 + "b]", "b.yaml", parts)


def test_the_files_of_a_suite_share_one_bound() -> None:
    files = Files(dict.fromkeys(("a.yaml", "b.yaml", "c.yaml"), b"[" + b"a," * 400 + b"a]"), Parts(1000))
    files.document("a.yaml", Place())
    files.document("b.yaml", Place())
    with pytest.raises(InvalidInput, match=r"^c.yaml:1:\d+: the suite has more than 1000 keys and values"):
        files.document("c.yaml", Place())


def test_a_long_text_is_not_multiplied_either() -> None:
    with pytest.raises(InvalidInput, match="too large by its aliases"):
        load_yaml(f"a: &a {'x' * 100_000}\nb: [{'*a, ' * 200}*a]", "a.yaml")


def test_merge_keys_that_multiply_are_refused_at_once() -> None:
    lines = [f"m0: &m0 {{{', '.join(f'k{n}: 1' for n in range(10))}}}"]
    lines += [f"m{level}: &m{level} {{<<: [{', '.join([f'*m{level - 1}'] * 10)}]}}" for level in range(1, 30)]
    started = time.process_time()
    with pytest.raises(InvalidInput, match="too large by its aliases"):
        load_yaml("\n".join(lines), "a.yaml")
    assert time.process_time() - started < 1


def test_merging_ends_where_it_is_too_much() -> None:
    large = "m: &m {" + ", ".join(f"k{n}: 1" for n in range(20_000)) + "}\n"
    with pytest.raises(InvalidInput, match=r"a.yaml:2:\d+: becomes too large by its aliases"):
        load_yaml(large + "n: {<<: [" + "*m, " * 60 + "*m]}", "a.yaml")


def test_merged_keys_give_way_to_a_mapping_s_own_and_keep_their_places() -> None:
    document = load_yaml("a: &a {x: 1, y: 2}\nb: &b {y: 3, z: 4}\nc:\n  <<: [*a, *b]\n  x: 5\n", "a.yaml")
    merged = document.data["c"]  # type: ignore[index, call-overload]
    assert merged == {"x": 5, "y": 2, "z": 4}
    assert (str(document.place(merged, "y")), str(document.place(merged, "x"))) == ("a.yaml:1:14", "a.yaml:5:3")


@pytest.mark.parametrize("loop", ["a: &a [*a]", "a: &a {b: *a}", "a: [*nothing]"])
def test_an_alias_stands_after_what_it_names(loop: str) -> None:
    with pytest.raises(InvalidInput, match=r"^a.yaml:1:\d+: is no YAML: nothing before it has the anchor"):
        load_yaml(loop, "a.yaml")


@pytest.mark.parametrize("text", ["a: .inf", "a: !!int x", "a: !python/name:os.system x", "a: \x01", "a\n---\nb"])
def test_what_is_no_yaml_is_one_line_with_its_place(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"^a.yaml") as caught:
        load_yaml(text, "a.yaml")
    assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    ("written", "read"),
    [
        *[("yes", "yes"), ("off", "off"), ("12:30", "12:30"), ("2026-11-28", "2026-11-28"), ("1_000", "1_000")],
        *[("1e3", 1000.0), ("010", 10), ("0x1F", 31), ("0o17", 15), (".5", 0.5), ("1e400", "1e400"), ("-7", -7)],
        *[("~", None), ("True", True), ("'true'", "true"), ("!!str 5", "5"), ("!!int '7'", 7), ("1.2.3", "1.2.3")],
    ],
)
def test_plain_words_and_numbers_are_read_as_js_yaml_reads_them(written: str, read: object) -> None:
    found = load_yaml(f"a: {written}", "a.yaml").data["a"]  # type: ignore[index, call-overload]
    assert (found, type(found)) == (read, type(read))


def test_json_files_may_write_letters_as_pairs() -> None:
    given = {"a": "\U0001f600 \\ud83d", "\U0001f600": ["\\\U0001f600"]}
    assert load_yaml(json.dumps(given), "a.json").data == given


def test_half_a_letter_is_refused_where_it_stands() -> None:
    with pytest.raises(InvalidInput, match=r"^c.jsonl:2: holds half of a pair"):
        read(HEAD + "tests: c.jsonl", c__jsonl='{"vars": {"x": "a"}}\n{"vars": {"x": "\\ud800"}}\n')
    with pytest.raises(InvalidInput, match=r"^c.json:1:\d+: is no YAML"):
        read(HEAD + "tests: c.json", c__json='[{"vars": {"x": "\\ud800"}}]')


@pytest.mark.parametrize("line", ["[" * 200_000, '{"vars": {"x": ' + "[" * 150 + "]" * 150 + "}}"])
def test_deep_lines_of_json_are_refused(line: str) -> None:
    with pytest.raises(InvalidInput, match=r"^c.jsonl:1: is nested too deeply: at most 100 levels"):
        read(HEAD + "tests: c.jsonl", c__jsonl=line + "\n")


def test_the_environment_of_a_suite_does_not_fill_the_memory() -> None:
    with pytest.raises(InvalidInput, match="env: gives more than 10000000 characters"):
        read(f"env: {{A: {'a' * 10_000}}}\n" + HEAD + f"tests: [{{vars: {{x: '{'{{env.A}}' * 2000}'}}}}]")


def test_a_table_has_a_bound_of_columns() -> None:
    with pytest.raises(InvalidInput, match=r"^t.csv:1: has more than 1000 columns"):
        read(HEAD + "tests: t.csv", t__csv=",".join(f"c{n}" for n in range(2000)) + "\n1\n")
