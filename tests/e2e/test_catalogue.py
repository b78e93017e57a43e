"""The catalogue from the command line through the gateway: found, taken away, brought back, written to a file."""

import csv
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


@pytest.fixture
def tents(stack: Stack, tmp_path: Path) -> Iterator[str]:
    """A brand of its own, gone afterwards."""
    line = {"name": "brands/tents", "display_name": "Tents", "languages": ["en"]}
    file = tmp_path / "brands.jsonl"
    file.write_text(json.dumps(line), encoding="utf-8")
    assert adwright(stack, "brands", "import", str(file)).stdout == "1 imported, 0 failed\n"
    yield "tents"
    assert adwright(stack, "brands", "delete", "tents", "--force").returncode == 0


def test_a_file_goes_in_by_an_operation_and_its_bad_rows_come_out_as_a_file(
    stack: Stack, tents: str, tmp_path: Path
) -> None:
    file, refused = tmp_path / "tents.csv", tmp_path / "refused.csv"
    lines = ["name,display_name,category,price"]
    lines += [f"brands/tents/products/p{number:04},Tent {number},tent,10.00 EUR" for number in range(2, 1001)]
    lines[40] = "brands/tents/products/p0041,Tent 41,tent,10.00 EUX"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    done = adwright(stack, "products", "import", str(file), "--brand", tents, "--errors", str(refused))
    assert done.returncode == 1, done.stderr
    where, counts, table = done.stdout.splitlines()
    assert where.startswith(f"{file}:41:4: price.currency_code:")
    assert (counts, table) == ("998 imported, 1 failed", f"what is wrong with them: {refused}")
    [_, row] = csv.reader(refused.read_text(encoding="utf-8").splitlines())
    assert row[:3] == ["41", "4", "price.currency_code"]

    exported = tmp_path / "tents.jsonl"
    assert adwright(stack, "products", "export", "--brand", tents, "--output", str(exported)).returncode == 0
    assert len(exported.read_text(encoding="utf-8").splitlines()) == 998
    again = adwright(stack, "products", "import", str(exported), "--brand", tents)
    assert (again.returncode, again.stdout) == (0, "998 imported, 0 failed\n")


def test_a_picture_is_no_catalogue(stack: Stack, tmp_path: Path) -> None:
    picture = tmp_path / "products.csv"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4000)
    refused = adwright(stack, "products", "import", str(picture), *NORDLYS)
    assert (refused.returncode, len(refused.stderr.splitlines())) == (2, 1)
    assert "an image (PNG)" in refused.stderr
