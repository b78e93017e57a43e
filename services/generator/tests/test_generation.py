"""How a generation repairs, guards, routes, counts and ends, seen through a real channel."""

import asyncio
import json
from typing import Any

import grpc
import pytest
from test_contract import hold_contract

from adwright.type.v1 import ad_event_pb2
from adwright_generator.backends.base import BackendFailed, BackendUnavailable, StopReason
from adwright_generator.backends.fake import FakeBackend, FakeConfig, FakeScript
from adwright_servicekit.testing import as_tenant, expect_error

GOOD = {
    "headlines": ["Weighs 1.9 kg", "Pitches in 4 minutes", "Two doors", "Sleep well", "Go light"],
    "descriptions": ["A tent for two that one can carry.", "Up in 4 minutes, whatever the weather."],
}


def said(**changed: Any) -> FakeScript:
    return FakeScript(json.dumps(GOOD | changed, ensure_ascii=False))


def backend(*scripts: FakeScript, **config: Any) -> FakeBackend:
    return FakeBackend(FakeConfig(name="fake", kind="fake", **config), scripts)


async def test_an_ad_that_passes_at_once_is_not_touched(generator: Any, ask: Any) -> None:
    fake = backend(said())
    async with generator(fake) as caller:
        events = await caller.events(ask())
    completed = hold_contract(events)
    assert completed.ads[0].valid
    assert completed.finish_reason == ad_event_pb2.AdCompleted.FINISH_REASON_STOP
    assert completed.usage.model_calls == len(fake.calls) == 1
    assert not any(event.HasField("switched") for event in events)


async def test_a_text_with_an_invented_number_is_written_again_and_the_others_stay(generator: Any, ask: Any) -> None:
    wrong = said(headlines=["Weighs 1.2 kg", *GOOD["headlines"][1:]])
    fake = backend(wrong, FakeScript('{"headlines": ["Light at 1.9 kg"]}'))
    async with generator(fake) as caller:
        events = await caller.events(ask())
    completed = hold_contract(events)
    assert [field.text for field in completed.ads[0].fields][:2] == ["Light at 1.9 kg", "Pitches in 4 minutes"]
    assert completed.ads[0].valid
    [switched] = [event.switched for event in events if event.HasField("switched")]
    assert (switched.reason, switched.resume) == ("repair", ad_event_pb2.AdSwitched.RESUME_RESTARTED)
    schema = fake.requests[1].json_schema
    assert schema is not None
    assert list(schema["properties"]) == ["headlines"]
    assert schema["properties"]["headlines"]["maxItems"] == 1


async def test_repairs_are_bounded_and_what_still_fails_is_not_called_valid(generator: Any, ask: Any) -> None:
    wrong = said(headlines=["Only 99 EUR", *GOOD["headlines"][1:]])
    again = FakeScript('{"headlines": ["Only 99 EUR"]}')
    fake = backend(wrong, again, again, again)
    async with generator(fake) as caller:
        completed = hold_contract(await caller.events(ask(max_repairs=2)))
    assert len(fake.calls) == 3
    assert not completed.ads[0].valid
    assert completed.finish_reason == ad_event_pb2.AdCompleted.FINISH_REASON_CHECKS_FAILED
    assert [check.path for check in completed.checks if check.outcome == check.OUTCOME_FAILED and check.required] == [
        "headlines[0]"
    ]


async def test_a_repair_that_makes_it_worse_is_taken_back(generator: Any, ask: Any) -> None:
    wrong = said(headlines=["Only 99 EUR", *GOOD["headlines"][1:]])
    fake = backend(wrong, FakeScript('{"headlines": []}'))
    async with generator(fake) as caller:
        completed = hold_contract(await caller.events(ask(max_repairs=1)))
    assert completed.ads[0].fields[0].text == "Only 99 EUR"


async def test_output_that_is_not_json_is_repaired(generator: Any, ask: Any) -> None:
    fake = backend(FakeScript("I cannot do that."), said())
    async with generator(fake) as caller:
        completed = hold_contract(await caller.events(ask()))
    assert completed.ads[0].valid
    assert len(fake.calls) == 2


@pytest.mark.parametrize("phrase", ["Not cheap at all", "Better than Fjellhauk", "so CHEAP"])
@pytest.mark.parametrize("size", [1, 3, 1000])
async def test_a_banned_term_never_crosses_the_wire(generator: Any, ask: Any, phrase: str, size: int) -> None:
    text = json.dumps(GOOD | {"headlines": [phrase, *GOOD["headlines"][1:]]})
    fake = backend(FakeScript(text, chunk_bytes=(size,)), FakeScript('{"headlines": ["Sleep outside"]}'))
    async with generator(fake) as caller:
        events = await caller.events(ask())
    completed = hold_contract(events)
    sent = "".join(event.delta.text for event in events if event.HasField("delta")).casefold()
    assert "cheap" not in sent
    assert "fjellhauk" not in sent
    assert [e.withheld.path for e in events if e.HasField("withheld")] == ["headlines[0]"]
    assert completed.ads[0].valid
    assert completed.ads[0].fields[0].text == "Sleep outside"


async def test_usage_is_added_up_over_tries_and_priced(generator: Any, ask: Any) -> None:
    price = {"usd_per_mtok_in": 1_000_000, "usd_per_mtok_out": 2_000_000}
    fake = backend(said(headlines=["Only 99 EUR", *GOOD["headlines"][1:]]), price=price)
    async with generator(fake) as caller:
        completed = hold_contract(await caller.events(ask(max_repairs=1)))
    usage = completed.usage
    assert usage.model_calls == 2
    assert completed.cost.units == usage.input_tokens + 2 * usage.output_tokens
    assert completed.cost.currency_code == "USD"


async def test_usage_is_estimated_when_the_backend_does_not_count(generator: Any, ask: Any) -> None:
    fake = backend(FakeScript("Two doors and a view.", counts=False))
    async with generator(fake) as caller:
        completed = hold_contract(await caller.events(ask("plain")))
    assert completed.usage.estimated
    assert completed.usage.output_tokens > 0


async def test_a_cut_ad_says_so(generator: Any, ask: Any) -> None:
    fake = backend(FakeScript("Two doors and a", finish=StopReason.LENGTH))
    async with generator(fake) as caller:
        completed = hold_contract(await caller.events(ask("plain")))
    assert completed.finish_reason == ad_event_pb2.AdCompleted.FINISH_REASON_LENGTH


@pytest.mark.parametrize(
    ("script", "code", "reason"),
    [
        (FakeScript(fail=BackendUnavailable("gone")), grpc.StatusCode.UNAVAILABLE, "BACKEND_UNAVAILABLE"),
        (FakeScript(fail=BackendFailed("odd"), fail_after=5), grpc.StatusCode.INTERNAL, "BACKEND_FAILED"),
        (FakeScript('{"headlines": ["Go', finish=None), grpc.StatusCode.INTERNAL, "BACKEND_FAILED"),
    ],
)
async def test_a_backend_that_fails_ends_the_stream_in_one_status(
    generator: Any, ask: Any, script: FakeScript, code: grpc.StatusCode, reason: str
) -> None:
    async with generator(backend(script)) as caller, expect_error(code, reason):
        await caller.events(ask())


async def test_a_deadline_frees_a_stalled_backend(generator: Any, ask: Any) -> None:
    fake = backend(FakeScript(stall_after=2))
    async with generator(fake) as caller:
        async with expect_error(grpc.StatusCode.DEADLINE_EXCEEDED, "DEADLINE_TOO_SHORT"):
            [_ async for _ in caller.stub.Generate(ask(), metadata=as_tenant(), timeout=0.3)]
        assert fake.in_flight == 0
    assert fake.calls[0].closed_early


async def test_a_caller_who_leaves_frees_all_variants(generator: Any, ask: Any) -> None:
    fake = backend(*[FakeScript(stall_after=12)] * 4)
    async with generator(fake) as caller:
        call = caller.stub.Generate(ask(variant_count=4), metadata=as_tenant())
        async for event in call:
            if event.HasField("delta"):
                break
        call.cancel()
        for _ in range(100):
            if fake.in_flight == 0:
                break
            await asyncio.sleep(0.01)
        assert fake.in_flight == 0


async def test_data_stays_where_the_brand_wants_it(generator: Any, ask: Any) -> None:
    abroad = FakeBackend(FakeConfig(name="abroad", kind="fake", residency="us"))
    home = FakeBackend(FakeConfig(name="home", kind="fake", residency="self_hosted"))
    async with generator(abroad, home) as caller:
        events = await caller.events(ask(residencies=["self_hosted", "eu"]))
        assert events[0].started.backend == "home"
        async with expect_error(grpc.StatusCode.FAILED_PRECONDITION, "RESIDENCY_NOT_AVAILABLE"):
            await caller.events(ask(residencies=["self_hosted"], backend="abroad"))
    assert not abroad.calls


@pytest.mark.parametrize(
    ("fields", "code", "reason"),
    [
        ({"ad_format": "billboard"}, grpc.StatusCode.NOT_FOUND, "FORMAT_NOT_FOUND"),
        ({"backend": "nowhere"}, grpc.StatusCode.NOT_FOUND, "BACKEND_NOT_FOUND"),
        ({"prompt_version": "ad/v99"}, grpc.StatusCode.NOT_FOUND, "PROMPT_NOT_FOUND"),
        ({"field_counts": {"headlines": 99}}, grpc.StatusCode.INVALID_ARGUMENT, "FIELD_COUNT_OUT_OF_RANGE"),
        ({"field_counts": {"hats": 1}}, grpc.StatusCode.INVALID_ARGUMENT, "FIELD_COUNT_OUT_OF_RANGE"),
        ({"variant_count": 9}, grpc.StatusCode.INVALID_ARGUMENT, "INVALID_INPUT"),
    ],
)
async def test_wrong_requests_are_refused_with_a_reason(
    generator: Any, ask: Any, fields: dict[str, Any], code: grpc.StatusCode, reason: str
) -> None:
    async with generator(FakeBackend()) as caller, expect_error(code, reason):
        await caller.events(ask(**fields))


async def test_field_counts_are_followed(generator: Any, ask: Any) -> None:
    async with generator(FakeBackend()) as caller:
        completed = hold_contract(await caller.events(ask(field_counts={"headlines": 8, "descriptions": 4})))
    assert len(completed.ads[0].fields) == 12


async def test_an_unknown_language_is_refused(generator: Any, ask: Any) -> None:
    request = ask()
    request.context.language = "qq-QQ"
    unknown = expect_error(grpc.StatusCode.INVALID_ARGUMENT, "UNKNOWN_LANGUAGE")
    async with generator(FakeBackend()) as caller, unknown:
        await caller.events(request)
