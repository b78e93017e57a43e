"""Imports that outlive their connection: counted once whatever is cut off, ended by one word, listed and explained."""

import asyncio
import json
import zlib
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any
from uuid import uuid4

import grpc
import pytest
from context_replica import Context, replica
from google.longrunning import operations_pb2 as lro
from google.protobuf.duration_pb2 import Duration

from adwright.context.v1 import context_service_pb2 as pb
from adwright_docstore import Store
from adwright_servicekit.testing import expect_error

ON_EVERY_STORE = True
Code = grpc.StatusCode
PARENT = "brands/nordlys"


def rows(*ids: str, **fields: Any) -> bytes:
    lines = ({"name": f"{PARENT}/products/{id}", "display_name": f"Tent {id}"} | fields for id in ids)
    return "".join(json.dumps(line) + "\n" for line in lines).encode()


async def start(context: Context, *, csv: bool = False, collection: str = "COLLECTION_PRODUCTS", **fields: Any) -> Any:
    config = pb.ImportConfig(
        parent="" if collection == "COLLECTION_BRANDS" else PARENT,
        file_format="FILE_FORMAT_CSV" if csv else "FILE_FORMAT_JSONL",
        validate_only=fields.pop("validate_only", False),
    )
    return await context("StartImport", pb.StartImportRequest(collection=collection, config=config, **fields))


async def upload(context: Context, operation: Any, offset: int, pieces: Sequence[bytes], *, finish: bool = True) -> Any:
    async def messages() -> AsyncIterator[pb.UploadImportRequest]:
        yield pb.UploadImportRequest(start=pb.UploadStart(operation=operation.name, offset=offset))
        for piece in pieces:
            yield pb.UploadImportRequest(data=piece)
        if finish:
            yield pb.UploadImportRequest(finish=True)

    return await context("UploadImport", messages())


def metadata(operation: Any) -> pb.ImportMetadata:
    found = pb.ImportMetadata()
    assert operation.metadata.Unpack(found)
    return found


def summary(operation: Any) -> pb.ImportSummary:
    found = pb.ImportSummary()
    assert operation.response.Unpack(found)
    return found


async def get(context: Context, operation: Any) -> Any:
    return await context("GetOperation", lro.GetOperationRequest(name=operation.name))


async def ids(context: Context) -> list[str]:
    listing = await context("ListProducts", pb.ListProductsRequest(parent=PARENT, page_size=1000))
    return [product.name.rpartition("/")[2] for product in listing.products]


async def test_a_file_in_several_uploads_with_refused_rows_ends_in_one_summary(context: Context) -> None:
    await context.brand()
    begun = await start(context)
    assert (begun.done, metadata(begun).committed_bytes) == (False, 0)
    data = rows("a", "b") + b"nonsense\n" + rows("c", display_name="") + rows("d")
    cut = data.index(b"nonsense") + 4
    half = await upload(context, begun, 0, [data[:cut]], finish=False)
    stands = metadata(half)
    assert (half.done, stands.imported_count, stands.failed_count) == (False, 2, 0)
    assert data[: stands.committed_bytes] == rows("a", "b")
    assert stands.committed_crc32 == zlib.crc32(rows("a", "b"))
    assert await ids(context) == ["a", "b"]
    ended = await upload(context, begun, stands.committed_bytes, [data[stands.committed_bytes :]])
    assert ended.done
    found = summary(ended)
    assert (found.imported_count, found.failed_count) == (3, 2)
    assert [(e.line, e.field) for e in found.errors] == [(3, ""), (4, "display_name")]
    assert metadata(ended).committed_bytes == len(data)
    assert metadata(ended).committed_crc32 == zlib.crc32(data)
    assert await get(context, begun) == ended
    assert await ids(context) == ["a", "b", "d"]


async def test_the_header_of_a_csv_file_is_remembered_between_uploads(context: Context) -> None:
    await context.brand()
    lines = [f"{PARENT}/products/p{number},P {number},{number}.00 EUR\n" for number in range(200)]
    lines[150] = f"{PARENT}/products/p150,P 150,cheap\n"
    data = "\ufeffname,display_name,price\n".encode() + "".join(lines).encode()
    begun = await start(context, csv=True)
    offset = 0
    for end in (10, 30, 31, 4000, 4001, len(data)):
        stands = metadata(await upload(context, begun, offset, [data[offset:end]], finish=end == len(data)))
        offset = stands.committed_bytes
        assert offset <= end
    found = summary(await get(context, begun))
    assert (found.imported_count, found.failed_count) == (199, 1)
    assert [(e.line, e.column, e.field) for e in found.errors] == [(152, 3, "price")]


async def test_brands_come_by_operation_too_and_a_deleted_one_is_refused(context: Context) -> None:
    await context.brand("gone")
    await context("DeleteBrand", pb.DeleteBrandRequest(name="brands/gone"))
    lines = [{"name": f"brands/{id}", "display_name": "B", "languages": ["en"]} for id in ("a", "gone", "z")]
    data = "".join(json.dumps(line) + "\n" for line in lines).encode()
    begun = await start(context, collection="COLLECTION_BRANDS")
    found = summary(await upload(context, begun, 0, [data]))
    assert (found.imported_count, found.failed_count) == (2, 1)
    assert (found.errors[0].line, "UndeleteBrand" in found.errors[0].message) == (2, True)


async def test_a_wrong_offset_is_refused_and_says_the_right_one(context: Context) -> None:
    await context.brand()
    begun = await start(context)
    await upload(context, begun, 0, [rows("a")], finish=False)
    for offset in (0, 5, 10_000):
        async with expect_error(Code.OUT_OF_RANGE, "IMPORT_OFFSET") as errors:
            await upload(context, begun, offset, [rows("b")])
        assert errors[0].metadata["committed_bytes"] == str(len(rows("a")))
    assert await ids(context) == ["a"]


async def test_a_request_id_begins_one_import_and_no_other(context: Context) -> None:
    await context.brand()
    request_id = str(uuid4())
    first, second = await asyncio.gather(*(start(context, request_id=request_id) for _ in range(2)))
    assert first == second
    async with expect_error(Code.ALREADY_EXISTS, "REQUEST_ID_REUSED"):
        await start(context, request_id=request_id, validate_only=True)
    await upload(context, first, 0, [rows("a")])
    assert (await start(context, request_id=request_id)).done
    assert (await start(context.as_("other"), request_id=request_id, collection="COLLECTION_BRANDS")).name


async def test_of_two_uploads_the_faster_goes_on_and_no_row_is_counted_twice(context: Context) -> None:
    await context.brand()
    begun = await start(context)
    data = rows(*(f"p{number:03}" for number in range(300)))
    answers = await asyncio.gather(
        *(upload(context, begun, 0, [data[i : i + 997] for i in range(0, len(data), 997)]) for _ in range(3)),
        return_exceptions=True,
    )
    failed = [answer for answer in answers if isinstance(answer, grpc.aio.AioRpcError)]
    assert len(failed) < 3
    assert {error.code() for error in failed} <= {Code.ABORTED, Code.FAILED_PRECONDITION, Code.OUT_OF_RANGE}
    found = summary(await get(context, begun))
    assert (found.imported_count, found.failed_count) == (300, 0)


@pytest.mark.parametrize("ending", ["finished", "cancelled", "refused"])
async def test_what_has_ended_takes_no_more(context: Context, ending: str) -> None:
    await context.brand()
    begun = await start(context, csv=True)
    if ending == "finished":
        await upload(context, begun, 0, [b"name,display_name\n"])
    elif ending == "cancelled":
        for _ in range(2):
            await context("CancelOperation", lro.CancelOperationRequest(name=begun.name))
    else:
        async with expect_error(Code.INVALID_ARGUMENT, "CSV_HEADER_INVALID"):
            await upload(context, begun, 0, [b"name,weight\n"])
    ended = await get(context, begun)
    assert ended.done
    assert (ended.WhichOneof("result"), ended.error.code) == {
        "finished": ("response", 0),
        "cancelled": ("error", Code.CANCELLED.value[0]),
        "refused": ("error", Code.INVALID_ARGUMENT.value[0]),
    }[ending]
    if ending == "refused":
        assert "'weight'" in ended.error.message
    async with expect_error(Code.FAILED_PRECONDITION, "IMPORT_ENDED"):
        await upload(context, begun, 0, [rows("a")])


async def test_cancelling_stops_an_upload_under_way_and_keeps_what_is_written(context: Context) -> None:
    await context.brand()
    begun = await start(context)
    sent = asyncio.Event()

    async def messages() -> AsyncIterator[pb.UploadImportRequest]:
        yield pb.UploadImportRequest(start=pb.UploadStart(operation=begun.name))
        yield pb.UploadImportRequest(data=rows(*(f"p{number:03}" for number in range(100))))
        await sent.wait()
        yield pb.UploadImportRequest(data=rows(*(f"q{number:03}" for number in range(100))))

    async def cancel() -> None:
        while True:
            if metadata(await get(context, begun)).imported_count:
                break
            await asyncio.sleep(0.01)
        await context("CancelOperation", lro.CancelOperationRequest(name=begun.name))
        sent.set()

    async with expect_error(Code.FAILED_PRECONDITION, "IMPORT_ENDED"):
        await asyncio.gather(context("UploadImport", messages()), cancel())
    written = await ids(context)
    assert len(written) == metadata(await get(context, begun)).imported_count == 96
    assert all(id.startswith("p") for id in written)


async def test_every_refused_row_can_be_read_page_by_page(context: Context) -> None:
    await context.brand()
    begun = await start(context)
    data = b"".join(rows(f"p{number}") if number % 3 else b"{}\n" for number in range(600))
    assert summary(await upload(context, begun, 0, [data])).failed_count == 200
    assert len(summary(await get(context, begun)).errors) == 100
    lines, request = [], pb.ListImportErrorsRequest(operation=begun.name, page_size=70)
    while True:
        page = await context("ListImportErrors", request)
        lines += [(error.line, error.field) for error in page.errors]
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token
    assert lines == [(number + 1, "name") for number in range(0, 600, 3)]
    async with expect_error(Code.INVALID_ARGUMENT, "PAGE_TOKEN_INVALID"):
        await context("ListImportErrors", pb.ListImportErrorsRequest(operation=begun.name, page_token="x"))


async def test_operations_are_listed_waited_for_forgotten_and_seen_by_their_tenant_only(context: Context) -> None:
    await context.brand()
    begun = await start(context)
    wait = lro.WaitOperationRequest(name=begun.name, timeout=Duration(nanos=300_000_000))
    assert not (await context("WaitOperation", wait)).done
    wait = lro.WaitOperationRequest(name=begun.name, timeout=Duration(seconds=20))
    waited, _ = await asyncio.gather(context("WaitOperation", wait), upload(context, begun, 0, [rows("a") + b"x\n"]))
    assert waited.done
    listed = await context("ListOperations", lro.ListOperationsRequest(name="operations", page_size=10))
    assert [operation.name for operation in listed.operations] == [begun.name]
    stranger = context.as_("stranger")
    assert not (await stranger("ListOperations", lro.ListOperationsRequest())).operations
    for method, request in (
        ("GetOperation", lro.GetOperationRequest(name=begun.name)),
        ("CancelOperation", lro.CancelOperationRequest(name=begun.name)),
        ("DeleteOperation", lro.DeleteOperationRequest(name=begun.name)),
        ("ListImportErrors", pb.ListImportErrorsRequest(operation=begun.name)),
    ):
        async with expect_error(Code.NOT_FOUND, "OPERATION_NOT_FOUND"):
            await stranger(method, request)
    await context("DeleteOperation", lro.DeleteOperationRequest(name=begun.name))
    async with expect_error(Code.NOT_FOUND, "OPERATION_NOT_FOUND"):
        await get(context, begun)
    assert await ids(context) == ["a"]


async def test_an_import_is_forgotten_after_a_week(context: Context) -> None:
    await context.brand()
    begun = await start(context)
    await upload(context, begun, 0, [b"x\n"], finish=False)
    context.clock.advance(timedelta(days=7, seconds=1).total_seconds())
    async with expect_error(Code.NOT_FOUND, "OPERATION_NOT_FOUND"):
        await get(context, begun)


async def test_a_dry_run_says_what_would_be_and_writes_nothing(context: Context) -> None:
    await context.brand()
    begun = await start(context, validate_only=True)
    found = summary(await upload(context, begun, 0, [rows("a", "b") + b"x\n"]))
    assert (found.imported_count, found.failed_count) == (2, 1)
    assert await ids(context) == []


async def test_messages_in_the_wrong_order_and_wrong_names_are_refused(context: Context) -> None:
    await context.brand()
    begun = await start(context)
    head = pb.UploadImportRequest(start=pb.UploadStart(operation=begun.name))
    data, finish = pb.UploadImportRequest(data=rows("a")), pb.UploadImportRequest(finish=True)

    async def send(*messages: pb.UploadImportRequest) -> None:
        async def stream() -> AsyncIterator[pb.UploadImportRequest]:
            for message in messages:
                yield message

        await context("UploadImport", stream())

    for reason, messages in {
        "UPLOAD_START_MISSING": (data,),
        "UPLOAD_START_REPEATED": (head, head),
        "UPLOAD_FINISHED": (head, finish, data),
    }.items():
        async with expect_error(Code.INVALID_ARGUMENT, reason):
            await send(*messages)
    async with expect_error(Code.INVALID_ARGUMENT, "UPLOAD_START_MISSING"):
        await send()
    async with expect_error(Code.INVALID_ARGUMENT, "INVALID_NAME"):
        await context("GetOperation", lro.GetOperationRequest(name="operations/evaluator-1"))
    async with expect_error(Code.NOT_FOUND, "BRAND_NOT_FOUND"):
        await start(context.as_("other"))
    async with expect_error(Code.INVALID_ARGUMENT, "PARENT_INVALID"):
        config = pb.ImportConfig(parent=PARENT, file_format="FILE_FORMAT_CSV")
        await context("StartImport", pb.StartImportRequest(collection="COLLECTION_BRANDS", config=config))
    assert not (await get(context, begun)).done


async def test_a_brand_that_goes_while_its_products_come_ends_the_upload_not_the_import(
    context: Context, store: Store
) -> None:
    await context.brand()
    begun = await start(context)
    offset = metadata(await upload(context, begun, 0, [rows("a")], finish=False)).committed_bytes
    await context("DeleteBrand", pb.DeleteBrandRequest(name=PARENT, force=True))
    async with expect_error(Code.NOT_FOUND, "BRAND_NOT_FOUND"):
        await upload(context, begun, offset, [rows("b")])
    await context("UndeleteBrand", pb.UndeleteBrandRequest(name=PARENT))
    # Another replica goes on where the first one was.
    async with replica(store, context.clock) as other:
        assert summary(await upload(other, begun, offset, [rows("b")])).imported_count == 2
    assert await ids(context) == ["a", "b"]
