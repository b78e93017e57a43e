"""The gateway through its public door, with small services behind it that say what they were asked."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from behind import AD, AUTHORIZED, KEY, Edge
from google.longrunning import operations_pb2

from adwright.context.v1 import context_service_pb2 as context_pb
from adwright.evaluator.v1 import evaluator_service_pb2, evaluator_service_pb2_grpc
from adwright.gateway.v1 import ad_service_pb2 as pb
from adwright.gateway.v1 import ad_service_pb2_grpc as pb_grpc
from adwright.gateway.v1 import generation_service_pb2, key_service_pb2, quota_service_pb2
from adwright.generator.v1 import generator_service_pb2 as generator_pb
from adwright.type.v1 import priority_pb2
from adwright_gateway.app import open_gateway
from adwright_gateway.scopes import scope_of
from adwright_gateway.settings import Settings
from adwright_servicekit.call import TENANT_METADATA
from adwright_servicekit.channel import open_channel
from adwright_servicekit.telemetry import Telemetry
from adwright_servicekit.testing import RecordedTelemetry, expect_error


async def test_events_reach_the_caller_as_the_generator_sent_them(edge: Edge) -> None:
    events = [event async for event in edge.ads.GenerateAd(AD, metadata=AUTHORIZED)]
    assert events == edge.generator.events


async def test_short_names_are_completed_and_the_tenant_is_the_keys(edge: Edge) -> None:
    metadata = (*AUTHORIZED, (TENANT_METADATA, "somebody-else"))
    [_ async for _ in edge.ads.GenerateAd(AD, metadata=metadata)]
    [(tenant, asked)] = edge.context.asked
    assert tenant == "demo"
    assert asked.brand == "brands/nordlys"
    assert list(asked.products) == ["brands/nordlys/products/aurora-trail-2"]
    assert edge.generator.asked[0].format == "formats/google-rsa"
    assert edge.generator.asked[0].context.brand.display_name == "Nordlys"


async def test_what_is_asked_of_the_generator_is_asked_of_it(edge: Edge) -> None:
    wishes = {
        "brief": "light",
        "audience": "hikers",
        "tone": "dry",
        "variant_count": 2,
        "field_counts": {"headlines": 4},
        "prompt_version": "ad/v1",
        "backend": "tgi",
        "adapter": "nordlys-voice",
        "priority": priority_pb2.PRIORITY_BATCH,
        "seed": 0,
        "max_repairs": 0,
    }
    async for _ in edge.ads.GenerateAd(
        pb.GenerateAdRequest(brand="nordlys", format="push", **wishes), metadata=AUTHORIZED
    ):
        pass
    [asked] = edge.generator.asked
    assert {name: getattr(asked, name) for name in wishes} == wishes
    assert asked.HasField("seed")
    assert asked.HasField("max_repairs")


@pytest.mark.parametrize(
    ("metadata", "reason"),
    [
        ((), "API_KEY_MISSING"),
        ((("authorization", KEY),), "API_KEY_MISSING"),
        ((("authorization", "Bearer adw_wrong_key_0123456789"),), "API_KEY_INVALID"),
        (((TENANT_METADATA, "demo"),), "API_KEY_MISSING"),
    ],
)
async def test_a_call_without_a_known_key_is_refused(edge: Edge, metadata: Any, reason: str) -> None:
    async with expect_error(grpc.StatusCode.UNAUTHENTICATED, reason):
        [_ async for _ in edge.ads.GenerateAd(AD, metadata=metadata)]
    assert not edge.context.asked


async def test_an_error_behind_keeps_its_code_reason_and_words(edge: Edge) -> None:
    async with expect_error(grpc.StatusCode.NOT_FOUND, "BRAND_NOT_FOUND") as caught:
        request = pb.GenerateAdRequest(brand="nobody", format="plain")
        [_ async for _ in edge.ads.GenerateAd(request, metadata=AUTHORIZED)]
    assert "did you mean brands/nordlys" in caught[0].message


async def test_a_request_that_breaks_the_protos_rules_is_refused_by_field(edge: Edge) -> None:
    async with expect_error(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_INPUT") as caught:
        request = pb.GenerateAdRequest(brand="No Brand!", format="plain", variant_count=99)
        [_ async for _ in edge.ads.GenerateAd(request, metadata=AUTHORIZED)]
    assert [violation.field for violation in caught[0].violations] == ["brand", "variant_count"]


async def test_an_oversized_request_is_refused_with_words(edge: Edge) -> None:
    async with expect_error(grpc.StatusCode.RESOURCE_EXHAUSTED, "REQUEST_TOO_LARGE"):
        request = pb.GenerateAdRequest(brand="nordlys", format="plain", brief="x" * 3_000_000)
        [_ async for _ in edge.ads.GenerateAd(request, metadata=AUTHORIZED)]


async def test_a_stream_that_stops_without_a_result_ends_in_an_error(edge: Edge) -> None:
    edge.generator.events.pop()
    async with expect_error(grpc.StatusCode.INTERNAL, "GENERATION_INCOMPLETE"):
        [_ async for _ in edge.ads.GenerateAd(AD, metadata=AUTHORIZED)]


async def test_a_caller_who_leaves_frees_the_generator(edge: Edge) -> None:
    edge.generator.pause = 5.0
    call = edge.ads.GenerateAd(AD, metadata=AUTHORIZED)
    await anext(aiter(call))
    call.cancel()
    await asyncio.wait_for(edge.generator.closed.wait(), 1.0)


async def test_a_deadline_that_passes_is_told_with_a_remedy(edge: Edge) -> None:
    edge.generator.pause = 5.0
    async with expect_error(grpc.StatusCode.DEADLINE_EXCEEDED, "DEADLINE_TOO_SHORT"):
        [_ async for _ in edge.ads.GenerateAd(AD, metadata=AUTHORIZED, timeout=0.4)]
    await asyncio.wait_for(edge.generator.closed.wait(), 1.0)


async def test_other_services_are_reached_at_the_same_address(edge: Edge) -> None:
    brand = await edge.catalogue.GetBrand(context_pb.GetBrandRequest(name="brands/nordlys"), metadata=AUTHORIZED)
    assert (brand.name, brand.display_name) == ("brands/nordlys", "demo")

    async def parts() -> AsyncIterator[context_pb.ImportProductsRequest]:
        yield context_pb.ImportProductsRequest(config=context_pb.ImportConfig(parent="brands/nordlys", file_format=1))
        for _ in range(3):
            yield context_pb.ImportProductsRequest(data=b"{}\n")

    imported = await edge.catalogue.ImportProducts(parts(), metadata=AUTHORIZED)
    assert imported.imported_count == 4


async def test_a_service_that_is_down_is_named(edge: Edge) -> None:
    stub = evaluator_service_pb2_grpc.EvaluatorServiceStub(edge.channel)
    async with expect_error(grpc.StatusCode.UNAVAILABLE, "EVALUATOR_UNAVAILABLE") as caught:
        await stub.ListScorers(evaluator_service_pb2.ListScorersRequest(), metadata=AUTHORIZED)
    assert caught[0].retry_after


async def test_one_trace_runs_through_all_services(edge: Edge, telemetry: RecordedTelemetry) -> None:
    [_ async for _ in edge.ads.GenerateAd(AD, metadata=AUTHORIZED)]
    spans = {(span.kind.name, span.name): span for span in await telemetry.finished(6)}
    assert len({span.context.trace_id for span in spans.values() if span.context}) == 1

    def parent(kind: str, name: str) -> Any:
        span = spans[kind, name]
        return next((key for key, s in spans.items() if span.parent and s.context.span_id == span.parent.span_id), None)

    ad, assemble, generate = (
        "adwright.gateway.v1.AdService/GenerateAd",
        "adwright.context.v1.ContextService/AssembleContext",
        "adwright.generator.v1.GeneratorService/Generate",
    )
    assert parent("CLIENT", ad) is None
    assert parent("SERVER", ad) == ("CLIENT", ad)
    for behind in (assemble, generate):
        assert parent("CLIENT", behind) == ("SERVER", ad)
        assert parent("SERVER", behind) == ("CLIENT", behind)


async def test_a_bootstrap_key_is_for_an_empty_store_only(tmp_path: Path) -> None:
    for key, opens in ((KEY, True), ("adw_another_key_0123456789", False)):
        environ = {
            "ADWRIGHT_GATEWAY_HTTP_LISTEN": "127.0.0.1:0",
            "ADWRIGHT_GATEWAY_LISTEN": "127.0.0.1:0",
            "ADWRIGHT_GATEWAY_SQLITE_PATH": str(tmp_path / "gateway.db"),
            "ADWRIGHT_GATEWAY_BOOTSTRAP_KEY": key,
            "ADWRIGHT_GENERATOR_TARGET": "127.0.0.1:1",
        }
        telemetry = Telemetry("test")
        async with (
            open_gateway(Settings.load(environ), telemetry) as gateway,
            open_channel(gateway.grpc.address, telemetry) as channel,
        ):
            code, reason = (
                (grpc.StatusCode.UNAVAILABLE, "GENERATOR_UNAVAILABLE")
                if opens
                else (grpc.StatusCode.UNAUTHENTICATED, "API_KEY_INVALID")
            )
            async with expect_error(code, reason):
                await pb_grpc.AdServiceStub(channel).ListFormats(
                    generator_pb.ListFormatsRequest(), metadata=(("authorization", f"Bearer {key}"),)
                )


def test_the_stored_key_cannot_be_read_back(tmp_path: Path) -> None:
    async def make() -> None:
        environ = {
            "ADWRIGHT_GATEWAY_HTTP_LISTEN": "127.0.0.1:0",
            "ADWRIGHT_GATEWAY_LISTEN": "127.0.0.1:0",
            "ADWRIGHT_GATEWAY_SQLITE_PATH": str(tmp_path / "gateway.db"),
            "ADWRIGHT_GATEWAY_BOOTSTRAP_KEY": KEY,
        }
        async with open_gateway(Settings.load(environ), Telemetry("test")):
            pass

    asyncio.run(make())
    for file in tmp_path.iterdir():
        assert KEY.encode() not in file.read_bytes()


def test_every_method_that_is_served_says_which_scope_it_needs() -> None:
    served = {
        f"{service.full_name}/{method.name}": method.name
        for file in (
            pb,
            key_service_pb2,
            generation_service_pb2,
            quota_service_pb2,
            context_pb,
            evaluator_service_pb2,
            operations_pb2,
        )
        for service in file.DESCRIPTOR.services_by_name.values()
        for method in service.methods
    }
    scopes = {method: scope_of(method) for method in served}
    assert set(scopes.values()) == {"generate", "read", "write", "evaluate", "admin"}
    writing = {
        method for method, name in served.items() if re.match("Create|Update|Delete|Undelete|Import|Start", name)
    }
    assert {method for method in writing if scopes[method] not in ("write", "admin")} == set()
