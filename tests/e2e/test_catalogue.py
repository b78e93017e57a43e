"""The catalogue from the command line through the gateway: found, taken away, brought back, written to a file."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from commands import adwright
from tools.stack import Stack

NORDLYS = ("--brand", "nordlys")


@pytest.fixture
def products(stack: Stack) -> Iterator[list[str]]:
    """The ids of the example brand's products, all of which are there again afterwards."""
    ids = names(adwright(stack, "products", "list", *NORDLYS, "--json").stdout)
    yield ids
    for identifier in ids:
        adwright(stack, "products", "undelete", identifier, *NORDLYS)


def names(lines: str) -> list[str]:
    return [json.loads(line)["name"].rpartition("/")[2] for line in lines.splitlines()]


def test_a_filter_finds_and_a_wrong_one_says_what_is_wrong(stack: Stack, products: list[str]) -> None:
    found = adwright(stack, "products", "list", *NORDLYS, "--filter", "name:*aurora-trail-2", "--json")
    assert names(found.stdout) == ["aurora-trail-2"]
    wrong = adwright(stack, "products", "list", *NORDLYS, "--filter", "colour = red")
    assert wrong.returncode == 2
    assert len(wrong.stderr.splitlines()) == 1
    assert "filter" in wrong.stderr
    assert "colour" in wrong.stderr


def test_what_was_deleted_can_be_restored(stack: Stack, products: list[str]) -> None:
    gone = adwright(stack, "products", "delete", "aurora-trail-2", *NORDLYS)
    assert gone.returncode == 0
    assert "can be restored until 20" in gone.stdout
    left = names(adwright(stack, "products", "list", *NORDLYS, "--json").stdout)
    assert left == [identifier for identifier in products if identifier != "aurora-trail-2"]
    shown = adwright(stack, "products", "list", *NORDLYS, "--deleted", "--json")
    assert names(shown.stdout) == products
    assert adwright(stack, "products", "undelete", "aurora-trail-2", *NORDLYS).returncode == 0
    assert names(adwright(stack, "products", "list", *NORDLYS, "--json").stdout) == products
    again = adwright(stack, "products", "undelete", "aurora-trail-2", *NORDLYS)
    assert again.returncode == 1
    assert "not deleted" in again.stderr


def test_an_export_is_written_as_a_whole_or_not_at_all(stack: Stack, products: list[str], tmp_path: Path) -> None:
    path = tmp_path / "products.jsonl"
    assert adwright(stack, "products", "export", *NORDLYS, "--output", str(path)).returncode == 0
    assert names(path.read_text(encoding="utf-8")) == products
    path.unlink()
    assert adwright(stack, "products", "export", *NORDLYS, "--filter", "x y (", "--output", str(path)).returncode == 2
    assert list(tmp_path.iterdir()) == []
    nowhere = adwright(stack, "products", "export", *NORDLYS, "--output", str(tmp_path / "no" / "file"))
    assert nowhere.returncode == 2
    assert "cannot write" in nowhere.stderr
