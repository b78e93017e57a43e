"""Imports that are cut off anywhere and go on: in one process by thousands of plans, and by kill -9 of a real one."""

import asyncio
import json
import os
import random
import re
import signal
import sys
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.longrunning import operations_pb2 as lro
from google.longrunning import operations_pb2_grpc
from hypothesis import given, settings
from hypothesis import strategies as st

from adwright.context.v1 import context_service_pb2 as pb
from adwright.context.v1 import context_service_pb2_grpc, resources_pb2
from adwright_context.app import build_catalog
from adwright_context.catalog import Catalog
from adwright_context.import_model import FileFormat
from adwright_context.import_operations import ImportOperations
from adwright_context.kinds import PRODUCT, Name
from adwright_docstore import open_store
from adwright_servicekit.testing import as_tenant

PARENT = "brands/nordlys"
BRAND_FIELDS = {"display_name": "N", "languages": ["en"]}


def csv_file() -> bytes:
    """More than two batches, with refused rows, line breaks in cells, doubled names and blank lines between."""
    lines = ["\ufeffname,display_name,description,price"]
    for number in range(230):
        name, price = f"{PARENT}/products/p{number % 200}", "10.00 EUR"
        if number % 37 == 5:
            price = "cheap"
        if number % 53 == 7:
            name = f"brands/other/products/p{number}"
        lines.append(f'{name},"Tent ""{number}"" ⛺","two\nlines",{price}')
        if number % 41 == 0:
            lines.append("")
    return "\r\n".join(lines).encode()


FILE = csv_file()


@dataclass(frozen=True)
class Result:
    """What can be seen of an import when all is over."""

    counts: tuple[int, int]
    refused: list[tuple[int, int, str, str]]
    products: dict[str, Any]
    place: tuple[int, int]


async def result(catalog: Catalog, operations: ImportOperations, operation_id: str) -> Result:
    there = await operations.get("demo", operation_id)
    refused, token = await operations.problems("demo", operation_id, 1000, "")
    assert not token
    listing = await catalog.list("demo", PRODUCT, "nordlys", page_size=1000, page_token="")
    progress = there.progress
    return Result(
        (progress.imported, progress.failed),
        [(p.line, p.column, p.field, p.message) for p in refused],
        {str(resource.name): resource.content for resource in listing.resources},
        (progress.place.offset, progress.place.crc32),
    )


async def imported(uploads: list[tuple[list[int], str]]) -> Result:
    """Each upload sends pieces of these lengths, and then pauses or is dropped; a last one sends the rest."""
    async with open_store("sqlite", path=":memory:") as store:
        catalog = build_catalog(store)
        await catalog.create("demo", Name.of_brand("nordlys"), BRAND_FIELDS)
        operations = ImportOperations(catalog)
        begun = await operations.start("demo", PRODUCT, "nordlys", FileFormat.CSV)
        for lengths, end in uploads:
            place = (await operations.get("demo", begun.id)).progress.place
            assert place.crc32 == zlib.crc32(FILE[: place.offset])
            upload = await operations.resume("demo", begun.id, place.offset)
            sent = place.offset
            for length in lengths:
                await upload.take(FILE[sent : sent + length])
                sent += length
            if end == "pause":
                await upload.pause()
        place = (await operations.get("demo", begun.id)).progress.place
        upload = await operations.resume("demo", begun.id, place.offset)
        await upload.take(FILE[place.offset :])
        await upload.finish()
        return await result(catalog, operations, begun.id)


UNINTERRUPTED = asyncio.run(imported([]))
LENGTHS = st.lists(st.integers(1, 400) | st.integers(1, len(FILE)), max_size=4)


def test_the_file_is_what_it_is_meant_to_be() -> None:
    assert UNINTERRUPTED.place[0] == len(FILE)
    assert UNINTERRUPTED.counts == (218, 12)
    assert len(UNINTERRUPTED.products) == 192
    assert UNINTERRUPTED.products[f"{PARENT}/products/p0"]["display_name"] == 'Tent "200" ⛺'


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(LENGTHS, st.sampled_from(["pause", "drop"])), max_size=5))
def test_wherever_an_import_is_cut_off_it_ends_as_if_it_had_not_been(uploads: list[tuple[list[int], str]]) -> None:
    assert asyncio.run(imported(uploads)) == UNINTERRUPTED


@dataclass
class Process:
    """A running context service and its stubs."""

    child: asyncio.subprocess.Process
    context: Any
    operations: Any

    async def get(self, name: str) -> pb.ImportMetadata:
        found = pb.ImportMetadata()
        operation = await self.operations.GetOperation(
            lro.GetOperationRequest(name=name), metadata=as_tenant(), timeout=20
        )
        operation.metadata.Unpack(found)
        return found


@asynccontextmanager
async def service(path: Path) -> AsyncIterator[Process]:
    environ = {
        **os.environ,
        "ADWRIGHT_CONTEXT_STORE": "sqlite",
        "ADWRIGHT_CONTEXT_SQLITE_PATH": str(path),
        "ADWRIGHT_CONTEXT_LISTEN": "127.0.0.1:0",
        "ADWRIGHT_CONTEXT_EMBEDDINGS": "off",
    }
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "adwright_context", env=environ, stderr=asyncio.subprocess.PIPE
    )
    try:
        assert child.stderr is not None
        address = None
        while address is None:
            line = (await asyncio.wait_for(child.stderr.readline(), 30)).decode()
            assert line, "the service ended"
            address = re.search(r" on (127\.0\.0\.1:\d+)", line)
        async with grpc.aio.insecure_channel(address[1]) as channel:
            yield Process(
                child,
                context_service_pb2_grpc.ContextServiceStub(channel),
                operations_pb2_grpc.OperationsStub(channel),
            )
    finally:
        if child.returncode is None:
            child.kill()
        await child.wait()


async def test_a_service_killed_in_the_middle_loses_no_acknowledged_row_and_the_import_goes_on(tmp_path: Path) -> None:
    count, path, dice = 12_000, tmp_path / "context.db", random.Random(4)
    lines = [json.dumps({"name": f"{PARENT}/products/p{i:05}", "display_name": f"Tent {i}"}) for i in range(count)]
    for bad in range(0, count, 100):
        lines[bad] = "{}"
    data = "".join(f"{line}\n" for line in lines).encode()
    config = pb.ImportConfig(parent=PARENT, file_format="FILE_FORMAT_JSONL")
    async with service(path) as process:
        brand = resources_pb2.Brand(display_name="N", languages=["en"])
        await process.context.CreateBrand(pb.CreateBrandRequest(brand_id="nordlys", brand=brand), metadata=as_tenant())
        request = pb.StartImportRequest(collection="COLLECTION_PRODUCTS", config=config)
        name = (await process.context.StartImport(request, metadata=as_tenant())).name

    async def messages(start: int) -> AsyncIterator[pb.UploadImportRequest]:
        yield pb.UploadImportRequest(start=pb.UploadStart(operation=name, offset=start))
        for position in range(start, len(data), 8192):
            yield pb.UploadImportRequest(data=data[position : position + 8192])
        yield pb.UploadImportRequest(finish=True)

    acknowledged, kills = pb.ImportMetadata(), 0
    while kills < 4:
        async with service(path) as process:
            there = await process.get(name)
            assert there.committed_bytes >= acknowledged.committed_bytes
            done = data[: there.committed_bytes].splitlines()
            bad = sum(line == b"{}" for line in done)
            assert (there.imported_count, there.failed_count) == (len(done) - bad, bad)
            upload = process.context.UploadImport(messages(there.committed_bytes), metadata=as_tenant())
            stop_at = there.imported_count + dice.randint(1, 1200)
            while there.imported_count < stop_at:
                there = acknowledged = await process.get(name)
            process.child.send_signal(signal.SIGKILL)
            kills += 1
            with pytest.raises(grpc.aio.AioRpcError) as broken:
                await upload
            assert broken.value.code() is grpc.StatusCode.UNAVAILABLE
    assert 0 < acknowledged.committed_bytes < len(data)
    async with service(path) as process:
        start = (await process.get(name)).committed_bytes
        ended = await process.context.UploadImport(messages(start), metadata=as_tenant(), timeout=60)
        found = pb.ImportSummary()
        assert ended.response.Unpack(found)
        assert (found.imported_count, found.failed_count) == (count - 120, 120)
        names: list[str] = []
        request = pb.ListProductsRequest(parent=PARENT, page_size=1000)
        while True:
            page = await process.context.ListProducts(request, metadata=as_tenant())
            names += [product.name for product in page.products]
            if not page.next_page_token:
                break
            request.page_token = page.next_page_token
        assert names == [f"{PARENT}/products/p{i:05}" for i in range(count) if i % 100]
