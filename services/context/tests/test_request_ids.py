"""A write that is repeated with the same request id is done once; and races that have one winner."""

import asyncio
from typing import Any
from uuid import uuid4

import grpc
import pytest
from context_replica import a_brand, a_product

from adwright.context.v1 import context_service_pb2 as pb
from adwright.context.v1 import resources_pb2
from adwright_servicekit.testing import expect_error

pytestmark = pytest.mark.asyncio

ON_EVERY_STORE = True

Code = grpc.StatusCode
BRAND = "brands/nordlys"
TENT = f"{BRAND}/products/tent"


def creation(request_id: str, product_id: str = "tent", **fields: Any) -> pb.CreateProductRequest:
    return pb.CreateProductRequest(
        parent=BRAND, product_id=product_id, product=a_product(**fields), request_id=request_id
    )


async def test_a_repeated_creation_creates_once(context: Any) -> None:
    await context.brand()
    request = creation(str(uuid4()))
    made = await context("CreateProduct", request)
    assert await context("CreateProduct", request) == made
    async with expect_error(Code.ALREADY_EXISTS, "PRODUCT_ALREADY_EXISTS"):
        await context("CreateProduct", creation(str(uuid4())))


async def test_twenty_twins_at_once_create_once(context: Any) -> None:
    request = pb.CreateBrandRequest(brand_id="nordlys", brand=a_brand(), request_id=str(uuid4()))
    made = await asyncio.gather(*(context("CreateBrand", request) for _ in range(20)))
    assert {brand.etag for brand in made} == {made[0].etag}
    product = creation(str(uuid4()))
    made = await asyncio.gather(*(context("CreateProduct", product) for _ in range(20)))
    assert {item.etag for item in made} == {made[0].etag}


async def test_an_update_a_deletion_and_a_restoration_are_done_once_too(context: Any) -> None:
    await context.brand()
    made = await context.product("tent")
    change = pb.UpdateProductRequest(
        product=resources_pb2.Product(name=TENT, category="boat", etag=made.etag), request_id=str(uuid4())
    )
    changed = await context("UpdateProduct", change)
    # Its etag is stale by now: but it is not another change, it is the same one.
    assert await context("UpdateProduct", change) == changed
    for verb in ("Delete", "Undelete"):
        request = getattr(pb, f"{verb}ProductRequest")(name=TENT, request_id=str(uuid4()))
        done = await context(f"{verb}Product", request)
        assert await context(f"{verb}Product", request) == done
    nothing = pb.UpdateProductRequest(product=resources_pb2.Product(name=TENT), request_id=str(uuid4()))
    assert await context("UpdateProduct", nothing) == await context("UpdateProduct", nothing)


async def test_a_request_id_is_not_taken_for_another_request(context: Any) -> None:
    await context.brand()
    used = str(uuid4())
    await context("CreateProduct", creation(used))
    for other in (creation(used, category="boat"), creation(used, "lamp")):
        async with expect_error(Code.ALREADY_EXISTS, "REQUEST_ID_REUSED") as errors:
            await context("CreateProduct", other)
        assert "request_id" in errors[0].message
    async with expect_error(Code.ALREADY_EXISTS, "REQUEST_ID_REUSED"):
        await context("DeleteProduct", pb.DeleteProductRequest(name=TENT, request_id=used))


async def test_a_request_that_failed_may_be_sent_again(context: Any) -> None:
    request = creation(str(uuid4()))
    async with expect_error(Code.NOT_FOUND, "BRAND_NOT_FOUND"):
        await context("CreateProduct", request)
    await context.brand()
    await context("CreateProduct", request)


async def test_a_request_id_is_of_one_tenant_and_lasts_an_hour(context: Any) -> None:
    used = str(uuid4())
    request = pb.CreateBrandRequest(brand_id="nordlys", brand=a_brand(), request_id=used)
    await context("CreateBrand", request)
    await context.as_("other")("CreateBrand", request)
    context.clock.advance(3601)
    async with expect_error(Code.ALREADY_EXISTS, "BRAND_ALREADY_EXISTS"):
        await context("CreateBrand", request)


async def test_checking_alone_keeps_no_request_id(context: Any) -> None:
    await context.brand()
    request = creation(str(uuid4()))
    request.validate_only = True
    await context("CreateProduct", request)
    request.validate_only = False
    assert (await context("CreateProduct", request)).etag


async def test_a_request_id_that_is_no_uuid_is_refused(context: Any) -> None:
    await context.brand()
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await context("CreateProduct", creation("again"))
    assert refusal.value.code() is Code.INVALID_ARGUMENT
    assert "request_id" in str(refusal.value.details())


async def test_of_twenty_updates_with_the_same_etag_one_wins_in_each_round(context: Any) -> None:
    await context.brand()
    current = await context.product("tent")

    async def attempt(etag: str, worker: str) -> resources_pb2.Product | None:
        change = resources_pb2.Product(name=TENT, category=worker, etag=etag)
        try:
            return await context("UpdateProduct", pb.UpdateProductRequest(product=change))
        except grpc.aio.AioRpcError as error:
            if error.code() is not Code.ABORTED:
                raise
            return None

    for turn in range(5):
        done = await asyncio.gather(*(attempt(current.etag, f"round {turn}, by {worker}") for worker in range(20)))
        [winner] = [product for product in done if product is not None]
        current = await context("GetProduct", pb.GetProductRequest(name=TENT))
        assert current == winner


async def test_of_twenty_updates_of_different_fields_without_an_etag_none_is_lost(context: Any) -> None:
    await context.brand()
    await context.product("tent")
    tags = ["de", "fr", "it", "es", "pt", "nl", "da", "nb", "fi", "pl", "cs", "hu", "ro", "el", "tr", "ja", "ko", "th"]

    async def translate(tag: str) -> None:
        product = resources_pb2.Product(
            name=TENT, localizations={tag: resources_pb2.LocalizedText(description=f"in {tag}")}
        )
        request = pb.UpdateProductRequest(product=product)
        request.update_mask.paths.append(f"localizations.{tag}")
        await context("UpdateProduct", request)

    await asyncio.gather(*map(translate, tags))
    found = await context("GetProduct", pb.GetProductRequest(name=TENT))
    assert sorted(found.localizations) == sorted(tags)
