"""The main job, end to end: a real model's ad, streamed through all services, checked, under one trace."""

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from commands import AD, adwright, generate
from events import hold_contract
from tools.spans import SpanReceiver
from tools.stack import Stack

GRPCURL = shutil.which("grpcurl") or shutil.which("grpcurl", path=str(Path(sys.executable).parent))


@pytest.mark.parametrize("name", ["plain", "google-rsa", "meta-feed"])
def test_an_ad_streams_and_its_deltas_are_its_texts(stack: Stack, name: str) -> None:
    events = generate(stack, *AD[:4], "--format", name)
    completed = hold_contract(events)
    assert sum("delta" in event for event in events) > 3, "the text comes in pieces"
    assert completed["usage"]["outputTokens"] != "0"
    assert completed["checks"]
    assert len(completed["traceId"]) == 32


def test_variants_stream_side_by_side(stack: Stack) -> None:
    completed = hold_contract(generate(stack, *AD, "--variants", "3"))
    assert len(completed["ads"]) == 3


def test_an_ad_that_breaks_a_required_check_is_not_called_valid(stack: Stack) -> None:
    completed = hold_contract(generate(stack, *AD, "--language", "sv"))
    for ad in completed["ads"]:
        failed = [
            check
            for check in completed["checks"]
            if check["variant"] == ad["variant"] and check["required"] and check["outcome"] != "OUTCOME_PASSED"
            if check["outcome"] != "OUTCOME_NOT_APPLICABLE"
        ]
        assert ad["valid"] == (not failed)
    if not all(ad["valid"] for ad in completed["ads"]):
        assert completed["finishReason"] != "FINISH_REASON_STOP"


def test_products_are_found_by_the_brief_when_none_is_named(stack: Stack) -> None:
    hold_contract(generate(stack, "--brand", "nordlys", "--format", "plain", "--brief", "a light tent for two"))


def test_the_same_seed_gives_the_same_ad(stack: Stack) -> None:
    first, second = (hold_contract(generate(stack, *AD[:4], "--format", "plain", "--seed", "7")) for _ in range(2))
    assert first["ads"] == second["ads"]


def test_the_terminal_view_shows_text_checks_usage_timings_and_trace(stack: Stack) -> None:
    done = adwright(stack, "generate", *AD, "--evaluate")
    assert done.returncode == 0, done.stderr
    for word in ("headlines[0]", "descriptions[1]", "limits", "facts", "readability", "tokens", "first", "trace"):
        assert word in done.stdout.lower() or word in done.stdout, f"{word} is missing from:\n{done.stdout}"


def test_one_trace_runs_from_the_client_to_the_model(stack: Stack, spans: SpanReceiver) -> None:
    trace_id = hold_contract(generate(stack, *AD))["traceId"]
    wanted = {"adwright-client", "adwright-gateway", "adwright-context", "adwright-generator"}
    deadline = time.monotonic() + 10
    while {span.service for span in spans.spans(trace_id)} != wanted and time.monotonic() < deadline:
        time.sleep(0.1)
    time.sleep(0.3)
    trace = spans.spans(trace_id)
    assert {span.service for span in trace} == wanted
    by_id = {span.span_id: span for span in trace}
    roots = [span for span in trace if span.parent_id not in by_id]
    assert [root.service for root in roots] == ["adwright-client"]
    [model] = [span for span in trace if span.name.startswith("chat ")][:1]
    path = []
    while model:
        path.append(model.service)
        model = by_id.get(model.parent_id)  # type: ignore[assignment]
    assert list(dict.fromkeys(path)) == ["adwright-generator", "adwright-gateway", "adwright-client"]
    assert not any(span.error for span in trace)
    assert not any("aurora" in str(value).lower() for span in trace for value in span.attributes.values())


@pytest.mark.skipif(GRPCURL is None, reason="needs grpcurl")
def test_grpcurl_lists_and_calls_the_services_by_reflection(stack: Stack) -> None:
    def grpcurl(*arguments: str) -> str:
        command = [str(GRPCURL), "-plaintext", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout

    target = stack.target("gateway")
    listed = grpcurl(target, "list").split()
    assert {
        "adwright.gateway.v1.AdService",
        "adwright.context.v1.ContextService",
        "adwright.evaluator.v1.EvaluatorService",
    } <= set(listed)
    key = f"authorization: Bearer {stack.environ['ADWRIGHT_API_KEY']}"
    request = json.dumps({"brand": "nordlys", "products": ["aurora-trail-2"], "format": "plain"})
    streamed = grpcurl("-H", key, "-d", request, target, "adwright.gateway.v1.AdService/GenerateAd")
    assert streamed.count('"started"') == streamed.count('"completed"') == 1
    brand = grpcurl(
        "-H", key, "-d", '{"name": "brands/nordlys"}', target, "adwright.context.v1.ContextService/GetBrand"
    )
    # Reflection does not carry JSON names, and older versions of grpcurl then print those of the proto.
    assert "Nordlys" in (json.loads(brand).get("displayName"), json.loads(brand).get("display_name"))
