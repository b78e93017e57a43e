import asyncio
from pathlib import Path

import grpc
import pytest

from adwright.evaluator.v1.evaluator_service_pb2 import EvaluateTextRequest
from adwright.type.v1.ad_pb2 import AdField
from adwright_client import AsyncClient
from adwright_client.testing import FakeGateway
from adwright_servicekit import errors
from adwright_servicekit.errors import AdwrightError, InvalidInput, NotFound, Unauthenticated
from adwright_servicekit.testing import RecordedTelemetry


async def test_lists_go_through_all_pages(client: AsyncClient) -> None:
    assert [brand.name async for brand in client.brands.list()] == [
        "brands/ciclobruma",
        "brands/kesselfink",
        "brands/nordlys",
    ]
    assert [product.display_name async for product in client.products.list("nordlys")] == [
        "Aurora Trail 2",
        "Aurora Trail 3",
    ]
    assert [exemplar.rating async for exemplar in client.exemplars.list("brands/nordlys")] == [5]
    assert len([found async for found in client.list_formats()]) == 3


async def test_short_ids_and_full_names_both_work(client: AsyncClient) -> None:
    full = "brands/nordlys/products/aurora-trail-2"
    assert (await client.brands.get("nordlys")) == (await client.brands.get("brands/nordlys"))
    assert (await client.products.get("aurora-trail-2", "nordlys")).name == full
    assert (await client.products.get(full)).name == full
    assert (await client.exemplars.get("plain-en", "nordlys")).format == "formats/plain"


async def test_names_that_cannot_be_are_bad_input_before_anything_is_asked(
    client: AsyncClient, gateway: FakeGateway
) -> None:
    with pytest.raises(InvalidInput, match="is short: say which brand"):
        await client.products.get("aurora-trail-2")
    with pytest.raises(InvalidInput, match="does not belong to brands/kesselfink"):
        await client.products.get("brands/nordlys/products/aurora-trail-2", "kesselfink")
    with pytest.raises(InvalidInput, match="is no name"):
        await client.brands.get("Nordlys!")
    assert gateway.requests == []


async def test_what_is_deleted_is_gone(client: AsyncClient) -> None:
    with pytest.raises(errors.FailedPrecondition, match="has products"):
        await client.brands.delete("nordlys")
    await client.exemplars.delete("plain-en", "nordlys")
    await client.brands.delete("nordlys", force=True)
    with pytest.raises(NotFound, match="there is no brands/nordlys"):
        await client.brands.get("nordlys")


async def test_evaluate_looks_up_the_brand_and_products_it_is_given_names_of(
    client: AsyncClient, gateway: FakeGateway
) -> None:
    verdict = await client.evaluate(
        {"headlines[0]": "Light"},
        format="google-rsa",
        language="en",
        brand="nordlys",
        products=["aurora-trail-2", gateway.products[1]],
        scorers=["facts"],
        brief="weight",
    )
    assert verdict == gateway.verdict
    assert gateway.requests[-1] == EvaluateTextRequest(
        fields=[AdField(path="headlines[0]", text="Light")],
        format="formats/google-rsa",
        language="en",
        brand=gateway.brands[2],
        products=gateway.products,
        scorers=["facts"],
        brief="weight",
    )


async def test_evaluate_takes_one_text_alone(client: AsyncClient, gateway: FakeGateway) -> None:
    await client.evaluate("Light as a feather")
    assert gateway.requests == [EvaluateTextRequest(fields=[AdField(path="text", text="Light as a feather")])]


ALL = [
    errors.InvalidInput.of("brief", "say more", reason="BRIEF_MISSING"),
    errors.Unauthenticated("who are you", reason="API_KEY_REVOKED"),
    errors.PermissionDenied("not yours"),
    errors.NotFound("nowhere"),
    errors.AlreadyExists("taken"),
    errors.FailedPrecondition("not yet"),
    errors.Conflict("changed since"),
    errors.ResourceExhausted("busy", reason="QUEUE_FULL", retry_after=1.5),
    errors.DeadlineTooShort("more time"),
    errors.Unavailable("gone", reason="BACKEND_DOWN"),
    errors.Internal("broken"),
]


@pytest.mark.parametrize("sent", ALL, ids=lambda error: type(error).__name__)
async def test_every_error_arrives_as_the_one_that_was_sent(
    client: AsyncClient, gateway: FakeGateway, sent: AdwrightError
) -> None:
    gateway.error = sent
    for call in (client.brands.get("nordlys"), client.generate("nordlys", "plain").completed()):
        with pytest.raises(type(sent)) as caught:
            await call
        received = caught.value
        assert type(received) is type(sent)
        assert (received.message, received.reason) == (sent.message, sent.reason)
        assert (received.violations, received.retry_after) == (sent.violations, sent.retry_after)


async def test_an_address_where_nobody_listens_is_unavailable_and_says_what_to_do() -> None:
    async with AsyncClient("127.0.0.1:1", "adw_test", timeout=10) as client:
        for call in (client.brands.get("nordlys"), client.generate("nordlys", "plain").completed()):
            with pytest.raises(errors.Unavailable) as caught:
                await call
            assert caught.value.message == "cannot reach 127.0.0.1:1: is the gateway running? (make up)"
            assert caught.value.reason == "GATEWAY_UNREACHABLE"


async def test_an_address_where_something_else_listens_cannot_be_reached_either() -> None:
    async def web(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(web, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, AsyncClient(f"127.0.0.1:{port}", "adw_test", timeout=10) as client:
        with pytest.raises(errors.Unavailable, match="cannot reach"):
            await client.generate("nordlys", "plain").completed()


async def test_a_listener_that_says_nothing_runs_into_the_deadline() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, AsyncClient(f"127.0.0.1:{port}", "adw_test", timeout=0.5) as client:
        with pytest.raises(errors.DeadlineTooShort, match=r"not done within 0\.5 s: give .* longer timeout"):
            await client.generate("nordlys", "plain").completed()


async def test_a_slow_gateway_runs_into_the_deadline_of_the_call(client: AsyncClient, gateway: FakeGateway) -> None:
    gateway.script = [30.0]
    with pytest.raises(errors.DeadlineTooShort, match="longer timeout"):
        await client.generate("nordlys", "plain", timeout=0.4).completed()
    await asyncio.wait_for(gateway.cancelled.wait(), 5)


async def test_a_message_too_large_to_be_sent_says_so(client: AsyncClient) -> None:
    with pytest.raises(errors.ResourceExhausted, match="too large") as caught:
        await client.evaluate("x" * 9_000_000)
    assert caught.value.reason == "MESSAGE_TOO_LARGE"


async def test_a_server_that_is_no_gateway_says_so() -> None:
    server = grpc.aio.server()
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with AsyncClient(f"127.0.0.1:{port}", "adw_test", timeout=10) as client:
        with pytest.raises(errors.Internal, match="is it an adwright gateway") as caught:
            await client.brands.get("nordlys")
    assert caught.value.reason == "UNIMPLEMENTED"
    await server.stop(None)


async def test_keys_that_cannot_be_keys_are_refused_without_a_call(gateway: FakeGateway) -> None:
    for key, reason in (("", "API_KEY_MISSING"), (" \n", "API_KEY_MISSING"), ("schlüssel", "API_KEY_MALFORMED")):
        with pytest.raises(Unauthenticated) as caught:
            AsyncClient(gateway.address, key)
        assert caught.value.reason == reason
    async with AsyncClient(gateway.address, "adw_other") as stranger:
        with pytest.raises(Unauthenticated, match="not known"):
            await stranger.brands.get("nordlys")


async def test_a_key_read_from_a_file_may_end_in_a_newline(gateway: FakeGateway) -> None:
    async with AsyncClient(gateway.address, f"{gateway.api_key}\n") as client:
        await client.brands.get("nordlys")


async def test_the_environment_says_where_the_gateway_is(gateway: FakeGateway, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text(gateway.api_key)
    environ = {"ADWRIGHT_GATEWAY_TARGET": gateway.address, "ADWRIGHT_API_KEY_FILE": str(key)}
    async with AsyncClient.from_environ(environ) as client:
        assert (await client.brands.get("nordlys")).display_name == "Nordlys"


async def test_calls_made_under_one_span_are_one_trace(gateway: FakeGateway) -> None:
    telemetry = RecordedTelemetry("client")
    async with AsyncClient(gateway.address, gateway.api_key, telemetry=telemetry) as client:
        with telemetry.tracer.start_as_current_span("outer"):
            await client.generate("nordlys", "plain").completed()
            await client.evaluate("Light", brand="nordlys")
    assert len(gateway.traces) == 3
    assert len({*gateway.traces}) == 1
