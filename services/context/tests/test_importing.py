"""Files that come in pieces: JSONL and CSV, good rows and bad ones."""

import asyncio
import json
from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Any

import grpc
import pytest
from google.protobuf import json_format
from hypothesis import given, settings
from hypothesis import strategies as st

from adwright.context.v1 import context_service_pb2 as pb
from adwright.context.v1 import resources_pb2
from adwright_context.app import build_catalog
from adwright_context.import_model import FileFormat
from adwright_context.importing import import_file
from adwright_context.kinds import BRAND
from adwright_context.records import MAX_RECORD_BYTES, RecordSplitter
from adwright_docstore import open_store
from adwright_servicekit.testing import as_tenant, expect_error

Code = grpc.StatusCode
PARENT = "brands/nordlys"


def row(product_id: str, **fields: Any) -> dict[str, Any]:
    return {"name": f"{PARENT}/products/{product_id}", "display_name": "Lavvu ⛺ ñ"} | fields


def jsonl(*rows: Any) -> bytes:
    lines = (line if isinstance(line, str) else json.dumps(line, ensure_ascii=False) for line in rows)
    return "".join(f"{line}\n" for line in lines).encode()


async def products(context: Any) -> list[resources_pb2.Product]:
    listing = await context("ListProducts", pb.ListProductsRequest(parent=PARENT, page_size=1000))
    return list(listing.products)


@pytest.mark.asyncio
async def test_rows_are_created_or_replaced_and_unchanged_ones_keep_their_etag(
    context: Any,
) -> None:
    await context.brand()
    first = await context.upload("Product", [jsonl(row("a"), row("b"))], parent=PARENT)
    assert (first.imported_count, first.failed_count) == (2, 0)
    before = await products(context)
    context.clock.advance(60)
    again = await context.upload("Product", [jsonl(row("a"), row("b", category="tent"))], parent=PARENT)
    assert (again.imported_count, again.failed_count) == (2, 0)
    after = await products(context)
    assert after[0] == before[0]
    assert after[1].category == "tent"
    assert after[1].etag != before[1].etag
    assert after[1].create_time == before[1].create_time
    assert after[1].update_time != before[1].update_time


@pytest.mark.asyncio
async def test_what_was_read_can_be_imported_again_without_a_change(context: Any) -> None:
    await context.brand()
    made = await context.product()
    line = json_format.MessageToJson(made, indent=None).encode()
    report = await context.upload("Product", [line], parent=PARENT)
    assert report.imported_count == 1
    assert await products(context) == [made]


@pytest.mark.asyncio
async def test_bad_rows_are_named_by_line_and_field_and_the_others_kept(context: Any) -> None:
    await context.brand()
    data = jsonl(
        row("a"),
        "",
        row("b", pricce=1),
        "{",
        "[]",
        row("c", display_name=""),
        row("d", price={"currency_code": "EUX"}),
        {"display_name": "x"},
        {"name": "brands/other/products/e", "display_name": "x"},
        row("f", features=3),
        row("z"),
    )
    data += b'{"name": "\xff"}\n' + jsonl(row("y"))
    report = await context.upload("Product", [data], parent=PARENT)
    assert report.imported_count == 3
    assert [(e.line, e.field) for e in report.errors] == [
        (3, "pricce"),
        (4, ""),
        (5, ""),
        (6, "display_name"),
        (7, "price.currency_code"),
        (8, "name"),
        (9, "name"),
        (10, "features"),
        (12, ""),
    ]
    assert report.failed_count == len(report.errors)
    assert all(len(error.message) > 10 for error in report.errors)
    assert "display_name" in report.errors[0].message
    assert [p.name.rpartition("/")[2] for p in await products(context)] == ["a", "y", "z"]


@pytest.mark.asyncio
async def test_only_the_first_hundred_bad_rows_are_listed(context: Any) -> None:
    await context.brand()
    report = await context.upload("Product", [b"nonsense\n" * 250], parent=PARENT)
    assert (report.failed_count, len(report.errors)) == (250, 100)


@pytest.mark.asyncio
async def test_of_two_rows_with_one_name_the_later_stays(context: Any) -> None:
    await context.brand()
    data = jsonl(row("a", category="first"), row("b"), row("a", category="second"))
    report = await context.upload("Product", [data], parent=PARENT)
    assert report.imported_count == 3
    assert (await products(context))[0].category == "second"


@pytest.mark.asyncio
async def test_validate_only_says_the_same_and_writes_nothing(context: Any) -> None:
    await context.brand()
    data = jsonl(row("a"), row("b", pricce=1))
    report = await context.upload("Product", [data], parent=PARENT, validate_only=True)
    assert (report.imported_count, report.failed_count) == (1, 1)
    assert await products(context) == []


@pytest.mark.asyncio
async def test_a_row_too_large_to_keep_does_not_take_its_neighbours_with_it(context: Any) -> None:
    await context.brand()
    huge = row("b", localizations={"sv": {"features": ["x" * 100_000] * 5}})
    data = jsonl(row("a"), huge, row("c"), "x" * (MAX_RECORD_BYTES + 1), row("d"))
    pieces = [data[i : i + 500_000] for i in range(0, len(data), 500_000)]
    report = await context.upload("Product", pieces, parent=PARENT)
    assert (report.imported_count, report.failed_count) == (3, 2)
    assert [error.line for error in report.errors] == [2, 4]
    assert "1 MiB" in report.errors[1].message


@pytest.mark.asyncio
async def test_brands_and_exemplars_are_imported_alike(context: Any) -> None:
    brand = {"name": PARENT, "displayName": "Nordlys", "languages": ["en"]}
    assert (await context.upload("Brand", [jsonl(brand)])).imported_count == 1
    exemplar = {
        "name": f"{PARENT}/exemplars/one",
        "format": "formats/plain",
        "language": "en",
        "fields": [{"path": "text", "text": "Light."}],
    }
    report = await context.upload("Exemplar", [jsonl(exemplar)], parent=PARENT)
    assert report.imported_count == 1


@pytest.mark.asyncio
async def test_csv_columns_become_fields(context: Any) -> None:
    await context.brand()
    data = (
        "\ufeffname,display_name,price,features,specs,localizations.sv.features,etag\r\n"
        f'{PARENT}/products/a,"Say ""hi"",\r\nthen go",249.90 EUR,Light|Small ,weight=1.9 kg|'
        'size=42 x 14 cm,"Lätt, liten|Snabb",x\r\n'
        "\r\n"
        f"{PARENT}/products/b,B,,,,,\r\n"
    ).encode()
    report = await context.upload("Product", [data], parent=PARENT, csv=True)
    assert (report.imported_count, list(report.errors)) == (2, [])
    first, second = await products(context)
    assert first.display_name == 'Say "hi",\r\nthen go'
    assert (first.price.units, first.price.nanos, first.price.currency_code) == (
        249,
        900_000_000,
        "EUR",
    )
    assert list(first.features) == ["Light", "Small"]
    assert [(s.label, s.value) for s in first.specs] == [
        ("weight", "1.9 kg"),
        ("size", "42 x 14 cm"),
    ]
    assert list(first.localizations["sv"].features) == ["Lätt, liten", "Snabb"]
    assert not second.HasField("price")


@pytest.mark.asyncio
async def test_csv_of_exemplars_has_a_column_for_each_text_and_of_brands_one_for_residencies(
    context: Any,
) -> None:
    brands = f"name,display_name,languages,data_policy.allowed_residencies\n{PARENT},N,en|sv,eu\n"
    await context.upload("Brand", [brands.encode()], csv=True)
    brand = await context("GetBrand", pb.GetBrandRequest(name=PARENT))
    assert list(brand.data_policy.allowed_residencies) == ["eu"]
    data = (
        "name,format,language,headlines[0],headlines[1],rating\n"
        f"{PARENT}/exemplars/a,formats/google-rsa,en,One,Two,4\n"
        f"{PARENT}/exemplars/b,formats/google-rsa,en,One,,good\n"
    )
    report = await context.upload("Exemplar", [data.encode()], parent=PARENT, csv=True)
    assert (report.imported_count, report.errors[0].line, report.errors[0].field) == (
        1,
        3,
        "rating",
    )
    listing = await context("ListExemplars", pb.ListExemplarsRequest(parent=PARENT))
    assert [(f.path, f.text) for f in listing.exemplars[0].fields] == [
        ("headlines[0]", "One"),
        ("headlines[1]", "Two"),
    ]
    assert listing.exemplars[0].rating == 4


@pytest.mark.asyncio
async def test_bad_csv_rows_are_named_by_the_line_they_start_on(context: Any) -> None:
    await context.brand()
    data = (
        "name,display_name,price,specs\n"
        f'{PARENT}/products/a,"two\nlines",,\n'
        f"{PARENT}/products/b,B,cheap,\n"
        f"{PARENT}/products/c,C,,heavy\n"
        f"{PARENT}/products/d,D\n"
        f'{PARENT}/products/e,"never closed,,\n'
    )
    report = await context.upload("Product", [data.encode()], parent=PARENT, csv=True)
    assert report.imported_count == 1
    assert [(e.line, e.field) for e in report.errors] == [
        (4, "price"),
        (5, "specs"),
        (6, ""),
        (7, ""),
    ]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("header", "word"),
    [
        ("display_name", "'name'"),
        ("name,weight", "'weight'"),
        ("name,price,price", "twice"),
        ("name;price", "semicolons"),
        ("name\tprice", "tabs"),
    ],
)
async def test_a_header_that_is_wrong_refuses_the_file(context: Any, header: str, word: str) -> None:
    await context.brand()
    async with expect_error(Code.INVALID_ARGUMENT, "CSV_HEADER_INVALID") as errors:
        await context.upload("Product", [f"{header}\nx\n".encode()], parent=PARENT, csv=True)
    assert word in errors[0].message


@pytest.mark.asyncio
async def test_an_import_needs_a_config_first_and_once_and_a_brand_that_is_there(
    context: Any,
) -> None:
    async with expect_error(Code.NOT_FOUND, "BRAND_NOT_FOUND"):
        await context.upload("Product", [b""], parent=PARENT)
    async with expect_error(Code.INVALID_ARGUMENT, "BRAND_NAME_INVALID"):
        await context.upload("Product", [b""])
    async with expect_error(Code.INVALID_ARGUMENT, "PARENT_INVALID"):
        await context.upload("Brand", [b""], parent=PARENT)
    config = pb.ImportConfig(file_format="FILE_FORMAT_JSONL")

    async def send(*messages: pb.ImportBrandsRequest) -> None:
        async def stream() -> AsyncIterator[pb.ImportBrandsRequest]:
            for message in messages:
                yield message

        await context.stub.ImportBrands(stream(), metadata=as_tenant())

    async with expect_error(Code.INVALID_ARGUMENT, "IMPORT_CONFIG_MISSING"):
        await send(pb.ImportBrandsRequest(data=b"x"))
    async with expect_error(Code.INVALID_ARGUMENT, "IMPORT_CONFIG_MISSING"):
        await send()
    async with expect_error(Code.INVALID_ARGUMENT, "IMPORT_CONFIG_REPEATED"):
        await send(*[pb.ImportBrandsRequest(config=config)] * 2)


FILE = (
    "\ufeff"
    '{"name": "brands/a", "display_name": "Ä ⛺", "languages": ["en"]}\r\n'
    "\n"
    '{"name": "brands/b", "display_name": "日本", "languages": ["ja", "qq"]}\n'
    "nonsense\n"
    '{"name": "brands/c", "display_name": "C", "languages": ["en"]}'
).encode()


@settings(max_examples=60, deadline=None)
@given(st.sets(st.integers(0, len(FILE)), max_size=30))
def test_how_a_file_is_cut_into_pieces_does_not_matter(cuts: set[int]) -> None:
    async def imported() -> tuple[int, list[tuple[int, str]]]:
        async def pieces() -> AsyncIterator[bytes]:
            for start, end in pairwise(sorted({0, len(FILE), *cuts})):
                yield FILE[start:end]

        async with open_store("sqlite", path=":memory:") as store:
            report = await import_file(
                build_catalog(store),
                "demo",
                BRAND,
                "",
                FileFormat.JSONL,
                pieces(),
            )
            return report.imported, [(p.line, p.field) for p in report.problems]

    assert asyncio.run(imported()) == (2, [(3, "languages[1]"), (4, "")])


CELLS = st.lists(
    st.lists(st.text(alphabet='ab",\n\r⛺ ', max_size=6), min_size=1, max_size=3),
    min_size=1,
    max_size=5,
)


@given(CELLS, st.lists(st.integers(1, 9), max_size=50))
def test_csv_records_are_cut_where_a_row_ends_and_nowhere_else(table: list[list[str]], lengths: list[int]) -> None:
    rows = [",".join('"' + c.replace('"', '""') + '"' for c in cells).encode() for cells in table]
    data = b"\r\n".join(rows)
    splitter, found = RecordSplitter(quoted=True), []
    for length in lengths:
        found += list(splitter.feed(data[:length]))
        data = data[length:]
    found += [*splitter.feed(data), *splitter.close()]
    assert [record.data for record in found] == rows
    starts = [1]
    for text in rows[:-1]:
        starts.append(starts[-1] + text.count(b"\n") + 1)
    assert [record.line for record in found] == starts


@pytest.mark.parametrize(
    ("start", "words"),
    [
        (b"PK\x03\x04", "spreadsheet"),
        (b"\x89PNG\r\n\x1a\n", "image"),
        (b"%PDF-1.7", "PDF"),
        (b"\xff\xfen\x00a\x00", "UTF-16"),
        (b"name,display_name\n\x00\x00\x00", "NUL"),
    ],
)
@pytest.mark.parametrize("csv", [True, False])
async def test_a_file_that_is_no_text_is_refused_with_what_it_looks_like(
    context: Any, start: bytes, words: str, csv: bool
) -> None:
    await context.brand()
    pieces = [start[:3], start[3:] + b"\x00" * 100]
    async with expect_error(grpc.StatusCode.INVALID_ARGUMENT, "FILE_NOT_TEXT") as errors:
        await context.upload("Product", pieces, parent="brands/nordlys", csv=csv)
    assert words in errors[0].message
    assert "UTF-8" in errors[0].message


async def test_rows_named_like_a_deleted_product_restore_it_and_like_a_deleted_brand_are_refused(context: Any) -> None:
    await context.brand()
    await context.product("tent", category="tent")
    await context("DeleteProduct", pb.DeleteProductRequest(name="brands/nordlys/products/tent"))
    row = b'{"name": "brands/nordlys/products/tent", "display_name": "Aurora"}\n'
    assert (await context.upload("Product", [row], parent="brands/nordlys")).imported_count == 1
    found = await context("GetProduct", pb.GetProductRequest(name="brands/nordlys/products/tent"))
    assert (found.display_name, found.HasField("delete_time")) == ("Aurora", False)

    await context("DeleteBrand", pb.DeleteBrandRequest(name="brands/nordlys", force=True))
    rows = [b'{"name": "brands/nordlys", "display_name": "N", "languages": ["en"]}\n']
    rows.append(b'{"name": "brands/other", "display_name": "O", "languages": ["en"]}\n')
    report = await context.upload("Brand", rows)
    assert (report.imported_count, report.failed_count) == (1, 1)
    assert "UndeleteBrand" in report.errors[0].message


async def test_a_bad_row_is_named_by_its_line_and_column_and_the_good_ones_are_in(context: Any) -> None:
    await context.brand()
    lines = ["name,display_name,category,price"]
    lines += [f"{PARENT}/products/p{number},P {number},tent,10.00 EUR" for number in range(2, 61)]
    lines[40] = f"{PARENT}/products/p41,P 41,tent,10.00 EUX"
    report = await context.upload("Product", ["\n".join(lines).encode()], parent=PARENT, csv=True)
    assert (report.imported_count, report.failed_count) == (58, 1)
    [error] = report.errors
    assert (error.line, error.column) == (41, 4)
    assert error.field.startswith("price")
    assert "EUX" in error.message


async def test_a_csv_file_without_even_a_header_is_refused(context: Any) -> None:
    await context.brand()
    for data in (b"", b"\n\n"):
        async with expect_error(Code.INVALID_ARGUMENT, "CSV_HEADER_INVALID") as errors:
            await context.upload("Product", [data], parent=PARENT, csv=True)
        assert "empty" in errors[0].message
    assert (await context.upload("Product", [b"\n"], parent=PARENT)).imported_count == 0
