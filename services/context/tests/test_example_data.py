"""examples/data: seeds cleanly, stays the same when seeded again, and keeps its own rules."""

import re
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from adwright.context.v1 import context_service_pb2 as pb
from adwright_context.admin import run, seed_files
from adwright_context.app import build_catalog, build_shelves
from adwright_context.assemble import Assembler, AssembleRequest
from adwright_context.kinds import BRAND, EXEMPLAR, PRODUCT, Kind, Resource
from adwright_context.ranking import product_texts
from adwright_docstore import open_store
from adwright_servicekit.metrics import Metrics

pytestmark = pytest.mark.asyncio

LIMITS = {
    "formats/plain": {"text": 300},
    "formats/google-rsa": {"headlines": 30, "descriptions": 90},
    "formats/meta-feed": {"primary_text": 125, "headline": 40, "description": 30},
}
NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


class Seeded:
    def __init__(self, brands: list[Resource], children: dict[tuple[str, Kind], list[Resource]]) -> None:
        self.brands = brands
        self.children = children

    def of(self, brand: Resource, kind: Kind) -> list[Resource]:
        return self.children[brand.name.id, kind]


async def seeded(path: Path) -> Seeded:
    async with open_store("sqlite", path=path) as store:
        catalog = build_catalog(store)

        async def every(kind: Kind, brand_id: str) -> list[Resource]:
            page = await catalog.list("demo", kind, brand_id, page_size=1000, page_token="")
            return list(page.resources)

        brands = await every(BRAND, "")
        children = {
            (brand.name.id, kind): await every(kind, brand.name.id) for brand in brands for kind in (PRODUCT, EXEMPLAR)
        }
        return Seeded(brands, children)


@pytest.fixture
def seed(examples: Path, tmp_path: Path) -> Any:
    """Seeds the examples, as the operator does, and returns the store's path."""
    path = tmp_path / "seeded.db"

    def do() -> Path:
        arguments = ["seed", str(examples), "--tenant", "demo"]
        assert run(arguments, {"ADWRIGHT_CONTEXT_SQLITE_PATH": str(path)}) == 0
        return path

    return do


def numbers(text: str) -> set[str]:
    return {number.replace(",", ".") for number in NUMBER.findall(text)}


async def in_thread(work: Any) -> Any:
    # The command has a loop of its own, as it has on the command line.
    import asyncio

    return await asyncio.to_thread(work)


async def test_seeding_twice_changes_nothing(seed: Any, capsys: Any) -> None:
    first = await seeded(await in_thread(seed))
    printed = capsys.readouterr()
    again = await seeded(await in_thread(seed))
    assert first.brands == again.brands
    assert first.children == again.children
    assert "nordlys/products.jsonl: 14 imported, 0 refused" in printed.out
    assert printed.err == ""


async def test_there_is_enough_of_everything(seed: Any, examples: Path) -> None:
    data = await seeded(await in_thread(seed))
    products = [p for b in data.brands for p in data.of(b, PRODUCT)]
    exemplars = [e for b in data.brands for e in data.of(b, EXEMPLAR)]
    assert len(data.brands) == 3
    assert len(products) >= 30
    assert len(exemplars) >= 20
    assert {e.content["format"] for e in exemplars} == LIMITS.keys()
    assert all(p.content.get("specs") and p.content.get("price") for p in products)
    assert {file.file_format.value for file in seed_files(examples)} == {"jsonl", "csv"}
    trail = next(p for p in products if p.name.id == "aurora-trail-2")
    assert trail.content["localizations"].keys() == {"de", "nb", "sv"}


async def test_every_exemplar_fits_its_format_brand_and_product(seed: Any) -> None:
    data = await seeded(await in_thread(seed))
    for brand in data.brands:
        products = {str(p.name): p.content for p in data.of(brand, PRODUCT)}
        forbidden = [*brand.content["banned_terms"], *brand.content["competitors"]]
        for exemplar in data.of(brand, EXEMPLAR):
            content = exemplar.content
            assert content["language"] in brand.content["languages"]
            facts = numbers("\n".join(product_texts(products[content["product"]])))
            for field in content["fields"]:
                where = f"{exemplar.name} {field['path']}"
                limit = LIMITS[content["format"]][field["path"].partition("[")[0]]
                assert len(field["text"]) <= limit, where
                assert numbers(field["text"]) <= facts, where
                said = field["text"].casefold()
                assert not [term for term in forbidden if term.casefold() in said], where


async def test_all_of_it_fits_into_the_default_budget(seed: Any, context: Any) -> None:
    path = await in_thread(seed)
    async with open_store("sqlite", path=path) as store:
        catalog = build_catalog(store)
        async with aclosing(build_shelves(catalog, Metrics("adwright-context").meter)) as shelves:
            data, assembler = await seeded(path), Assembler(catalog, shelves)
            for brand in data.brands:
                for product in data.of(brand, PRODUCT):
                    for language in brand.content["languages"]:
                        request = AssembleRequest(brand.name, [product.name], "formats/plain", language)
                        found = await assembler.assemble("demo", request)
                        assert found.exemplars, f"{product.name} in {language} has nothing to learn from"


async def test_the_files_are_accepted_over_the_wire_too(context: Any, examples: Path) -> None:
    kinds = {"brands": "Brand", "products": "Product", "exemplars": "Exemplar"}
    for file in seed_files(examples):
        report = await context.upload(
            kinds[file.kind.plural],
            [file.path.read_bytes()],
            parent=f"brands/{file.brand_id}" if file.brand_id else "",
            csv=file.path.suffix == ".csv",
        )
        assert not report.errors
    request = pb.AssembleContextRequest(
        brand="brands/nordlys", format="formats/google-rsa", brief="a two-person tent for autumn"
    )
    found = (await context("AssembleContext", request)).context
    assert found.products[0].product.name == "brands/nordlys/products/aurora-trail-2"
    assert found.exemplars[0].exemplar.format == "formats/google-rsa"
