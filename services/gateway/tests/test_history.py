"""What is kept of generations, and what people say of them."""

import asyncio
from collections.abc import Awaitable, Callable

import grpc
import pytest
from behind import AD, AUTHORIZED, KEY, Edge

from adwright.gateway.v1 import ad_service_pb2, key_service_pb2, key_service_pb2_grpc
from adwright.gateway.v1 import generation_service_pb2 as pb
from adwright.gateway.v1 import generation_service_pb2_grpc as pb_grpc
from adwright.type.v1 import ad_event_pb2, ad_pb2
from adwright_servicekit.errors import Unavailable
from adwright_servicekit.testing import expect_error

ON_EVERY_STORE = True

State = pb.Generation.State


@pytest.fixture
def history(edge: Edge) -> pb_grpc.GenerationServiceStub:
    ad = ad_pb2.Ad(
        valid=True,
        fields=[
            ad_pb2.AdField(path="headlines[0]", text="Light ❄", length=7, max_length=30),
            ad_pb2.AdField(path="headlines[1]", text="Dry feet"),
        ],
    )
    started = ad_event_pb2.AdStarted(
        format="formats/google-rsa",
        language="en",
        backend="tgi",
        model="llama",
        products=["brands/nordlys/products/aurora-trail-2"],
    )
    completed = ad_event_pb2.AdCompleted(
        ads=[ad], trace_id="a" * 32, usage=ad_event_pb2.Usage(input_tokens=70, output_tokens=12)
    )
    edge.generator.events = [
        ad_event_pb2.AdEvent(started=started),
        ad_event_pb2.AdEvent(delta=ad_event_pb2.AdDelta(path="headlines[0]", text="Light ❄")),
        ad_event_pb2.AdEvent(completed=completed),
    ]
    return pb_grpc.GenerationServiceStub(edge.channel)


async def generate(edge: Edge, **wishes: object) -> str:
    request = ad_service_pb2.GenerateAdRequest()
    request.CopyFrom(AD)
    request.MergeFrom(ad_service_pb2.GenerateAdRequest(**wishes))
    events = [event async for event in edge.ads.GenerateAd(request, metadata=AUTHORIZED)]
    return str(events[0].started.generation)


async def listed(history: pb_grpc.GenerationServiceStub, **how: object) -> list[pb.Generation]:
    response = await history.ListGenerations(pb.ListGenerationsRequest(**how), metadata=AUTHORIZED)
    return list(response.generations)


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(5):
        while not await condition():  # noqa: ASYNC110 - it is on the other side of a socket
            await asyncio.sleep(0.01)


async def test_a_generation_is_there_when_its_stream_ends(edge: Edge, history: pb_grpc.GenerationServiceStub) -> None:
    name = await generate(edge, brief="light", tone="dry")
    kept = await history.GetGeneration(pb.GetGenerationRequest(name=name), metadata=AUTHORIZED)
    assert (kept.name, kept.state) == (name, pb.Generation.STATE_COMPLETED)
    assert (kept.request.brand, kept.request.brief, kept.request.tone) == ("brands/nordlys", "light", "dry")
    assert list(kept.request.products) == ["brands/nordlys/products/aurora-trail-2"]
    assert (kept.started.backend, kept.completed.usage.output_tokens) == ("tgi", 12)
    assert kept.completed.ads[0].fields[0].text == "Light ❄"
    assert kept.key.startswith("keys/")
    kept_for = kept.expire_time.ToDatetime() - kept.create_time.ToDatetime()
    assert kept_for.days == 30


async def test_one_that_failed_and_one_that_was_left_are_kept_too(
    edge: Edge, history: pb_grpc.GenerationServiceStub
) -> None:
    edge.generator.pause = 0.2
    call = edge.ads.GenerateAd(AD, metadata=AUTHORIZED)
    await call.read()
    call.cancel()

    async def cancelled() -> bool:
        return [each.state for each in await listed(history)] == [pb.Generation.STATE_CANCELLED]

    await until(cancelled)
    edge.generator.pause = 0
    edge.generator.events.pop()
    edge.generator.fails = Unavailable("gone", reason="BACKENDS_UNAVAILABLE")
    async with expect_error(grpc.StatusCode.UNAVAILABLE, "BACKENDS_UNAVAILABLE"):
        await generate(edge)

    async def failed() -> bool:
        return [each.state for each in await listed(history)][:1] == [pb.Generation.STATE_FAILED]

    await until(failed)
    assert (await listed(history))[0].error.message == "gone"


async def test_the_newest_come_first_page_by_page_and_filtered(
    edge: Edge, history: pb_grpc.GenerationServiceStub
) -> None:
    names = []
    for number in range(5):
        names.append(await generate(edge, brief=f"brief {number}"))
        await asyncio.sleep(0.002)
    assert [each.name for each in await listed(history)] == names[::-1]
    first = await history.ListGenerations(pb.ListGenerationsRequest(page_size=3), metadata=AUTHORIZED)
    rest = await history.ListGenerations(
        pb.ListGenerationsRequest(page_size=3, page_token=first.next_page_token), metadata=AUTHORIZED
    )
    assert [each.name for each in [*first.generations, *rest.generations]] == names[::-1]
    found = await listed(history, filter='brief = "brief 3" AND backend = tgi AND output_tokens > 11 AND valid = true')
    assert [each.name for each in found] == [names[3]]
    assert await listed(history, filter='create_time < "2020-01-01T00:00:00Z"') == []
    async with expect_error(grpc.StatusCode.INVALID_ARGUMENT, "FILTER_INVALID"):
        await listed(history, filter="brnad = x")


async def test_an_ad_is_rated_corrected_and_becomes_an_exemplar(
    edge: Edge, history: pb_grpc.GenerationServiceStub
) -> None:
    name = await generate(edge, brief="light")
    correction = ad_pb2.AdField(path="headlines[1]", text="Dry feet, always")
    review = pb.Review(rating=4, comment="nearly", corrections=[correction], reviewer="Ida")
    said = await history.ReviewGeneration(pb.ReviewGenerationRequest(name=name, review=review), metadata=AUTHORIZED)
    assert (said.reviews[0].rating, said.reviews[0].reviewer) == (4, "Ida")
    assert said.reviews[0].update_time.seconds
    assert [each.name for each in await listed(history, filter="rating >= 4 AND corrected = true")] == [name]

    made = await history.PromoteGeneration(pb.PromoteGenerationRequest(name=name), metadata=AUTHORIZED)
    assert edge.context.exemplars == [made]
    assert [field.text for field in made.fields] == ["Light ❄", "Dry feet, always"]
    assert (made.format, made.language, made.rating, made.brief) == ("formats/google-rsa", "en", 4, "light")
    assert made.product == "brands/nordlys/products/aurora-trail-2"
    kept = await history.GetGeneration(pb.GetGenerationRequest(name=name), metadata=AUTHORIZED)
    assert kept.reviews[0].exemplar == made.name

    # Said again, it replaces what was said, and not what became of it.
    again = pb.ReviewGenerationRequest(name=name, review=pb.Review(rating=5))
    said = await history.ReviewGeneration(again, metadata=AUTHORIZED)
    assert (len(said.reviews), said.reviews[0].rating, said.reviews[0].exemplar) == (1, 5, made.name)


@pytest.mark.parametrize(
    ("review", "field"),
    [
        (pb.Review(variant=3), "review.variant"),
        (pb.Review(rating=9), "review.rating"),
        (pb.Review(corrections=[ad_pb2.AdField(path="titles[0]", text="x")]), "review.corrections[0].path"),
    ],
)
async def test_what_cannot_be_said_of_an_ad(
    edge: Edge, history: pb_grpc.GenerationServiceStub, review: pb.Review, field: str
) -> None:
    name = await generate(edge)
    async with expect_error(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_INPUT") as caught:
        await history.ReviewGeneration(pb.ReviewGenerationRequest(name=name, review=review), metadata=AUTHORIZED)
    assert caught[0].violations[0].field == field


async def test_what_is_erased_is_gone(edge: Edge, history: pb_grpc.GenerationServiceStub) -> None:
    one, two, three = [await generate(edge, brief=brief) for brief in ("a", "b", "b")]
    await history.DeleteGeneration(pb.DeleteGenerationRequest(name=one), metadata=AUTHORIZED)
    async with expect_error(grpc.StatusCode.NOT_FOUND, "GENERATION_NOT_FOUND"):
        await history.GetGeneration(pb.GetGenerationRequest(name=one), metadata=AUTHORIZED)
    would = await history.PurgeGenerations(pb.PurgeGenerationsRequest(filter="brief = b"), metadata=AUTHORIZED)
    assert (would.purge_count, len(await listed(history))) == (2, 2)
    did = await history.PurgeGenerations(pb.PurgeGenerationsRequest(filter="*", force=True), metadata=AUTHORIZED)
    assert (did.purge_count, await listed(history)) == (2, [])
    assert two != three


async def test_a_key_that_may_only_read_changes_nothing(edge: Edge, history: pb_grpc.GenerationServiceStub) -> None:
    name = await generate(edge)
    made = await key_service_pb2_grpc.KeyServiceStub(edge.channel).CreateKey(
        key_service_pb2.CreateKeyRequest(key=key_service_pb2.Key(scopes=["read"])), metadata=AUTHORIZED
    )
    reader = (("authorization", f"Bearer {made.secret}"),)
    assert made.secret != KEY
    await history.GetGeneration(pb.GetGenerationRequest(name=name), metadata=reader)
    async with expect_error(grpc.StatusCode.PERMISSION_DENIED, "SCOPE_MISSING"):
        await history.DeleteGeneration(pb.DeleteGenerationRequest(name=name), metadata=reader)
