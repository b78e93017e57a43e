import gzip
from pathlib import Path

import pytest

from adwright_client import suite_source
from adwright_servicekit.errors import InvalidInput


def files(path: Path) -> dict[str, str]:
    """What is sent of a suite: paths and texts."""
    source = suite_source(path)
    assert all(file.gzip for file in source.files)
    return {file.path: gzip.decompress(file.data).decode() for file in source.files}


def write(folder: Path, **texts: str) -> Path:
    """Files by paths with `__` for `/` and `_DOT_` for the dot."""
    for name, text in texts.items():
        path = folder / name.replace("__", "/").replace("_DOT_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def test_a_folder_is_its_promptfooconfig(tmp_path: Path) -> None:
    write(tmp_path, promptfooconfig_DOT_yml="prompts: [hi]", other_DOT_yaml="x: 1")
    assert files(tmp_path) == {"promptfooconfig.yml": "prompts: [hi]"}
    assert suite_source(tmp_path).main == "promptfooconfig.yml"


def test_patterns_mean_what_they_mean_to_the_evaluator(tmp_path: Path) -> None:
    write(tmp_path, suite_DOT_yaml="tests: ['tests/**/*.{yaml,yml}', 't/*.csv']")
    for name in ("tests/a.yaml", "tests/s/b.yml", "tests/s/.h.yml", "tests/c.json", "t/a.csv", "t/s/b.csv"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    assert sorted(files(tmp_path / "suite.yaml")) == ["suite.yaml", "t/a.csv", "tests/a.yaml", "tests/s/b.yml"]


def test_everything_that_is_named_comes_along_and_nothing_else(tmp_path: Path) -> None:
    write(
        tmp_path,
        suite_DOT_yaml="""
            prompts: [prompts/short.txt, 'file://prompts/with space.txt', file://json.json, "No file, a text.txt is"]
            defaultTest: {assert: [{type: python, value: 'file://checks/score.py:grade'}]}
            tests: file://cases/*.yaml
            # prompts/comment.txt is only spoken of
        """,
        prompts__short_DOT_txt="{{x}}",
        prompts__comment_DOT_txt="never sent",
        secret_DOT_txt="never sent",
        json_DOT_json='[{"role": "user", "content": "file://prompts/deep.txt"}]',
        prompts__deep_DOT_txt="deep",
        checks__score_DOT_py="def grade(): ...",
        cases__a_DOT_yaml="- vars: {page: file://data/page.html}",
        cases__b_DOT_yaml="- vars: {rows: file://data/rows.csv}",
        data__page_DOT_html="<p>",
        data__rows_DOT_csv="x,y\n1,file://data/cell.md\n",
        data__cell_DOT_md="# cell",
    )
    (tmp_path / "prompts" / "with space.txt").write_text("space")
    assert sorted(files(tmp_path / "suite.yaml")) == [
        "cases/a.yaml",
        "cases/b.yaml",
        "checks/score.py",
        "data/cell.md",
        "data/page.html",
        "data/rows.csv",
        "json.json",
        "prompts/deep.txt",
        "prompts/short.txt",
        "prompts/with space.txt",
        "suite.yaml",
    ]


def test_files_that_name_each_other_are_read_once(tmp_path: Path) -> None:
    write(tmp_path, a_DOT_yaml="x: file://./b.yaml", b_DOT_yaml="y: [file://a.yaml, file://b.yaml]")
    assert sorted(files(tmp_path / "a.yaml")) == ["a.yaml", "b.yaml"]


def test_what_lies_beside_the_folder_comes_when_it_is_named_with_dots(tmp_path: Path) -> None:
    write(tmp_path, evals__s_DOT_yaml="prompts: file://x/../../shared/p.txt", shared__p_DOT_txt="p")
    assert sorted(files(tmp_path / "evals" / "s.yaml")) == ["../shared/p.txt", "s.yaml"]


@pytest.mark.parametrize("inside", [True, False])
def test_an_absolute_path_is_refused_with_the_relative_one(tmp_path: Path, inside: bool) -> None:
    named = write(tmp_path, evals__in_DOT_txt="x", out_DOT_txt="x") / ("evals/in.txt" if inside else "out.txt")
    write(tmp_path, evals__s_DOT_yaml=f"prompts: file://{named}")
    with pytest.raises(InvalidInput) as caught:
        suite_source(tmp_path / "evals" / "s.yaml")
    assert caught.value.reason == "ABSOLUTE_PATH"
    assert f"write file://{'in.txt' if inside else '../out.txt'}," in caught.value.message


def test_a_variable_that_reads_like_an_absolute_path_is_only_a_text(tmp_path: Path) -> None:
    write(tmp_path, s_DOT_yaml="vars: [/etc/hostname, /etc/os-release.txt, https://example.com/a.json]")
    assert list(files(tmp_path / "s.yaml")) == ["s.yaml"]


def test_what_is_named_and_not_there_is_left_to_the_evaluator(tmp_path: Path) -> None:
    write(tmp_path, s_DOT_yaml="prompts: [file://no.txt, 'file://no/*.txt', 'file://', 'file://a\\0b']")
    assert list(files(tmp_path / "s.yaml")) == ["s.yaml"]


def test_yaml_that_cannot_be_read_is_sent_with_what_it_names_for_the_line_to_be_told(tmp_path: Path) -> None:
    write(tmp_path, s_DOT_yaml="prompts: file://p.txt\n  : [", p_DOT_txt="p", t_DOT_json='{"x": "file://p.txt",}')
    assert sorted(files(tmp_path / "s.yaml")) == ["p.txt", "s.yaml"]
    assert sorted(files(tmp_path / "t.json")) == ["p.txt", "t.json"]


def test_tags_and_anchors_that_nobody_knows_do_not_hinder(tmp_path: Path) -> None:
    write(tmp_path, s_DOT_yaml="a: &x !mine {p: file://p.txt}\nb: *x\nc: &y [*y]", p_DOT_txt="p")
    assert sorted(files(tmp_path / "s.yaml")) == ["p.txt", "s.yaml"]


def test_the_same_files_are_the_same_bytes(tmp_path: Path) -> None:
    write(tmp_path, s_DOT_yaml="prompts: file://p.txt", p_DOT_txt="p")
    source = suite_source(tmp_path / "s.yaml")
    # Where gzip writes down when it was.
    assert {bytes(file.data[4:8]) for file in source.files} == {b"\0\0\0\0"}
    assert suite_source(tmp_path / "s.yaml") == source


def test_long_words_without_an_end_are_no_work(tmp_path: Path) -> None:
    write(tmp_path, s_DOT_yaml=f"vars: {'a.b-' * 500_000}")
    assert list(files(tmp_path / "s.yaml")) == ["s.yaml"]


def test_too_much_is_said_before_anything_is_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    noise = "".join(f"{i * 2654435761 % 2**32:08x}" for i in range(700_000))
    write(tmp_path, s_DOT_yaml="x: file://big.txt", big_DOT_txt=noise)
    with pytest.raises(InvalidInput, match=r"bytes, compressed, and at most 1,900,000 are sent"):
        suite_source(tmp_path / "s.yaml")
    (tmp_path / "many").mkdir()
    for number in range(1001):
        (tmp_path / "many" / f"{number}.txt").write_text("x")
    write(tmp_path, m_DOT_yaml="x: file://many/*.txt")
    with pytest.raises(InvalidInput, match="more than 1000 files"):
        suite_source(tmp_path / "m.yaml")
    with (tmp_path / "big.txt").open("wb") as file:
        file.truncate(65 * 1024 * 1024)
    with pytest.raises(InvalidInput, match=r"big\.txt: .* more than 64 MiB"):
        suite_source(tmp_path / "s.yaml")


def test_what_is_no_suite_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    write(tmp_path, promptfooconfig_DOT_js="module.exports = {}")
    for path, words in ((tmp_path, "has no"), (tmp_path / "no.yaml", "there is no file")):
        with pytest.raises(InvalidInput, match=words):
            suite_source(path)
    with pytest.raises(InvalidInput, match=r"a suite is a \.yaml or \.json file"):
        suite_source(tmp_path / "promptfooconfig.js")
