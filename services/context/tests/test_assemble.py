"""AssembleContext: what is chosen, in which order, within which budget, and how it refuses."""

from typing import Any

import grpc
import pytest

from adwright.context.v1 import context_service_pb2 as pb
from adwright.context.v1 import resources_pb2
from adwright.type.v1 import ad_pb2
from adwright_servicekit.testing import expect_error

pytestmark = pytest.mark.asyncio

Code = grpc.StatusCode
BRAND = "brands/nordlys"


async def assemble(context: Any, **fields: Any) -> resources_pb2.PromptContext:
    request = {"brand": BRAND, "format": "formats/plain"} | fields
    response = await context("AssembleContext", pb.AssembleContextRequest(**request))
    return response.context


def names(chosen: Any) -> list[str]:
    return [
        (c.product if isinstance(c, resources_pb2.ChosenProduct) else c.exemplar).name.rpartition("/")[2]
        for c in chosen
    ]


async def a_brand_with_two_products(context: Any) -> None:
    await context.brand(languages=["en-GB", "de"], voice="Calm.")
    local = {tag: resources_pb2.LocalizedText(description=f"in {tag}") for tag in ("de", "sv")}
    await context.product("tent", display_name="Aurora", category="tent", localizations=local)
    await context.product("stove", display_name="Kveld", category="gas stove", features=["Boils water"])


async def test_named_products_come_in_their_order_with_the_brand_and_a_revision(
    context: Any,
) -> None:
    await a_brand_with_two_products(context)
    found = await assemble(context, products=[f"{BRAND}/products/tent", f"{BRAND}/products/stove"])
    assert names(found.products) == ["tent", "stove"]
    assert {(c.score, c.reason) for c in found.products} == {(1.0, "named in the request")}
    assert found.brand.voice == "Calm."
    assert len(found.revision) == 16
    assert not found.omitted
    assert 0 < found.token_estimate < 1200


async def test_without_a_named_product_those_that_answer_the_brief_are_chosen(context: Any) -> None:
    await a_brand_with_two_products(context)
    assert names((await assemble(context, brief="boil water on a stove")).products) == ["stove"]
    assert names((await assemble(context, brief="a light tents campaign")).products) == ["tent"]
    named = (await assemble(context, brief="all about Kveld")).products[0]
    assert (named.product.display_name, named.score, named.reason) == (
        "Kveld",
        1.0,
        "named in the brief",
    )
    assert not (await assemble(context, brief="Christmas greetings")).products


async def test_the_same_request_gets_the_same_answer_until_something_is_written(
    context: Any,
) -> None:
    await a_brand_with_two_products(context)
    await context.exemplar()
    before = await assemble(context, brief="tent")
    assert await assemble(context, brief="tent") == before
    changed = before.exemplars[0].exemplar
    changed.rating = 1
    await context("UpdateExemplar", pb.UpdateExemplarRequest(exemplar=changed))
    assert (await assemble(context, brief="tent")).revision != before.revision


async def test_exemplars_are_ranked_by_format_and_language_then_product_rating_and_brief(
    context: Any,
) -> None:
    await a_brand_with_two_products(context)
    product = f"{BRAND}/products/tent"
    text = [ad_pb2.AdField(path="text", text="Stars above, tent below.")]
    await context.exemplar("a-other-both", format="formats/x", language="de", rating=5)
    await context.exemplar("b-format", language="de", rating=5, product=product)
    await context.exemplar("c-language", format="formats/x", rating=5, product=product)
    await context.exemplar("d-both", rating=3)
    await context.exemplar("e-both-brief", rating=3, fields=text)
    await context.exemplar("f-both-rated", rating=4)
    await context.exemplar("g-both-product", rating=1, product=product)
    found = await assemble(context, products=[product], brief="a tent under the stars")
    assert names(found.exemplars) == [
        "g-both-product",
        "f-both-rated",
        "e-both-brief",
        "d-both",
        "c-language",
        "b-format",
    ]
    scores = [chosen.score for chosen in found.exemplars]
    assert scores == sorted(scores, reverse=True)
    assert all(0 < score <= 1 for score in scores)
    assert found.exemplars[0].reason == "same format, same language, same product, rated 1"


async def test_the_budget_holds_and_what_did_not_fit_is_named(context: Any) -> None:
    await a_brand_with_two_products(context)
    long = [ad_pb2.AdField(path="text", text="word " * 100)]
    await context.exemplar("long", rating=5, fields=long)
    await context.exemplar("short", rating=4)
    await context.product("atlas", description="word " * 200)
    found = await assemble(
        context,
        products=[f"{BRAND}/products/tent", f"{BRAND}/products/atlas"],
        token_budget=100,
    )
    assert names(found.products) == ["tent"]
    assert names(found.exemplars) == ["short"]
    assert found.token_estimate <= 100
    assert list(found.omitted) == [f"{BRAND}/products/atlas", f"{BRAND}/exemplars/long"]


async def test_a_budget_below_the_brands_own_facts_is_refused_with_what_it_takes(
    context: Any,
) -> None:
    await context.brand(style_guide="Short sentences.\n" * 200)
    async with expect_error(Code.INVALID_ARGUMENT, "TOKEN_BUDGET_TOO_SMALL") as errors:
        await assemble(context, brief="tent")
    needed = int(errors[0].message.rpartition(" ")[2])
    assert (await assemble(context, brief="tent", token_budget=needed)).token_estimate == needed


async def test_a_budget_below_the_first_product_is_refused(context: Any) -> None:
    await context.brand()
    await context.product(description="word " * 900)
    async with expect_error(Code.INVALID_ARGUMENT, "TOKEN_BUDGET_TOO_SMALL") as errors:
        await assemble(context, products=[f"{BRAND}/products/tent"], token_budget=1000)
    assert f"{BRAND}/products/tent" in errors[0].message


@pytest.mark.parametrize(
    ("asked", "written", "texts"),
    [
        ("", "en-GB", []),
        ("en", "en-GB", []),
        ("EN-gb", "en-GB", []),
        ("de", "de", ["de"]),
        ("de-AT", "de-AT", ["de"]),
    ],
)
async def test_a_language_is_matched_and_only_its_texts_are_sent(
    context: Any, asked: str, written: str, texts: list[str]
) -> None:
    await a_brand_with_two_products(context)
    found = await assemble(context, products=[f"{BRAND}/products/tent"], language=asked)
    assert found.language == written
    assert list(found.products[0].product.localizations) == texts


@pytest.mark.parametrize("asked", ["sv", "en-US"])
async def test_a_language_that_is_not_offered_is_refused_with_those_that_are(context: Any, asked: str) -> None:
    await a_brand_with_two_products(context)
    async with expect_error(Code.INVALID_ARGUMENT, "LANGUAGE_NOT_OFFERED") as errors:
        await assemble(context, brief="tent", language=asked)
    assert "en-GB, de" in errors[0].message


async def test_names_that_are_not_there_are_answered_with_the_nearest(context: Any) -> None:
    await a_brand_with_two_products(context)
    async with expect_error(Code.NOT_FOUND, "BRAND_NOT_FOUND") as errors:
        await assemble(context, brand="brands/nordlis", brief="tent")
    assert "did you mean brands/nordlys?" in errors[0].message
    async with expect_error(Code.NOT_FOUND, "PRODUCT_NOT_FOUND") as errors:
        await assemble(context, products=[f"{BRAND}/products/stoves"])
    assert f"did you mean {BRAND}/products/stove?" in errors[0].message
    async with expect_error(Code.NOT_FOUND, "PRODUCT_NOT_FOUND") as errors:
        await assemble(context, products=[f"{BRAND}/products/qqq"])
    assert "list the products" in errors[0].message


async def test_a_product_of_another_brand_is_refused_by_its_place(context: Any) -> None:
    await a_brand_with_two_products(context)
    async with expect_error(Code.INVALID_ARGUMENT, "PRODUCT_OF_ANOTHER_BRAND") as errors:
        await assemble(context, products=[f"{BRAND}/products/tent", "brands/other/products/x"])
    assert errors[0].violations[0].field == "products[1]"


@pytest.mark.parametrize("brief", ["", " \n"])
async def test_without_product_and_brief_there_is_nothing_to_write_about(context: Any, brief: str) -> None:
    await context.brand()
    async with expect_error(Code.INVALID_ARGUMENT, "BRIEF_REQUIRED"):
        await assemble(context, brief=brief)


async def test_another_tenants_brand_is_not_there(context: Any) -> None:
    await a_brand_with_two_products(context)
    async with expect_error(Code.NOT_FOUND, "BRAND_NOT_FOUND"):
        await assemble(context.as_("other"), brief="tent")
