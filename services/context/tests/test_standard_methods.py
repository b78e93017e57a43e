"""Create, get, list, update and delete, of all three kinds, as a client sees them."""

import asyncio
from typing import Any

import grpc
import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from google.type import money_pb2

from adwright.context.v1 import context_service_pb2 as pb
from adwright.context.v1 import resources_pb2
from adwright.type.v1 import ad_pb2
from adwright_context import layout
from adwright_context.kinds import BRAND, Name
from adwright_servicekit.errors import InvalidInput
from adwright_servicekit.testing import expect_error

pytestmark = pytest.mark.asyncio

ON_EVERY_STORE = True

Code = grpc.StatusCode
KINDS = ["Brand", "Product", "Exemplar"]


async def make(context: Any, kind: str) -> Any:
    """One resource of `kind`, in the brand nordlys where it is not the brand itself."""
    brand = await context.brand()
    return brand if kind == "Brand" else await getattr(context, kind.lower())()


def updating(kind: str, resource: Any, *paths: str, **more: Any) -> Any:
    request = getattr(pb, f"Update{kind}Request")
    return request(**{kind.lower(): resource}, update_mask=FieldMask(paths=paths), **more)


@pytest.mark.parametrize("kind", KINDS)
async def test_what_was_created_is_read_listed_and_deleted(context: Any, kind: str) -> None:
    made = await make(context, kind)
    assert made.etag
    assert made.create_time.ToDatetime() == made.update_time.ToDatetime()
    get = getattr(pb, f"Get{kind}Request")(name=made.name)
    assert await context(f"Get{kind}", get) == made
    place = {} if kind == "Brand" else {"parent": "brands/nordlys"}
    listing = await context(f"List{kind}s", getattr(pb, f"List{kind}sRequest")(**place))
    assert list(getattr(listing, f"{kind.lower()}s")) == [made]
    await context(f"Delete{kind}", getattr(pb, f"Delete{kind}Request")(name=made.name))
    listing = await context(f"List{kind}s", getattr(pb, f"List{kind}sRequest")(**place))
    assert not getattr(listing, f"{kind.lower()}s")


@pytest.mark.parametrize("kind", KINDS)
async def test_another_tenant_sees_nothing_and_may_use_the_same_names(context: Any, kind: str) -> None:
    made = await make(context, kind)
    stranger = context.as_("other")
    get = getattr(pb, f"Get{kind}Request")(name=made.name)
    async with expect_error(Code.NOT_FOUND, "BRAND_NOT_FOUND") as errors:
        await stranger(f"Get{kind}", get)
    assert "suggestion" not in errors[0].metadata
    assert (await make(stranger, kind)).name == made.name
    await stranger(f"Delete{kind}", getattr(pb, f"Delete{kind}Request")(name=made.name))
    assert await context(f"Get{kind}", get) == made


async def test_a_tenant_named_like_a_key_does_not_reach_into_another(context: Any) -> None:
    await context.brand()
    await context.product()
    for name in ("demo#brand#nordlys", "demo#brands", "demo%23brands"):
        listing = await context.as_(name)("ListBrands", pb.ListBrandsRequest())
        assert not listing.brands


async def test_a_call_without_a_tenant_is_refused(context: Any) -> None:
    async with expect_error(Code.UNAUTHENTICATED, "TENANT_MISSING"):
        await context.stub.ListBrands(pb.ListBrandsRequest())


@pytest.mark.parametrize("kind", KINDS)
async def test_a_name_that_is_taken_is_refused(context: Any, kind: str) -> None:
    await make(context, kind)
    async with expect_error(Code.ALREADY_EXISTS, f"{kind.upper()}_ALREADY_EXISTS"):
        await getattr(context, kind.lower())()


async def test_a_product_needs_its_brand_and_the_error_names_the_nearest(context: Any) -> None:
    await context.brand()
    async with expect_error(Code.NOT_FOUND, "BRAND_NOT_FOUND") as errors:
        await context.product(parent="brands/nordlis")
    assert "did you mean brands/nordlys?" in errors[0].message
    assert errors[0].metadata["suggestion"] == "brands/nordlys"


async def test_validate_only_checks_everything_and_writes_nothing(context: Any) -> None:
    request = pb.CreateBrandRequest(
        brand_id="nordlys",
        brand=resources_pb2.Brand(display_name="Nordlys", languages=["en"]),
        validate_only=True,
    )
    assert (await context("CreateBrand", request)).name == "brands/nordlys"
    async with expect_error(Code.NOT_FOUND, "BRAND_NOT_FOUND"):
        await context("GetBrand", pb.GetBrandRequest(name="brands/nordlys"))
    made = await context.brand()
    async with expect_error(Code.ALREADY_EXISTS, "BRAND_ALREADY_EXISTS"):
        await context("CreateBrand", request)
    made.voice = "loud"
    tried = await context("UpdateBrand", updating("Brand", made, "voice", validate_only=True))
    assert tried.voice == "loud"
    assert (await context("GetBrand", pb.GetBrandRequest(name=made.name))).voice == ""


async def test_pages_are_followed_by_their_tokens_in_the_order_of_names(context: Any) -> None:
    await context.brand()
    wanted = [f"tent-{number:02}" for number in range(60)]
    await asyncio.gather(*(context.product(product_id=i) for i in reversed(wanted)))
    first = await context("ListProducts", pb.ListProductsRequest(parent="brands/nordlys"))
    assert len(first.products) == 50
    rest = await context(
        "ListProducts",
        pb.ListProductsRequest(parent="brands/nordlys", page_size=7, page_token=first.next_page_token),
    )
    found = [p.name.rpartition("/")[2] for p in (*first.products, *rest.products)]
    assert found == wanted[:57]
    async with expect_error(Code.INVALID_ARGUMENT, "PAGE_TOKEN_INVALID"):
        await context(
            "ListExemplars",
            pb.ListExemplarsRequest(parent="brands/nordlys", page_token=first.next_page_token),
        )
    async with expect_error(Code.NOT_FOUND, "BRAND_NOT_FOUND"):
        await context("ListProducts", pb.ListProductsRequest(parent="brands/nobody"))
    # The same list of another tenant, who has a brand of that name too.
    other = context.as_("other")
    await other.brand()
    async with expect_error(Code.INVALID_ARGUMENT, "PAGE_TOKEN_INVALID"):
        await other("ListProducts", pb.ListProductsRequest(parent="brands/nordlys", page_token=first.next_page_token))


async def test_an_update_changes_what_the_mask_names_and_nothing_else(context: Any) -> None:
    await context.brand()
    made = await context.product(description="A tent.", category="tent")
    context.clock.advance(60)
    wanted = resources_pb2.Product(name=made.name, display_name="Aurora 2", category="shelter", price=made.price)
    changed = await context("UpdateProduct", updating("Product", wanted, "category", "description"))
    assert (changed.display_name, changed.category, changed.description) == (
        "Aurora",
        "shelter",
        "",
    )
    assert changed.etag != made.etag
    assert changed.create_time == made.create_time
    assert changed.update_time.seconds == made.update_time.seconds + 60


async def test_an_empty_mask_changes_what_is_set_and_a_star_everything(context: Any) -> None:
    await context.brand()
    made = await context.product(description="A tent.")
    wanted = resources_pb2.Product(name=made.name, display_name="Aurora 2")
    merged = await context("UpdateProduct", updating("Product", wanted))
    assert (merged.display_name, merged.description) == ("Aurora 2", "A tent.")
    replaced = await context("UpdateProduct", updating("Product", wanted, "*"))
    assert (replaced.display_name, replaced.description, replaced.HasField("price")) == (
        "Aurora 2",
        "",
        False,
    )


async def test_a_mask_reaches_into_messages_and_maps(context: Any) -> None:
    await context.brand()
    texts = {tag: resources_pb2.LocalizedText(description=tag, display_name=tag) for tag in ("de", "sv")}
    made = await context.product(localizations=texts)
    made.localizations["sv"].description = "nytt"
    made.localizations["de"].description = "neu"
    made.price.units = 300
    paths = ("localizations.sv.description", "price.units")
    changed = await context("UpdateProduct", updating("Product", made, *paths))
    assert changed.localizations["sv"].description == "nytt"
    assert changed.localizations["de"].description == "de"
    assert (changed.price.units, changed.price.currency_code) == (300, "EUR")
    made.etag = changed.etag
    del made.localizations["de"]
    changed = await context("UpdateProduct", updating("Product", made, "localizations.de"))
    assert list(changed.localizations) == ["sv"]


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("pricce", "price"),
        ("price.unit", "units"),
        ("features.0", "replaced as a whole"),
        ("create_time", "set by the service"),
        ("name", "never change"),
        ("etag", "send the etag in the resource"),
    ],
)
async def test_a_path_that_cannot_be_masked_is_named_with_those_that_can(context: Any, path: str, words: str) -> None:
    await context.brand()
    made = await context.product()
    async with expect_error(Code.INVALID_ARGUMENT, "UPDATE_MASK_INVALID") as errors:
        await context("UpdateProduct", updating("Product", made, path))
    assert path in errors[0].message
    assert words in errors[0].message
    assert errors[0].violations[0].field == "update_mask"


@pytest.mark.parametrize("kind", KINDS)
async def test_a_stale_etag_is_a_conflict_that_carries_the_present_one(context: Any, kind: str) -> None:
    made = await make(context, kind)
    field, value = {
        "Brand": ("voice", "loud"),
        "Product": ("category", "x"),
        "Exemplar": ("brief", "y"),
    }[kind]
    fresh = type(made)()
    fresh.CopyFrom(made)
    setattr(fresh, field, value)
    changed = await context(f"Update{kind}", updating(kind, fresh, field))
    async with expect_error(Code.ABORTED, "ETAG_MISMATCH") as errors:
        await context(f"Update{kind}", updating(kind, made, field))
    assert errors[0].metadata["etag"] == changed.etag
    delete = getattr(pb, f"Delete{kind}Request")
    async with expect_error(Code.ABORTED, "ETAG_MISMATCH"):
        await context(f"Delete{kind}", delete(name=made.name, etag=made.etag))
    await context(f"Delete{kind}", delete(name=made.name, etag=changed.etag))


async def test_of_writers_with_the_same_etag_one_wins(context: Any) -> None:
    made = await context.brand()

    async def write(voice: str) -> grpc.StatusCode:
        brand = resources_pb2.Brand()
        brand.CopyFrom(made)
        brand.voice = voice
        try:
            await context("UpdateBrand", updating("Brand", brand, "voice"))
        except grpc.aio.AioRpcError as error:
            return error.code()
        return Code.OK

    codes = await asyncio.gather(*(write(f"voice {n}") for n in range(8)))
    assert sorted(code.name for code in codes) == ["ABORTED"] * 7 + ["OK"]


async def test_writers_without_an_etag_that_touch_different_fields_all_win(context: Any) -> None:
    made = await context.brand()
    made.ClearField("etag")
    made.voice, made.style_guide = "calm", "short"
    await asyncio.gather(*(context("UpdateBrand", updating("Brand", made, path)) for path in ("voice", "style_guide")))
    now = await context("GetBrand", pb.GetBrandRequest(name=made.name))
    assert (now.voice, now.style_guide) == ("calm", "short")


async def test_an_update_that_changes_nothing_keeps_etag_and_time(context: Any) -> None:
    made = await context.brand()
    context.clock.advance(60)
    assert await context("UpdateBrand", updating("Brand", made)) == made


async def test_a_brand_that_is_not_empty_goes_only_by_force(context: Any) -> None:
    await context.brand()
    await context.exemplar()
    await asyncio.gather(*(context.product(product_id=f"p{n}") for n in range(120)))
    delete = pb.DeleteBrandRequest(name="brands/nordlys")
    async with expect_error(Code.FAILED_PRECONDITION, "BRAND_NOT_EMPTY"):
        await context("DeleteBrand", delete)
    delete.force = True
    await context("DeleteBrand", delete)
    async with expect_error(Code.NOT_FOUND, "BRAND_NOT_FOUND"):
        await context("ListProducts", pb.ListProductsRequest(parent="brands/nordlys"))


@pytest.mark.parametrize(
    ("kind", "fields", "path"),
    [
        ("brand", {"languages": ["en", "qq"]}, "brand.languages[1]"),
        ("brand", {"languages": ["en-XQ"]}, "brand.languages[0]"),
        ("brand", {"languages": ["en", "EN"]}, "brand.languages[1]"),
        ("product", {"price": money_pb2.Money(units=1)}, "product.price.currency_code"),
        ("product", {"price": money_pb2.Money(currency_code="EUX")}, "product.price.currency_code"),
        (
            "product",
            {"price": money_pb2.Money(currency_code="EUR", units=1, nanos=-1)},
            "product.price.nanos",
        ),
        ("product", {"price": money_pb2.Money(currency_code="EUR", units=-1)}, "product.price"),
        (
            "product",
            {"localizations": {"qq": resources_pb2.LocalizedText()}},
            "product.localizations",
        ),
        ("exemplar", {"product": "brands/other/products/tent"}, "exemplar.product"),
        ("exemplar", {"language": "qq"}, "exemplar.language"),
        (
            "exemplar",
            {"fields": [ad_pb2.AdField(path="text", text=" ")]},
            "exemplar.fields[0].text",
        ),
        (
            "exemplar",
            {"fields": [ad_pb2.AdField(path="text", text="a")] * 2},
            "exemplar.fields[0].path",
        ),
    ],
)
async def test_what_no_rule_of_the_protos_catches_is_refused_by_field(
    context: Any, kind: str, fields: dict[str, Any], path: str
) -> None:
    if kind != "brand":
        await context.brand()
    async with expect_error(Code.INVALID_ARGUMENT, f"{kind.upper()}_INVALID") as errors:
        await getattr(context, kind)(**fields)
    assert errors[0].violations[0].field == path
    assert len(errors[0].violations[0].description) > 10


@pytest.mark.parametrize("brand_id", ["", "Nordlys", "-x", "a" * 64, "a/b", "ä"])
async def test_an_id_of_another_shape_is_refused(context: Any, brand_id: str) -> None:
    async with expect_error(Code.INVALID_ARGUMENT, "INVALID_INPUT") as errors:
        await context.brand(brand_id)
    assert errors[0].violations[0].field == "brand_id"


async def test_a_resource_too_large_to_keep_is_refused_in_words(context: Any) -> None:
    await context.brand()
    text = resources_pb2.LocalizedText(features=["x" * 100_000] * 5)
    async with expect_error(Code.INVALID_ARGUMENT, "RESOURCE_TOO_LARGE") as errors:
        await context.product(localizations={"sv": text})
    assert errors[0].metadata["limit"] == str(400 * 1024)
    assert errors[0].metadata["limit"] in errors[0].message


async def test_a_text_too_long_is_refused_by_its_field_and_its_limit(context: Any) -> None:
    await context.brand()
    async with expect_error(Code.INVALID_ARGUMENT, "INVALID_INPUT") as errors:
        await context.product(description="x" * 5001)
    assert errors[0].message == "product.description: must be at most 5000 characters"


async def test_lengths_that_a_client_sends_with_an_exemplar_are_not_kept(context: Any) -> None:
    await context.brand()
    field = ad_pb2.AdField(path="text", text="Light.", length=99, max_length=1)
    made = await context.exemplar(fields=[field])
    assert (made.fields[0].length, made.fields[0].max_length) == (0, 0)


async def test_a_partial_update_is_held_to_the_rules_as_merged(context: Any) -> None:
    made = await context.brand()
    catalog, name = context.catalog, Name.parse(BRAND, made.name)
    changed = await catalog.update("demo", name, {"voice": "calm"}, paths=["voice"])
    assert changed.content["display_name"] == "Nordlys"
    with pytest.raises(InvalidInput) as caught:
        await catalog.update("demo", name, {}, paths=["display_name"])
    assert caught.value.violations[0].field == "brand.display_name"


async def test_a_client_sends_only_the_fields_that_it_changes(context: Any) -> None:
    made = await context.brand()
    part = resources_pb2.Brand(name=made.name, voice="calm")
    changed = await context("UpdateBrand", updating("Brand", part, "voice"))
    assert (changed.display_name, changed.voice) == ("Nordlys", "calm")


async def test_what_a_broken_off_deletion_left_is_not_in_a_brand_created_anew(context: Any) -> None:
    await context.brand()
    await context.product()
    # The brand alone is gone, as when a product was created while its brand was being deleted.
    await context.catalog.store.delete(layout.key_of("demo", Name.of_brand("nordlys")))
    await context.brand()
    listing = await context("ListProducts", pb.ListProductsRequest(parent="brands/nordlys"))
    assert not listing.products
