"""Files that go in: in parts, past connections that break, from wherever they come."""

import asyncio
import io
import json
import signal
from pathlib import Path
from typing import Any

import pytest
from client_events import Adwright, spawn

from adwright.context.v1.context_service_pb2 import (
    COLLECTION_BRANDS,
    COLLECTION_PRODUCTS,
    ImportConfig,
    ImportError,
    ImportSummary,
    StartImportRequest,
    UploadImportRequest,
)
from adwright_client import AsyncClient, ImportProgress, ImportResult, RowError, imports
from adwright_client.testing import IMPORT, FakeGateway
from adwright_servicekit import errors
from adwright_servicekit.errors import InvalidInput, Unavailable

LINE = b"name,display_name\n"
DATA = LINE * 600_000


@pytest.fixture
def products(tmp_path: Path) -> Path:
    file = tmp_path / "products.CSV"
    file.write_bytes(DATA)
    return file


def uploads(gateway: FakeGateway) -> list[UploadImportRequest]:
    return [request for request in gateway.requests if isinstance(request, UploadImportRequest)]


async def test_a_file_goes_in_parts_and_each_part_in_small_messages(
    client: AsyncClient, gateway: FakeGateway, products: Path
) -> None:
    gateway.import_response = ImportSummary(
        imported_count=599_999,
        failed_count=1,
        errors=[ImportError(line=7, column=3, field="price", message="no price")],
    )
    seen: list[ImportProgress] = []
    result = await client.products.import_file("nordlys", products, on_progress=seen.append)
    assert result == ImportResult(599_999, 1, (RowError(7, "price", "no price", 3),), IMPORT)
    assert [row async for row in client.imports.errors(IMPORT)] == list(result.errors)
    begun = gateway.requests[0]
    assert isinstance(begun, StartImportRequest)
    assert begun.collection == COLLECTION_PRODUCTS
    assert begun.config == ImportConfig(parent="brands/nordlys", file_format=ImportConfig.FILE_FORMAT_CSV)
    assert gateway.imported == DATA
    assert max(len(request.data) for request in uploads(gateway)) == 256 * 1024
    assert [progress.committed_bytes for progress in seen] == [*range(0, len(DATA), 1 << 20), len(DATA)]
    assert {progress.total_bytes for progress in seen} == {len(DATA)}


@pytest.mark.parametrize("pipe", [False, True])
async def test_what_breaks_off_goes_on_where_it_was_committed(
    client: AsyncClient, gateway: FakeGateway, pipe: bool
) -> None:
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

    gateway.breaks = [1_000_000, 500_000, 1]
    source = Pipe(DATA) if pipe else io.BytesIO(DATA)
    await client.brands.import_file(source, file_format="csv")
    assert gateway.imported == DATA
    offsets = [request.start.offset for request in uploads(gateway) if request.HasField("start")]
    assert offsets[0] == 0
    assert offsets == sorted(offsets)
    assert len(offsets) == 3 + -(-(len(DATA) - offsets[3]) // (1 << 20))


async def test_an_import_that_cannot_go_on_says_how_it_can_later(
    client: AsyncClient, gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "_PATIENCE", 0.0)
    gateway.breaks = [1_000_000]
    with pytest.raises(Unavailable, match="gone for a moment") as caught:
        await client.products.import_file("nordlys", DATA, file_format="csv")
    assert caught.value.metadata["operation"] == IMPORT
    there = len(gateway.imported)
    assert 0 < there < len(DATA)
    for other in (DATA[: there - 1], b"x" + DATA[1:]):
        with pytest.raises(InvalidInput, match="is not the file"):
            await client.products.import_file("nordlys", other, resume=IMPORT)
    with pytest.raises(InvalidInput, match="imports products of brands/nordlys"):
        await client.brands.import_file(DATA, resume=IMPORT)
    await client.products.import_file("nordlys", DATA, resume=IMPORT)
    assert gateway.imported == DATA


async def test_a_row_longer_than_a_part_still_goes_through(
    client: AsyncClient, gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "_SEGMENT", 1000)
    kept = gateway.operation

    def only_whole_rows(*, done: bool) -> Any:
        del gateway.imported[gateway.imported.rfind(b"\n") + 1 :]
        return kept(done=done)

    monkeypatch.setattr(gateway, "operation", only_whole_rows)
    data = LINE + b"x" * 5000 + b"\n" + LINE
    await client.brands.import_file(data, file_format="csv")
    assert gateway.imported == data


async def test_a_file_without_a_telling_name_needs_its_format_said(client: AsyncClient, gateway: FakeGateway) -> None:
    with pytest.raises(InvalidInput, match="expected csv or jsonl"):
        await client.brands.import_file(b"{}")
    with pytest.raises(InvalidInput, match="'xlsx' is neither"):
        await client.brands.import_file("brands.xlsx")
    await client.brands.import_file(b"", file_format="jsonl", validate_only=True)
    begun = gateway.requests[0]
    assert isinstance(begun, StartImportRequest)
    assert (begun.collection, begun.config.validate_only) == (COLLECTION_BRANDS, True)


async def test_an_import_that_is_refused_at_once_raises_why(client: AsyncClient, gateway: FakeGateway) -> None:
    gateway.error = errors.PermissionDenied("this key may only read", reason="SCOPE_MISSING")
    with pytest.raises(errors.PermissionDenied, match="may only read"):
        await client.brands.import_file(DATA, file_format="csv")


async def test_the_command_counts_rows_and_names_the_places_of_bad_ones(
    adwright: Adwright, gateway: FakeGateway, tmp_path: Path
) -> None:
    file, refused = tmp_path / "products.csv", tmp_path / "refused.csv"
    file.write_bytes(LINE)
    gateway.import_response = ImportSummary(imported_count=12)
    outcome = await adwright("products", "import", str(file), "--brand", "nordlys")
    assert (outcome.code, outcome.out, outcome.err) == (0, "12 imported, 0 failed\n", "")
    gateway.import_response = ImportSummary(
        imported_count=10,
        failed_count=3,
        errors=[
            ImportError(line=2, column=4, field="price", message="'cheap' is no price: write 249.00 EUR"),
            ImportError(line=9, message="the row has no name"),
        ],
    )
    outcome = await adwright("products", "import", str(file), "--brand", "nordlys", "--dry-run")
    assert outcome.code == 1
    assert outcome.out.splitlines() == [
        f"{file}:2:4: price: 'cheap' is no price: write 249.00 EUR",
        f"{file}:9: the row has no name",
        "… and 1 more; --errors FILE writes them to a file",
        "10 would be imported, 3 failed",
    ]
    outcome = await adwright("products", "import", str(file), "--brand", "nordlys", "--errors", str(refused))
    assert outcome.out.splitlines()[-2:] == [
        "10 imported, 3 failed",
        f"what is wrong with the first 2 of them: {refused}",
    ]
    assert refused.read_text().splitlines() == [
        "line,column,field,message",
        "2,4,price,'cheap' is no price: write 249.00 EUR",
        "9,,,the row has no name",
    ]


async def test_the_command_says_how_to_go_on_and_does(
    adwright: Adwright, gateway: FakeGateway, products: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "_PATIENCE", 0.0)
    gateway.breaks = [1_000_000]
    command = ("products", "import", str(products), "--brand", "nordlys")
    outcome = await adwright(*command)
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.count("\n") == 1
    assert f"repeat the command with --resume {IMPORT}" in outcome.err
    outcome = await adwright(*command, "--resume", IMPORT)
    assert outcome.code == 0
    assert gateway.imported == DATA
    outcome = await adwright(*command, "--resume", "context-2")
    assert (outcome.code, "resume: 'context-2' is no import's name" in outcome.err) == (2, True)
    outcome = await adwright(*command, "--resume", "operations/context-2")
    assert (outcome.code, outcome.err) == (2, "adwright: there is no operations/context-2 [OPERATION_NOT_FOUND]\n")


async def test_what_was_exported_can_be_imported_again_from_a_pipe(
    adwright_process: Adwright, gateway: FakeGateway
) -> None:
    exported = await adwright_process("exemplars", "export", "--brand", "nordlys")
    [line] = exported.out.splitlines()
    assert json.loads(line)["name"] == "brands/nordlys/exemplars/plain-en"
    again = ("exemplars", "import", "-", "--brand", "nordlys", "--file-format", "jsonl")
    outcome = await adwright_process(*again, stdin=exported.out.encode())
    assert outcome.code == 0
    assert gateway.imported.decode() == exported.out


async def test_a_file_that_cannot_be_read_or_written_is_bad_input(adwright: Adwright, tmp_path: Path) -> None:
    outcome = await adwright("brands", "import", str(tmp_path / "none.csv"))
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.endswith("none.csv: No such file or directory [FILE_UNREADABLE]\n")
    odd = tmp_path / "brands.xlsx"
    odd.touch()
    outcome = await adwright("brands", "import", str(odd))
    assert (outcome.code, "expected csv or jsonl" in outcome.err) == (2, True)
    nowhere = str(tmp_path / "no" / "errors.csv")
    outcome = await adwright("brands", "import", str(odd), "--file-format", "csv", "--errors", nowhere)
    assert (outcome.code, "cannot write" in outcome.err) == (2, True)
    assert [path.name for path in odd.parent.glob("*")] == [odd.name]


async def test_ctrl_c_says_in_one_line_how_to_go_on(gateway: FakeGateway, products: Path) -> None:
    gateway.stall = True
    process = await spawn(gateway, "products", "import", str(products), "--brand", "nordlys")
    await asyncio.wait_for(gateway.uploading.wait(), 10)
    process.send_signal(signal.SIGINT)
    _, err = await asyncio.wait_for(process.communicate(), 10)
    assert (process.returncode, err.decode()) == (
        1,
        f"adwright: interrupted; the import can go on: repeat the command with --resume {IMPORT} [INTERRUPTED]\n",
    )
