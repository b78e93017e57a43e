import asyncio
import threading
from collections.abc import Awaitable, Callable

import pytest
from client_events import completed, delta, started

from adwright_client import Client
from adwright_client.testing import FakeGateway
from adwright_servicekit.errors import NotFound, Unauthenticated
from adwright_servicekit.testing import RecordedTelemetry

Threaded = Callable[[Callable[[Client], object]], Awaitable[object]]


@pytest.fixture
def threaded(gateway: FakeGateway) -> Threaded:
    """Runs a function of a sync client where no event loop is: in a thread of its own."""

    async def run(work: Callable[[Client], object]) -> object:
        def whole() -> object:
            with Client(gateway.address, gateway.api_key, timeout=10) as client:
                return work(client)

        return await asyncio.to_thread(whole)

    return run


async def test_events_come_from_a_plain_loop(threaded: Threaded, gateway: FakeGateway) -> None:
    def work(client: Client) -> None:
        generation = client.generate("nordlys", "google-rsa", products=["aurora-trail-2"])
        assert list(generation) == gateway.script
        assert generation.view.texts[0, "headlines[0]"] == "Light as a summer night"
        assert generation.completed() == generation.view.completed

    await threaded(work)


async def test_leaving_a_plain_loop_cancels_the_call(threaded: Threaded, gateway: FakeGateway) -> None:
    gateway.script = [started(), delta("text", "Light"), 30.0, completed({})]
    left = threading.Event()

    def work(client: Client) -> None:
        generation = client.generate("nordlys", "google-rsa")
        for event in generation:
            if event.HasField("delta"):
                break
        left.wait(5)
        assert generation.view.texts == {(0, "text"): "Light"}

    working = asyncio.ensure_future(threaded(work))
    await asyncio.wait_for(gateway.cancelled.wait(), 5)
    assert not working.done(), "it is leaving the loop that cancels, not closing the client"
    left.set()
    await working


async def test_the_other_calls_are_those_of_the_async_client(threaded: Threaded, gateway: FakeGateway) -> None:
    def work(client: Client) -> None:
        assert [brand.name for brand in client.brands.list()][-1] == "brands/nordlys"
        assert client.brands.get("nordlys").display_name == "Nordlys"
        assert [product.price.units for product in client.products.list("nordlys")] == [249, 249]
        assert client.exemplars.get("plain-en", "nordlys").rating == 5
        assert client.products.import_file("nordlys", b"", file_format="csv").failed == 0
        assert client.brands.import_file(b"", file_format="csv").failed == 0
        assert len(list(client.list_formats())) == 3
        assert client.evaluate("Light", brand="nordlys") == gateway.verdict
        client.products.delete("aurora-trail-3", "nordlys")
        client.brands.delete("nordlys", force=True)
        with pytest.raises(NotFound):
            client.brands.get("nordlys")

    await threaded(work)


async def test_a_list_that_is_left_early_asks_for_no_more_pages(threaded: Threaded, gateway: FakeGateway) -> None:
    await threaded(lambda client: next(client.brands.list()))
    assert len(gateway.requests) == 1


async def test_threads_may_share_a_client(threaded: Threaded) -> None:
    def work(client: Client) -> None:
        texts: list[object] = []
        threads = [
            threading.Thread(
                target=lambda: texts.append(client.generate("nordlys", "plain").completed().ads[0].fields[0].text)
            )
            for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert texts == ["Light as a summer night"] * 8

    await threaded(work)


async def test_a_key_that_cannot_be_one_leaves_no_thread_behind() -> None:
    before = threading.active_count()
    with pytest.raises(Unauthenticated):
        await asyncio.to_thread(lambda: Client("127.0.0.1:1", ""))
    assert not any(thread.name == "adwright-client" for thread in threading.enumerate()), before


async def test_calls_belong_to_the_span_of_the_thread_that_makes_them(gateway: FakeGateway) -> None:
    telemetry = RecordedTelemetry("client")

    def work() -> None:
        with (
            Client(gateway.address, gateway.api_key, telemetry=telemetry) as client,
            telemetry.tracer.start_as_current_span("outer"),
        ):
            client.brands.get("nordlys")
            client.generate("nordlys", "plain").completed()

    await asyncio.to_thread(work)
    assert len({*gateway.traces}) == 1
