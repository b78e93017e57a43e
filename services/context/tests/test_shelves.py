"""What a replica remembers: how old it may be, how it hears of others' writes, and what it may take."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
import pytest_asyncio
from context_replica import Clock, Context, replica
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from adwright.context.v1 import context_service_pb2 as pb
from adwright.context.v1 import resources_pb2
from adwright_context.shelves import Limits
from adwright_docstore import open_store
from adwright_encoder import CachedEncoder, quantized
from adwright_servicekit.testing import expect_error

pytestmark = pytest.mark.asyncio

BRAND = "brands/nordlys"
STALENESS = Limits().staleness.total_seconds()


class Replicas:
    """Several replicas over one store, each with its own clock and counters."""

    def __init__(self, path: Path, stack: AsyncExitStack) -> None:
        self._path = path
        self._stack = stack

    async def start(self, limits: Limits | None = None, encoder: Any = None) -> tuple[Context, InMemoryMetricReader]:
        clock, reader = Clock(), InMemoryMetricReader()
        store = await self._stack.enter_async_context(open_store("sqlite", path=self._path, now=clock))
        started = replica(store, clock, encoder=encoder and CachedEncoder(encoder), limits=limits, readers=[reader])
        return await self._stack.enter_async_context(started), reader


@pytest_asyncio.fixture
async def replicas(tmp_path: Path) -> AsyncIterator[Replicas]:
    async with AsyncExitStack() as stack:
        yield Replicas(tmp_path / "shared.db", stack)


async def assemble(context: Context, **fields: Any) -> resources_pb2.PromptContext:
    request = {"brand": BRAND, "format": "formats/plain", "brief": "a light tent"} | fields
    return (await context("AssembleContext", pb.AssembleContextRequest(**request))).context


async def chosen(context: Context, **fields: Any) -> list[str]:
    return [found.product.name.rpartition("/")[2] for found in (await assemble(context, **fields)).products]


def counted(reader: InMemoryMetricReader, name: str, **attributes: str) -> int:
    data = reader.get_metrics_data()
    points = [
        point
        for resource in (data.resource_metrics if data else ())
        for scope in resource.scope_metrics
        for metric in scope.metrics
        if metric.name == name
        for point in metric.data.data_points
        if dict(point.attributes or {}) == attributes
    ]
    return sum(int(getattr(point, "value", 0)) for point in points)


async def change(context: Context, **fields: Any) -> None:
    product = resources_pb2.Product(name=f"{BRAND}/products/tent", **fields)
    await context("UpdateProduct", pb.UpdateProductRequest(product=product))


async def test_what_another_replica_writes_is_seen_once_the_staleness_has_passed(replicas: Replicas) -> None:
    (a, _), (b, _) = await replicas.start(), await replicas.start()
    await a.brand()
    await a.product("tent", display_name="Aurora", category="tent")
    assert await chosen(a) == await chosen(b) == ["tent"]

    await b.product("hut", display_name="Koie", category="light tent")
    await change(b, category="boat")
    await b("UpdateBrand", pb.UpdateBrandRequest(brand=resources_pb2.Brand(name=BRAND, voice="Loud.")))
    await b.exemplar()
    a.clock.advance(STALENESS + 0.1)
    found = await assemble(a)
    assert [p.product.name.rpartition("/")[2] for p in found.products] == ["hut"]
    assert found.brand.voice == "Loud."
    assert len(found.exemplars) == 1
    assert (await assemble(a, products=[f"{BRAND}/products/tent"])).products[0].product.category == "boat"


async def test_until_then_a_replica_answers_from_memory(replicas: Replicas) -> None:
    (a, reader), (b, _) = await replicas.start(), await replicas.start()
    await a.brand(voice="Calm.")
    await a.product("tent", category="tent")
    before = await assemble(a)
    await b("UpdateBrand", pb.UpdateBrandRequest(brand=resources_pb2.Brand(name=BRAND, voice="Loud.")))
    a.clock.advance(STALENESS - 0.1)
    misses = counted(reader, "adwright.context.cache.lookups", result="miss")
    assert await assemble(a) == before
    assert counted(reader, "adwright.context.cache.lookups", result="miss") == misses
    assert counted(reader, "adwright.context.cache.lookups", result="hit") >= 2


async def test_without_any_staleness_every_answer_has_what_was_written_before_it(replicas: Replicas) -> None:
    (a, _), (b, _) = await replicas.start(Limits(staleness=timedelta(0))), await replicas.start()
    await a.brand(voice="Calm.")
    assert (await assemble(a)).brand.voice == "Calm."
    for voice in ("Loud.", "Dry."):
        await b("UpdateBrand", pb.UpdateBrandRequest(brand=resources_pb2.Brand(name=BRAND, voice=voice)))
        a.clock.advance(0.001)
        assert (await assemble(a)).brand.voice == voice


async def test_what_a_replica_writes_itself_it_sees_at_once(replicas: Replicas) -> None:
    a, _ = await replicas.start()
    await a.brand()
    await a.product("tent", category="tent")
    assert await chosen(a) == ["tent"]
    await change(a, category="boat")
    assert await chosen(a) == []
    await a.upload("Product", [b'{"name": "brands/nordlys/products/t2", "displayName": "Light tent"}\n'], parent=BRAND)
    assert await chosen(a) == ["t2"]
    await a("DeleteProduct", pb.DeleteProductRequest(name=f"{BRAND}/products/t2"))
    assert await chosen(a) == []


async def test_a_write_by_a_clock_that_is_behind_is_seen_too(replicas: Replicas) -> None:
    (a, _), (b, _) = await replicas.start(), await replicas.start()
    await a.brand()
    assert await chosen(a) == []
    b.clock.advance(-20)
    await b.product("tent", category="tent")
    a.clock.advance(STALENESS + 0.1)
    assert await chosen(a) == ["tent"]


async def test_a_replica_that_has_not_looked_for_hours_reads_everything_anew(replicas: Replicas) -> None:
    (a, reader), (b, _) = await replicas.start(), await replicas.start()
    await a.brand()
    await a.product("tent", category="tent")
    await a.exemplar()
    assert await chosen(a) == ["tent"]
    await b("DeleteProduct", pb.DeleteProductRequest(name=f"{BRAND}/products/tent"))
    await b.product("hut", category="light tent")
    for other in (a, b):
        other.clock.advance(3 * 3600)
    # What the log said of it is gone for good.
    await b.product("boat", category="boat")
    assert await chosen(a) == ["hut"]
    assert counted(reader, "adwright.context.log.looks", kind="reload") == 2


async def test_fifty_callers_of_a_brand_that_nobody_has_read_read_it_once(replicas: Replicas) -> None:
    (a, _), (b, reader) = await replicas.start(), await replicas.start()
    await a.brand()
    await a.product("tent", category="tent")
    answers = await asyncio.gather(*(chosen(b) for _ in range(50)))
    assert answers == [["tent"]] * 50
    assert counted(reader, "adwright.context.log.looks", kind="reload") == 1
    assert counted(reader, "adwright.context.cache.lookups", result="miss") <= 100
    b.clock.advance(STALENESS + 0.1)
    await asyncio.gather(*(chosen(b) for _ in range(50)))
    assert counted(reader, "adwright.context.log.looks", kind="follow") == 1


async def test_a_caller_that_leaves_does_not_stop_what_others_wait_for(replicas: Replicas) -> None:
    (a, _), (b, _) = await replicas.start(), await replicas.start()
    await a.brand()
    await a.product("tent", category="tent")
    leaving = [asyncio.create_task(chosen(b)) for _ in range(5)]
    staying = [asyncio.create_task(chosen(b)) for _ in range(5)]
    await asyncio.sleep(0.005)
    for task in leaving:
        task.cancel()
    assert await asyncio.gather(*staying) == [["tent"]] * 5


async def test_brands_that_were_asked_least_lately_are_forgotten_beyond_the_limit(replicas: Replicas) -> None:
    a, reader = await replicas.start(Limits(index_bytes=1))
    for brand in ("one", "two", "three"):
        await a.brand(brand)
        await a.product("tent", f"brands/{brand}", category="tent")
    for brand in ("one", "two", "three", "one"):
        assert await chosen(a, brand=f"brands/{brand}") == ["tent"]
    assert counted(reader, "adwright.context.shelf.evictions") >= 2


async def test_a_brand_that_is_not_there_leaves_nothing_in_memory(replicas: Replicas) -> None:
    a, _ = await replicas.start()
    for _ in range(2):
        async with expect_error(grpc.StatusCode.NOT_FOUND, "BRAND_NOT_FOUND"):
            await assemble(a, brand="brands/nobody")
    await a.brand("nobody")
    await a.product("tent", "brands/nobody", category="tent")
    assert await chosen(a, brand="brands/nobody") == ["tent"]


async def test_one_tenants_memory_is_not_anothers(replicas: Replicas) -> None:
    a, _ = await replicas.start()
    await a.brand(voice="Calm.")
    await a.as_("other").brand(voice="Loud.")
    assert (await assemble(a)).brand.voice == "Calm."
    assert (await assemble(a.as_("other"))).brand.voice == "Loud."


class FakeEncoder:
    """Likeness of texts by the letters they begin with; counts what it was asked."""

    version = "fake/1"
    idle = True

    def __init__(self) -> None:
        self.encoded: list[str] = []

    def encode(self, text: str) -> bytes:
        return self.encode_many([text])[0]

    def encode_many(self, texts: Sequence[str]) -> list[bytes]:
        import numpy as np

        self.encoded += texts
        vectors = np.full((len(texts), 512), 0.01, np.float32)
        for vector, text in zip(vectors, texts, strict=True):
            vector[ord(text[:1] or " ") % 512] = 1.0
        return [quantized(vector) for vector in vectors]


async def test_vectors_are_made_once_and_read_by_the_next_replica(replicas: Replicas) -> None:
    first, second = FakeEncoder(), FakeEncoder()
    a, _ = await replicas.start(encoder=first)
    await a.brand()
    for product in ("tent", "stove", "boat"):
        await a.product(product, display_name=product, features=[])
    before = await assemble(a, brief="boots and bottles")
    assert [p.product.display_name for p in before.products] == ["boat"]
    assert "meaning 1.00" in before.products[0].reason

    b, _ = await replicas.start(encoder=second)
    assert await assemble(b, brief="boots and bottles") == before
    assert len(first.encoded) == 4
    assert second.encoded == ["boots and bottles"]

    await change(b, display_name="bivouac")
    a.clock.advance(STALENESS + 0.1)
    found = await assemble(a, brief="boots and bottles")
    assert {p.product.display_name for p in found.products} == {"boat", "bivouac"}
    assert found.revision != before.revision


async def test_the_encoder_of_another_version_makes_its_own_vectors(replicas: Replicas) -> None:
    a, _ = await replicas.start(encoder=FakeEncoder())
    await a.brand()
    await a.product("boat", display_name="boat", features=[])
    await assemble(a, brief="boots")
    newer = FakeEncoder()
    newer.version = "fake/2"
    b, _ = await replicas.start(encoder=newer)
    await assemble(b, brief="boots")
    assert "boots" in newer.encoded
    assert len(newer.encoded) == 2
