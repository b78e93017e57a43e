"""Deleting, restoring, and what is left when the time to restore has passed."""

import asyncio
from typing import Any

import grpc
import pytest

from adwright.context.v1 import context_service_pb2 as pb
from adwright.context.v1 import resources_pb2
from adwright_context.deletion import RETENTION
from adwright_context.janitor import expunge_due
from adwright_servicekit.testing import expect_error

pytestmark = pytest.mark.asyncio

ON_EVERY_STORE = True

Code = grpc.StatusCode
BRAND = "brands/nordlys"
TENT = f"{BRAND}/products/tent"
MONTH = RETENTION.total_seconds()


async def call(context: Any, verb: str, kind: str, name: str, **more: Any) -> Any:
    return await context(f"{verb}{kind}", getattr(pb, f"{verb}{kind}Request")(name=name, **more))


async def brands(context: Any, **fields: Any) -> list[str]:
    return [brand.name for brand in (await context("ListBrands", pb.ListBrandsRequest(**fields))).brands]


async def products(context: Any, **fields: Any) -> list[str]:
    listing = await context("ListProducts", pb.ListProductsRequest(parent=BRAND, **fields))
    return [product.name for product in listing.products]


async def expunge(context: Any) -> int:
    return await expunge_due(context.catalog.store, context.clock())


@pytest.mark.parametrize(
    ("kind", "name"), [("Brand", BRAND), ("Product", TENT), ("Exemplar", f"{BRAND}/exemplars/plain-en")]
)
async def test_what_was_deleted_can_be_read_and_restored_as_it_was(context: Any, kind: str, name: str) -> None:
    await context.brand()
    if kind != "Brand":
        await getattr(context, kind.lower())()
    made = await call(context, "Get", kind, name)
    context.clock.advance(10)
    gone = await call(context, "Delete", kind, name, force=True) if kind == "Brand" else None
    gone = gone or await call(context, "Delete", kind, name)
    assert gone.delete_time.ToSeconds() == made.create_time.ToSeconds() + 10
    assert gone.expire_time.ToSeconds() - gone.delete_time.ToSeconds() == MONTH
    assert await call(context, "Get", kind, name) == gone

    async with expect_error(Code.FAILED_PRECONDITION, f"{kind.upper()}_DELETED") as errors:
        await call(context, "Delete", kind, name)
    assert f"Undelete{kind}" in errors[0].message
    back = await call(context, "Undelete", kind, name, etag=gone.etag)
    assert not back.HasField("delete_time")
    back.etag = made.etag
    assert back == made
    async with expect_error(Code.FAILED_PRECONDITION, f"{kind.upper()}_NOT_DELETED"):
        await call(context, "Undelete", kind, name)


async def test_lists_show_what_was_deleted_only_on_request(context: Any) -> None:
    await context.brand()
    await context.product("tent")
    await context.product("lamp")
    await call(context, "Delete", "Product", TENT)
    assert await products(context) == [f"{BRAND}/products/lamp"]
    assert await products(context, show_deleted=True) == [f"{BRAND}/products/lamp", TENT]
    await context.brand("other")
    await call(context, "Delete", "Brand", "brands/other")
    assert await brands(context) == [BRAND]
    assert await brands(context, show_deleted=True) == [BRAND, "brands/other"]


async def test_a_deleted_product_cannot_be_changed_and_keeps_its_name(context: Any) -> None:
    await context.brand()
    await context.product("tent")
    await call(context, "Delete", "Product", TENT)
    change = resources_pb2.Product(name=TENT, category="boat")
    async with expect_error(Code.FAILED_PRECONDITION, "PRODUCT_DELETED"):
        await context("UpdateProduct", pb.UpdateProductRequest(product=change))
    async with expect_error(Code.ALREADY_EXISTS, "PRODUCT_ALREADY_EXISTS") as errors:
        await context.product("tent")
    assert "UndeleteProduct" in errors[0].message
    context.clock.advance(MONTH)
    async with expect_error(Code.NOT_FOUND, "PRODUCT_NOT_FOUND"):
        await call(context, "Get", "Product", TENT)
    await context.product("tent")


async def test_what_a_deleted_brand_has_is_out_of_reach_and_comes_back_with_it(context: Any) -> None:
    await context.brand()
    await context.product("tent", category="tent")
    await context.exemplar()
    await call(context, "Delete", "Brand", BRAND, force=True)
    change = pb.UpdateProductRequest(product=resources_pb2.Product(name=TENT, category="boat"))
    ask = pb.AssembleContextRequest(brand=BRAND, format="formats/plain", brief="a tent")
    for attempt in (
        lambda: call(context, "Get", "Product", TENT),
        lambda: call(context, "Delete", "Product", TENT),
        lambda: context("UpdateProduct", change),
        lambda: context.product("lamp"),
        lambda: products(context),
        lambda: context("AssembleContext", ask),
    ):
        async with expect_error(Code.NOT_FOUND, "BRAND_NOT_FOUND") as errors:
            await attempt()
        assert "UndeleteBrand" in errors[0].message
    async with expect_error(Code.ALREADY_EXISTS, "BRAND_ALREADY_EXISTS"):
        await context.brand()
    await call(context, "Undelete", "Brand", BRAND)
    assert await products(context) == [TENT]
    assert len((await context("AssembleContext", ask)).context.products) == 1


async def test_a_brand_whose_products_are_all_deleted_is_empty(context: Any) -> None:
    await context.brand()
    await context.product("tent")
    async with expect_error(Code.FAILED_PRECONDITION, "BRAND_NOT_EMPTY"):
        await call(context, "Delete", "Brand", BRAND)
    await call(context, "Delete", "Product", TENT)
    await call(context, "Delete", "Brand", BRAND)


async def test_a_brand_that_is_due_goes_with_all_it_has_and_its_name_is_free_and_empty(context: Any) -> None:
    await context.brand()
    rows = (f'{{"name": "{BRAND}/products/p{number}", "display_name": "P"}}\n' for number in range(200))
    await context.upload("Product", [row.encode() for row in rows], parent=BRAND)
    await context.brand("other")
    await call(context, "Delete", "Brand", BRAND, force=True)
    context.clock.advance(MONTH - 1)
    assert await expunge(context) == 0
    await call(context, "Delete", "Brand", "brands/other")
    context.clock.advance(1)
    assert await expunge(context) == 1
    assert await expunge(context) == 0
    async with expect_error(Code.NOT_FOUND, "BRAND_NOT_FOUND") as errors:
        await call(context, "Undelete", "Brand", BRAND)
    assert "deleted" not in errors[0].message
    await context.brand()
    assert await products(context, show_deleted=True) == []
    await call(context, "Undelete", "Brand", "brands/other")


async def test_a_brand_that_was_restored_in_time_stays(context: Any) -> None:
    await context.brand()
    await context.product("tent")
    await call(context, "Delete", "Brand", BRAND, force=True)
    await call(context, "Undelete", "Brand", BRAND)
    context.clock.advance(10)
    await call(context, "Delete", "Brand", BRAND, force=True)
    context.clock.advance(MONTH - 5)
    assert await expunge(context) == 0
    await call(context, "Undelete", "Brand", BRAND)
    assert await products(context) == [TENT]


async def test_several_janitors_at_once_do_no_harm(context: Any) -> None:
    for brand in ("one", "two", "three"):
        await context.brand(brand)
        await context.product("tent", f"brands/{brand}")
        await call(context, "Delete", "Brand", f"brands/{brand}", force=True)
    context.clock.advance(MONTH)
    await asyncio.gather(*(expunge(context) for _ in range(5)))
    assert await expunge(context) == 0
    assert await brands(context, show_deleted=True) == []
