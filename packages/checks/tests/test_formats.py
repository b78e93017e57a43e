"""Ad formats as data."""

from pathlib import Path

import pytest

from adwright_checks import Counting, FormatError, Output, load_formats

FORMATS = load_formats()
GOOD = """
id: two
display_name: Two
platform: test
output: json
source: {title: T, address: "https://example.com", date: 2026-11-23}
fields:
  - {id: lines, min_count: 1, max_count: 3, default_count: 2, max_length: 10, counting: code_points, repeated: true}
  - {id: end, min_count: 0, max_count: 1, default_count: 0, max_length: 0, counting: code_points, repeated: false}
"""


def load(directory: Path, text: str, name: str = "two.yaml") -> None:
    (directory / name).write_text(text, encoding="utf-8")
    load_formats(directory)


def test_the_formats_that_ship_with_the_package_are_valid_and_sourced() -> None:
    assert {"plain", "google-rsa", "meta-feed", "microsoft-rsa"} <= FORMATS.keys()
    for item in FORMATS.values():
        assert item.source.address.startswith("https://")
        assert all(field.instruction for field in item.fields)


def test_googles_limits_are_the_ones_google_states() -> None:
    headlines, descriptions = FORMATS["google-rsa"].fields
    assert (headlines.min_count, headlines.max_count, headlines.max_length) == (3, 15, 30)
    assert (descriptions.min_count, descriptions.max_count, descriptions.max_length) == (2, 4, 90)
    assert headlines.counting is descriptions.counting is Counting.EAST_ASIAN_WIDE_AS_TWO


def test_plain_is_free_text_of_one_field() -> None:
    plain = FORMATS["plain"]
    assert (plain.output, plain.paths()) == (Output.TEXT, ["text"])


def test_paths_follow_the_counts() -> None:
    rsa = FORMATS["google-rsa"]
    assert rsa.paths()[:5] == [f"headlines[{index}]" for index in range(5)]
    assert rsa.paths({"headlines": 3})[3:] == ["descriptions[0]", "descriptions[1]"]


@pytest.mark.parametrize("counts", [{"headlines": 2}, {"headlines": 16}, {"titles": 1}])
def test_counts_out_of_range_and_unknown_fields_are_refused(counts: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="formats/google-rsa"):
        FORMATS["google-rsa"].paths(counts)


@pytest.mark.parametrize("path", ["headlines[0]", "headlines[14]", "descriptions[3]"])
def test_a_path_leads_to_its_field(path: str) -> None:
    field = FORMATS["google-rsa"].field_for(path)
    assert field is not None
    assert path.startswith(field.id)


@pytest.mark.parametrize("path", ["headlines", "headline[0]", "headlines[]", "headlines[0]x", "", "text"])
def test_a_path_of_no_field_leads_nowhere(path: str) -> None:
    assert FORMATS["google-rsa"].field_for(path) is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("platform: test", ""), "two.yaml: platform: is missing"),
        (("platform: test", "platform: 3"), "two.yaml: platform: must be str"),
        (("output: json", "output: xml"), "two.yaml: output: must be one of text, json"),
        (("output: json", "output: text"), "two.yaml: output: text needs exactly one field"),
        (("id: two", "id: Two!"), "two.yaml: id: must match"),
        (("id: two", "id: three"), "two.yaml: id: is 'three'"),
        (("max_count: 3", "max_count: yes"), r"two.yaml: fields\[0\].max_count: must be int"),
        (("default_count: 2", "default_count: 4"), r"two.yaml: fields\[0\].default_count: must lie between"),
        (("max_length: 10", "max_length: -1"), r"two.yaml: fields\[0\].max_length: must be at least 0"),
        (("counting: code_points", "counting: bytes"), r"two.yaml: fields\[0\].counting: must be one of"),
        (("id: end", "id: lines"), r"two.yaml: fields\[1\].id: 'lines' is there twice"),
        (("date: 2026-11-23", "date: soon"), "two.yaml: source.date: must be date"),
        (("title: T", "titel: T"), "two.yaml: source.title: is missing"),
        (("display_name: Two", "display_name: Two\ncolour: red"), "two.yaml: colour: is not known"),
        (("fields:", "fields: []\nmore:"), "two.yaml: more: is not known"),
        (("id: two", "id: [two"), "two.yaml: not YAML"),
    ],
)
def test_a_mistake_is_reported_with_file_and_key(tmp_path: Path, change: tuple[str, str], message: str) -> None:
    load(tmp_path, GOOD)
    with pytest.raises(FormatError, match=message):
        load(tmp_path, GOOD.replace(*change, 1))
