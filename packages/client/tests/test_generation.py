import asyncio
import gc

import pytest
from client_events import completed, delta, restarted, started, withheld

from adwright.gateway.v1.ad_service_pb2 import GenerateAdRequest
from adwright.type.v1.ad_event_pb2 import AdEvent
from adwright_client import AsyncClient
from adwright_client.testing import FakeGateway, Step
from adwright_servicekit.errors import Internal, InvalidInput, ResourceExhausted, Unavailable
from adwright_servicekit.testing import RecordedTelemetry

SLOW: list[Step] = [started(), delta("headlines[0]", "Light"), 30.0, completed({"headlines[0]": "Light"})]


async def test_events_arrive_as_they_were_sent_and_fold_into_the_final_texts(
    client: AsyncClient, gateway: FakeGateway
) -> None:
    generation = client.generate("nordlys", "google-rsa", products=["aurora-trail-2"])
    events = [event async for event in generation]
    assert events == gateway.script
    assert generation.view.texts == {
        (0, "headlines[0]"): "Light as a summer night",
        (0, "headlines[1]"): "Weighs 2 kg",
    }
    assert generation.view.completed == events[-1].completed


async def test_what_is_asked_reaches_the_gateway(client: AsyncClient, gateway: FakeGateway) -> None:
    await client.generate(
        "brands/nordlys",
        "formats/google-rsa",
        products=["aurora-trail-2"],
        language="sv",
        brief="lätt",
        audience="hikers",
        tone="dry",
        variants=2,
        field_counts={"headlines": 4},
        prompt_version="ad/v1",
        backend="embedded",
        seed=0,
        max_repairs=0,
    ).completed()
    assert gateway.requests == [
        GenerateAdRequest(
            brand="brands/nordlys",
            format="formats/google-rsa",
            products=["aurora-trail-2"],
            language="sv",
            brief="lätt",
            audience="hikers",
            tone="dry",
            variant_count=2,
            field_counts={"headlines": 4},
            prompt_version="ad/v1",
            backend="embedded",
            seed=0,
            max_repairs=0,
        )
    ]


async def test_completed_reads_to_the_end(client: AsyncClient) -> None:
    generation = client.generate("nordlys", "google-rsa")
    done = await generation.completed()
    assert done.ads[0].fields[0].text == "Light as a summer night"
    assert await generation.completed() is done, "and may be asked for again"


async def test_an_emoji_split_over_deltas_comes_out_whole(client: AsyncClient, gateway: FakeGateway) -> None:
    family = "👩\u200d👩\u200d👧 🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f"
    gateway.script = [
        started(),
        *(delta("text", point) for point in family),
        completed({"text": family}),
    ]
    generation = client.generate("nordlys", "plain")
    await generation.completed()
    assert generation.view.texts[0, "text"] == family


async def test_an_error_in_mid_stream_is_raised_with_its_reason_after_what_came_before(
    client: AsyncClient, gateway: FakeGateway
) -> None:
    gateway.script = [
        started(),
        delta("headlines[0]", "Light"),
        ResourceExhausted("all backends are busy", reason="QUEUE_FULL", retry_after=2.0),
    ]
    generation = client.generate("nordlys", "google-rsa")
    with pytest.raises(ResourceExhausted, match="all backends are busy") as caught:
        async for _ in generation:
            pass
    assert (caught.value.reason, caught.value.retry_after) == ("QUEUE_FULL", 2.0)
    assert generation.view.texts == {(0, "headlines[0]"): "Light"}


async def test_a_stream_that_ends_without_completed_is_an_error(client: AsyncClient, gateway: FakeGateway) -> None:
    gateway.script = [started(), delta("headlines[0]", "Light")]
    with pytest.raises(Internal, match="before the ad was complete") as caught:
        await client.generate("nordlys", "google-rsa").completed()
    assert caught.value.reason == "STREAM_INCOMPLETE"


async def test_leaving_the_loop_cancels_the_call_although_the_generation_is_kept(
    client: AsyncClient, gateway: FakeGateway
) -> None:
    gateway.script = [*SLOW]
    gc.disable()  # It is leaving that does it, not the garbage collector.
    try:
        generation = client.generate("nordlys", "google-rsa")
        async for event in generation:
            if event.HasField("delta"):
                break
        await asyncio.wait_for(gateway.cancelled.wait(), 5)
    finally:
        gc.enable()
    assert generation.view.texts == {(0, "headlines[0]"): "Light"}


async def test_an_exception_in_the_loop_cancels_the_call(client: AsyncClient, gateway: FakeGateway) -> None:
    gateway.script = [*SLOW]
    with pytest.raises(KeyError):
        async with client.generate("nordlys", "google-rsa") as generation:
            async for _ in generation:
                raise KeyError
    await asyncio.wait_for(gateway.cancelled.wait(), 5)


async def test_a_generation_that_is_cancelled_elsewhere_ends_for_its_reader(
    client: AsyncClient, gateway: FakeGateway
) -> None:
    gateway.script = [*SLOW]
    generation = client.generate("nordlys", "google-rsa")
    asyncio.get_running_loop().call_later(0.2, generation.cancel)
    events = [event async for event in generation]
    assert events == SLOW[:2]
    await asyncio.wait_for(gateway.cancelled.wait(), 5)


async def test_cancelling_the_task_that_reads_cancels_the_call(client: AsyncClient, gateway: FakeGateway) -> None:
    gateway.script = [*SLOW]
    begun = asyncio.Event()

    async def read() -> None:
        async for _ in client.generate("nordlys", "google-rsa"):
            begun.set()

    task = asyncio.create_task(read())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.wait_for(gateway.cancelled.wait(), 5)


async def test_a_generation_is_read_once(client: AsyncClient) -> None:
    generation = client.generate("nordlys", "google-rsa")
    await generation.completed()
    with pytest.raises(RuntimeError, match="read once"):
        aiter(generation)


async def test_a_gateway_that_vanishes_in_mid_stream_is_unavailable(client: AsyncClient, gateway: FakeGateway) -> None:
    gateway.script = [*SLOW]
    generation = client.generate("nordlys", "google-rsa")
    with pytest.raises(Unavailable, match="broke off"):
        async for event in generation:
            if event.HasField("delta"):
                asyncio.get_running_loop().create_task(gateway.stop())


async def test_values_that_no_message_can_hold_are_bad_input(client: AsyncClient) -> None:
    with pytest.raises(InvalidInput, match="cannot be sent"):
        client.generate("nordlys", "google-rsa", seed=-1)
    with pytest.raises(InvalidInput, match="cannot be sent"):
        client.generate("nordlys", "google-rsa", brief="\udcff")


async def test_notices_are_kept_in_the_order_in_which_they_came(client: AsyncClient, gateway: FakeGateway) -> None:
    gateway.script = [started(), withheld("headlines[0]"), restarted(), completed({})]
    generation = client.generate("nordlys", "google-rsa")
    events: list[AdEvent] = [event async for event in generation]
    assert generation.view.notices == [events[1].withheld, events[2].switched]


async def test_a_call_that_is_left_still_ends_its_span(gateway: FakeGateway) -> None:
    gateway.script = [*SLOW]
    telemetry = RecordedTelemetry("client")
    async with AsyncClient(gateway.address, gateway.api_key, telemetry=telemetry) as client:
        async for event in client.generate("nordlys", "google-rsa"):
            if event.HasField("delta"):
                break
    assert [span.name for span in telemetry.spans.get_finished_spans()] == ["adwright.gateway.v1.AdService/GenerateAd"]
