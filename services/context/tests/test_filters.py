"""Filters of the List methods, as a client sees them."""

from typing import Any

import grpc
import pytest

from adwright.context.v1 import context_service_pb2 as pb
from adwright_servicekit.testing import expect_error

pytestmark = pytest.mark.asyncio

ON_EVERY_STORE = True


def listing(text: str, **more: Any) -> pb.ListProductsRequest:
    return pb.ListProductsRequest(parent="brands/nordlys", filter=text, **more)


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("", ["lamp", "tent"]),
        ('category = "tent"', ["tent"]),
        ("NOT category=tent", ["lamp"]),
        ("price.units < 300 AND category:*", ["lamp", "tent"]),
        ("category=tent OR category=lamp AND display_name=Lu*", ["lamp"]),
        ('features:"Weighs*"', ["lamp", "tent"]),
        ('create_time > "2027-01-01T00:00:00Z"', []),
    ],
)
async def test_only_what_matches_is_listed(context: Any, text: str, ids: list[str]) -> None:
    await context.brand()
    await context.product("tent", category="tent")
    await context.product("lamp", category="lamp", display_name="Lux")
    found = await context("ListProducts", listing(text))
    assert [product.name.rpartition("/")[2] for product in found.products] == ids


@pytest.mark.parametrize(
    ("text", "words"),
    [("pricce = 1", "did you mean 'price'?"), ("(category", "column 10"), ("price.units = x", "is a number")],
)
async def test_a_wrong_filter_is_refused_with_the_remedy(context: Any, text: str, words: str) -> None:
    await context.brand()
    async with expect_error(grpc.StatusCode.INVALID_ARGUMENT, "FILTER_INVALID") as errors:
        await context("ListProducts", listing(text))
    assert words in errors[0].message
    assert errors[0].violations[0].field == "filter"


async def test_a_page_token_belongs_to_its_filter(context: Any) -> None:
    await context.brand()
    for number in range(3):
        await context.product(f"p{number}", category="x")
    first = await context("ListProducts", listing("category=x", page_size=1))
    async with expect_error(grpc.StatusCode.INVALID_ARGUMENT, "PAGE_TOKEN_INVALID"):
        await context("ListProducts", listing("category=y", page_token=first.next_page_token))
