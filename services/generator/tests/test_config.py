"""The configuration file: a mistake is one line that says where it is."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adwright_generator.config import ConfigChanges, GeneratorConfig, changes, load_config
from adwright_servicekit.settings import SettingsError

REALISTIC = """\
backends:
  # What we own comes first.
  - name: small
    kind: embedded
    max_concurrency: 4
    max_waiting: 8
    context_tokens: 2048
    residency: self_hosted
    price: {usd_per_hour: 1.006}
    first_token_timeout: 20s

  - name: spare.eu-1
    kind: fake
    max_concurrency: 512
    residency: eu
    price:
      usd_per_mtok_in: 0.15
      usd_per_mtok_out: 0.60
    prompt: ad-small
    stall_timeout: 500ms

routing:
  order: [spare.eu-1, small]
  max_predicted_wait: 2.5s         # spill to the next eligible backend beyond this
  first_token_timeout: 1m
  stall_timeout: 4                 # between tokens
  queue: {max_waiting: 10, max_wait: 1.5s}
  breaker:
    failures: 3
    window: 20s
    open_for: 1h
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "generator.yaml"


def load(file: Path, text: str) -> GeneratorConfig:
    file.write_text(text, encoding="utf-8")
    return load_config(file)


def mistake(file: Path, text: str) -> str:
    """What is said behind the file's name: `:LINE: WHAT`."""
    with pytest.raises(SettingsError) as caught:
        load(file, text)
    said = str(caught.value)
    start = f"ADWRIGHT_GENERATOR_CONFIG: {file}"
    assert said.startswith(start)
    assert said.isprintable()
    assert len(said) < len(start) + 400
    return said.removeprefix(start)


def test_without_a_file_there_is_one_embedded_backend() -> None:
    config = load_config(None)
    assert [(entry.name, entry.kind) for entry in config.backends] == [("embedded", "embedded")]


def test_everything_but_the_backends_has_a_default() -> None:
    routing = load_config(None).routing
    assert routing.order == ()
    assert (routing.max_predicted_wait, routing.first_token_timeout, routing.stall_timeout) == (2, 5, 5)
    assert (routing.queue.max_waiting, routing.queue.max_wait) == (256, 10)
    assert (routing.breaker.failures, routing.breaker.window, routing.breaker.open_for) == (5, 10, 15)


def test_every_key_of_a_file_arrives(file: Path) -> None:
    config = load(file, REALISTIC)
    small, spare = config.backends
    assert (small.name, small.kind, small.max_concurrency, small.first_token_timeout) == ("small", "embedded", 4, 20)
    assert (small.price.usd_per_hour, small.residency) == (1.006, "self_hosted")
    assert (spare.name, spare.kind, spare.prompt, spare.stall_timeout) == ("spare.eu-1", "fake", "ad-small", 0.5)
    assert (spare.price.usd_per_mtok_in, spare.price.usd_per_mtok_out, spare.residency) == (0.15, 0.6, "eu")
    routing = config.routing
    assert routing.order == ("spare.eu-1", "small")
    assert (routing.max_predicted_wait, routing.first_token_timeout, routing.stall_timeout) == (2.5, 60, 4)
    assert (routing.queue.max_waiting, routing.queue.max_wait) == (10, 1.5)
    assert (routing.breaker.failures, routing.breaker.window, routing.breaker.open_for) == (3, 20, 3600)


@pytest.mark.parametrize(
    ("right", "wrong", "says"),
    [
        ("kind: embedded", "kind: oracle", ':4: backends[0].kind: there is no "oracle"; there are '),
        ("    kind: embedded\n", "", ":3: backends[0].kind: is required"),
        ("- name: small\n    kind", "- kind", ":3: backends[0].name: is required"),
        ("max_waiting: 8", "max_waitin: 8", ":6: backends[0].max_waitin: is not a known key"),
        ("max_concurrency: 4", "max_concurrency: 0", ":5: backends[0].max_concurrency: Input should be greater"),
        (
            "max_concurrency: 4",
            "max_concurrency:\n      many",
            ":6: backends[0].max_concurrency: Input should be a val",
        ),
        ("price: {usd_per_hour: 1.006}", "price: 1.006", ":9: backends[0].price: expected keys and values"),
        ("{usd_per_hour: 1.006}", "{usd: 1.006}", ":9: backends[0].price.usd: is not a known key"),
        (
            "usd_per_mtok_out: 0.60",
            "usd_per_mtok_out: -1",
            ":18: backends[1].price.usd_per_mtok_out: Input should be g",
        ),
        ("stall_timeout: 500ms", "stall_timeout: soon", ":20: backends[1].stall_timeout: expected a duration such as"),
        ("name: spare.eu-1", "name: small", ":12: backends[1].name: 'small' is there twice"),
        ("name: spare.eu-1", "name: Spare", ":12: backends[1].name: String should match pattern"),
        ("residency: eu", "residency: no", ":15: backends[1].residency: Input should be a valid string"),
        (
            "[spare.eu-1, small]",
            "[spare.eu-1,\n    smal]",
            ":24: routing.order[1]: there is no backend 'smal'; there are",
        ),
        ("[spare.eu-1, small]", "\n    - small\n    - small", ":25: routing.order[1]: 'small' is there twice"),
        ("[spare.eu-1, small]", "small", ":23: routing.order: expected a list"),
        ("stall_timeout: 4 ", "stall_timeout: 0s ", ":26: routing.stall_timeout: Input should be greater than 0"),
        ("max_waiting: 10", "max_waiting: 100001", ":27: routing.queue.max_waiting: Input should be less than"),
        ("failures: 3", "failures: 0", ":29: routing.breaker.failures: Input should be greater than or equal to 1"),
        ("open_for: 1h", "open_for: 25h", ":31: routing.breaker.open_for: Input should be less than"),
        ("open_for: 1h", "'open:\"\\n\\nfor': 1h", ':31: routing.breaker."open:'),
        ("routing:", "routes:", ":22: routes: is not a known key"),
        ("    window: 20s", "    failures: 4", ':30: the key "failures" is there twice; the first is on line 29'),
        ("    window: 20s", "    on: 20s", ":30: a key that is no text; put it in quotes"),
        ("    window: 20s", "    [window]: 20s", ":30: a key that is no text; put it in quotes"),
        ("    window: 20s", "   window: 20s", ":30: cannot be read as YAML: "),
        ("    window: 20s", "    window: !duration 20s", ":30: cannot be read as YAML: could not determine"),
        (
            "    window: 20s",
            "    window: !!python/name:os.system 20s",
            ":30: cannot be read as YAML: could not determine",
        ),
        ("    window: 20s", "    window: *twenty", ":30: cannot be read as YAML: found undefined alias"),
        ("    window: 20s", "    window: 2026-02-31", ":30: not a value of its YAML type"),
        ("    window: 20s", "    window: !!bool maybe", ":30: not a value of its YAML type"),
        ("    window: 20s", "    window: \x07", ":30: a character that YAML does not allow"),
        ("    window: 20s", "    window: &w [*w]", ":30: an alias stands inside of what it stands for"),
        ("    window: 20s", "    window: 20s\n---", ":31: cannot be read as YAML: expected a single document"),
        ("{max_waiting: 10, max_wait: 1.5s}", "{max_waiting: 10", ":28: cannot be read as YAML: while parsing a flow"),
    ],
)
def test_a_mistake_is_one_line_with_the_line_of_the_file(file: Path, right: str, wrong: str, says: str) -> None:
    assert REALISTIC.count(right) == 1
    assert mistake(file, REALISTIC.replace(right, wrong)).startswith(says)


def test_of_several_mistakes_the_first_in_the_file_is_told(file: Path) -> None:
    said = mistake(file, "routing: {stall_timeout: soon}\nbackends: [{name: a}]\n")
    assert said.startswith(":1: routing.stall_timeout: ")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", ":1: the file: is empty; "),
        ("# nothing yet\n", ":1: the file: is empty; "),
        ("---\n...\n", ":1: the file: is empty; "),
        ("\n- name: a\n", ":2: the file: expected keys and values"),
        ("hello", ":1: the file: expected keys and values"),
        ("{}", ":1: backends: is required"),
        ("\n\nrouting: {}", ":3: backends: is required"),
        ("backends: []", ":1: backends: Tuple should have at least 1 item"),
        ("backends:", ":1: backends: expected a list"),
        ("backends:\n- 5", ":2: backends[0]: expected keys and values"),
        ("backends:\n-\n", ":2: backends[0]: expected keys and values"),
        ("[" * 100_000, ":1: is nested too deeply"),
    ],
)
def test_a_file_without_backends_is_a_mistake(file: Path, text: str, says: str) -> None:
    assert mistake(file, text).startswith(says)


def test_what_looks_like_a_password_is_not_repeated(file: Path) -> None:
    for text in ("!hunter2", "*hunter2", "!hunter2 x", "!!hunter2 x"):
        assert "hunter2" not in mistake(file, REALISTIC.replace("residency: eu", f"residency: {text}"))


def test_aliases_and_merged_keys_are_understood(file: Path) -> None:
    text = (
        "backends:\n"
        "  - &first {name: first, kind: fake, residency: eu, max_concurrency: 3}\n"
        "  - {<<: *first, name: second, residency: us}\n"
    )
    entries = load(file, text).backends
    assert [(entry.name, entry.residency, entry.max_concurrency) for entry in entries] == [
        ("first", "eu", 3),
        ("second", "us", 3),
    ]
    assert mistake(file, text.replace("name: second", "name: first")).startswith(":3: backends[1].name: ")
    assert mistake(file, text.replace("residency: us", "residency: 1")).startswith(":3: backends[1].residency: ")
    assert mistake(file, text.replace("concurrency: 3", "concurrency: 0")).startswith(":2: backends[0].max_conc")


@pytest.mark.parametrize("use", ["[{0}, {0}, {0}, {0}, {0}, {0}, {0}, {0}]", "{{<<: [{0}, {0}, {0}, {0}]}}"])
def test_aliases_that_blow_up_are_refused(file: Path, use: str) -> None:
    lines = ["a0: &a0 {x: 1}", *(f"a{at}: &a{at} {use.format(f'*a{at - 1}')}" for at in range(1, 30))]
    assert "more than 20000 keys and values" in mistake(file, "\n".join(lines))


def test_a_file_that_cannot_be_read_is_a_mistake(file: Path) -> None:
    with pytest.raises(SettingsError, match=r"^ADWRIGHT_GENERATOR_CONFIG: cannot read .*generator.yaml: No such file"):
        load_config(file)
    with pytest.raises(SettingsError, match=r"^ADWRIGHT_GENERATOR_CONFIG: cannot read .*: Is a directory$"):
        load_config(file.parent)


def test_a_file_that_is_no_text_is_a_mistake(file: Path) -> None:
    file.write_bytes(b"backends:\n  - name: caf\xe9\n")
    with pytest.raises(SettingsError, match=r"generator.yaml:2: is not UTF-8 text$"):
        load_config(file)


def test_a_file_of_more_than_a_mebibyte_is_refused(file: Path) -> None:
    text = REALISTIC + "#" * (1024 * 1024 - len(REALISTIC))
    assert load(file, text).backends
    assert mistake(file, text + "#") == ": the file is larger than 1048576 bytes"


def test_windows_line_ends_and_byte_order_mark_do_no_harm(file: Path) -> None:
    file.write_bytes(b"\xef\xbb\xbf" + REALISTIC.replace("\n", "\r\n").encode())
    assert load_config(file).routing.breaker.failures == 3


@given(st.integers(0, len(REALISTIC)), st.integers(0, 40), st.text(max_size=6))
@settings(deadline=None, max_examples=150)
def test_whatever_a_file_says_it_is_read_or_is_one_line(
    tmp_path_factory: pytest.TempPathFactory, at: int, cut: int, text: str
) -> None:
    file = tmp_path_factory.getbasetemp() / "generator.yaml"
    file.write_text(REALISTIC[:at] + text + REALISTIC[at + cut :], encoding="utf-8", newline="")
    said = ""
    try:
        load_config(file)
    except SettingsError as error:
        said = str(error)
    assert said.isprintable()


def config(*backends: dict[str, Any], **routing: Any) -> GeneratorConfig:
    return GeneratorConfig.model_validate({"backends": backends, "routing": routing})


def test_a_reload_is_told_by_name() -> None:
    old = config(
        {"name": "goes", "kind": "fake"},
        {"name": "stays", "kind": "fake", "residency": "eu"},
        {"name": "dearer", "kind": "fake", "price": {"usd_per_hour": 1}},
        {"name": "becomes", "kind": "fake"},
    )
    new = config(
        {"name": "comes", "kind": "embedded"},
        {"name": "becomes", "kind": "embedded"},
        {"name": "dearer", "kind": "fake", "price": {"usd_per_hour": 2}},
        {"name": "stays", "kind": "fake", "residency": "eu"},
    )
    assert changes(old, new) == ConfigChanges(
        added=("comes",), removed=("goes",), changed=("becomes", "dearer"), unchanged=("stays",)
    )


def test_a_default_that_is_written_out_changes_nothing() -> None:
    old = config({"name": "a", "kind": "fake"})
    new = config({"name": "a", "kind": "fake", "residency": "self_hosted", "price": {}}, order=["a"])
    assert changes(old, new) == ConfigChanges(added=(), removed=(), changed=(), unchanged=("a",))


def test_a_mistake_inside_of_the_only_backend_is_that_mistake(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("backends:\n  - name: tgi\n    kind: tgi\n    url: tgi:80\n    model: m\n")
    with pytest.raises(SettingsError, match=r":4: backends\[0\]\.url: expected a URL such as http://tgi:80"):
        load_config(file)


def test_the_example_in_the_readme_is_valid(tmp_path: Path) -> None:
    readme = Path(__file__).parent.parent / "README.md"
    example = readme.read_text().split("```yaml\n")[1].split("```")[0]
    file = tmp_path / "generator.yaml"
    file.write_text(example)
    config = load_config(file)
    assert [entry.kind for entry in config.backends] == ["tgi", "openai", "embedded"]
    assert config.routing.queue.max_wait == 10.0
