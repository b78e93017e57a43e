"""Patterns of file names; what promptfoo's glob finds in the same tree was tried out and is written down here."""

import time

import pytest

from adwright_evaluator.suites.globs import is_pattern, matching

NAMES = ["a.yaml", "b.yml", "s/b.yaml", "s/t/c.yaml", ".h.yaml", ".d/e.yaml", "s/[x].yaml", "../o.yaml"]


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("*.yaml", ["a.yaml"]),
        ("**/*.yaml", ["a.yaml", "s/[x].yaml", "s/b.yaml", "s/t/c.yaml"]),
        ("s/*.yaml", ["s/[x].yaml", "s/b.yaml"]),
        ("s/**/*.yaml", ["s/[x].yaml", "s/b.yaml", "s/t/c.yaml"]),
        ("s/**", ["s/[x].yaml", "s/b.yaml", "s/t/c.yaml"]),
        ("*.{yaml,yml}", ["a.yaml", "b.yml"]),
        ("{a,s/b}.yaml", ["a.yaml", "s/b.yaml"]),
        ("?.yaml", ["a.yaml"]),
        ("[!a].y*", ["b.yml"]),
        ("[a-b].y*", ["a.yaml", "b.yml"]),
        (".*.yaml", [".h.yaml"]),
        ("../*.yaml", ["../o.yaml"]),
        ("*/c.yaml", []),
    ],
)
def test_a_pattern_means_what_it_means_to_node(pattern: str, found: list[str]) -> None:
    assert is_pattern(pattern)
    assert matching(pattern, NAMES) == found


def test_a_name_without_wildcards_is_none() -> None:
    assert not is_pattern("tests/{name}.yaml")
    assert not is_pattern("a b.yaml")


@pytest.mark.parametrize("pattern", ["**/" * 200 + "b.yaml", "*a" * 200 + "b", "a*" * 200 + "b", "*" * 900 + "b"])
def test_a_pattern_is_quick_whatever_it_is(pattern: str) -> None:
    started = time.process_time()
    assert matching(pattern, ["a/" * 60 + "c.yaml", "a" * 300]) == []
    assert time.process_time() - started < 1
