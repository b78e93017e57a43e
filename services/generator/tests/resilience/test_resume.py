"""A text that breaks off goes on elsewhere, wherever it breaks off: no code point is lost, sent twice or torn."""

import asyncio
import json
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from resilience.conftest import (
    AD,
    CONTINUED,
    EXACT,
    JSON_TEXT,
    RESTARTED,
    TEXT,
    Seen,
    api,
    later,
    opened,
    prefix_of,
    prefixes,
    texts_of,
    tgi,
    wanting,
)

from adwright_generator.backends.fake_openai import FakeOpenAI, OpenAIScript
from adwright_generator.backends.fake_openai import Fault as ApiFault
from adwright_generator.backends.fake_tgi import FakeTgi, Fault, TgiScript

FAMILY = "夜 👨‍👩‍👧‍👦 e\u0301a\u0308 🏴󠁧󠁢󠁥󠁮󠁧󠁿 ok"
"""One cluster of seven code points, one of seven that are tags, and combining marks."""


def events(text: str, size: int) -> list[str]:
    """The tokens as TGI streams them: an empty one comes before a character that it has only half of."""
    said: list[str] = []
    for start in range(0, len(text), size):
        piece = text[start : start + size]
        said += ["", piece] if piece[-1] > "\u07ff" else [piece]
    return said


@pytest.mark.parametrize("size", [1, 3])
@pytest.mark.parametrize("text", [TEXT, FAMILY], ids=["a sentence", "clusters"])
async def test_another_replica_goes_on_at_every_token(ask: Any, text: str, size: int) -> None:
    said = events(text, size)
    cuts = range(len(said) + 1)
    failing = [TgiScript(text, tokens=(size,), fault=Fault.GENERATION_ERROR, at=at) for at in cuts]
    async with (
        FakeTgi(failing) as first,
        FakeTgi([TgiScript(text, tokens=(size,))] * len(cuts)) as second,
        opened(tgi(first, later(second))) as door,
    ):
        for at in cuts:
            seen = await door.write(wanting(ask))
            assert seen.completed().ads[0].fields[0].text == text
            assert seen.switches() == [("tgi", "tgi", "failed", EXACT)]
            before, after = first.calls[at].body["parameters"], second.calls[at].body["parameters"]
            assert prefix_of(second.calls[at]) == "".join(said[:at])
            # What is paid for in all does not grow; without any text nothing was begun.
            spent = at if "".join(said[:at]) else 0
            assert after["max_new_tokens"] == before["max_new_tokens"] - spent


async def test_an_api_goes_on_at_every_token_of_tgi(ask: Any) -> None:
    said = events(TEXT, 1)
    cuts = range(len(said) + 1)
    failing = [TgiScript(TEXT, tokens=(1,), fault=Fault.GENERATION_ERROR, at=at) for at in cuts]
    async with (
        FakeTgi(failing) as first,
        FakeOpenAI(default=OpenAIScript(TEXT)) as second,
        opened(tgi(first), api(second)) as door,
    ):
        for at in cuts:
            seen = await door.write(wanting(ask))
            assert seen.completed().ads[0].fields[0].text == TEXT
            assert seen.switches() == [("tgi", "api", "failed", CONTINUED)]
            assert prefix_of(second.calls[at]) == "".join(said[:at])


async def test_an_api_that_repeats_what_was_there_is_not_heard_twice(ask: Any) -> None:
    """Models that are asked to go on like to begin a few words earlier, or at the very beginning."""
    said = TEXT[:45]
    for begin in (0, 10, 30, 45):
        async with (
            FakeTgi([TgiScript(TEXT, tokens=(45,), fault=Fault.GENERATION_ERROR, at=1)]) as first,
            FakeOpenAI([OpenAIScript(TEXT[begin:])]) as second,
            opened(tgi(first), api(second)) as door,
        ):
            seen = await door.write(wanting(ask))
        # The double goes on behind the prefix by itself where it can; the others repeat the end of it.
        assert seen.completed().ads[0].fields[0].text == TEXT
        assert prefix_of(second.calls[0]) == said


async def test_json_goes_on_at_every_token(ask: Any) -> None:
    """Inside keys, texts, escapes and punctuation; the double holds the rest to the grammar that it is sent."""
    said = events(JSON_TEXT, 1)
    cuts = range(len(said) + 1)
    failing = [TgiScript(JSON_TEXT, tokens=(1,), fault=Fault.GENERATION_ERROR, at=at) for at in cuts]
    asked = 0
    async with (
        FakeTgi(failing) as first,
        FakeTgi([TgiScript(JSON_TEXT)] * len(cuts)) as second,
        opened(tgi(first, later(second))) as door,
    ):
        for at in cuts:
            seen = await door.write(wanting(ask, "google-rsa"))
            assert {field.path: field.text for field in seen.completed().ads[0].fields} == texts_of(AD)
            if at == len(said):
                assert seen.switches() == []
                break
            assert seen.switches() == [("tgi", "tgi", "failed", EXACT)]
            asked += 1
            call = second.calls[at]
            assert prefix_of(call) == "".join(said[:at])
            assert call.body["parameters"]["grammar"]["type"] == ("regex" if "".join(said[:at]) else "json")
    assert len(second.calls) == asked == len(said)


async def test_json_escapes_are_not_torn(ask: Any) -> None:
    """A model may write any character as an escape, and emoji as two of them."""
    text = json.dumps(AD, ensure_ascii=True)
    cuts = [at for at in range(1, len(text)) if "\\" in text[max(0, at - 12) : at]]
    failing = [TgiScript(text, tokens=(1,), fault=Fault.GENERATION_ERROR, at=at) for at in cuts]
    async with (
        FakeTgi(failing) as first,
        FakeOpenAI(default=OpenAIScript(text)) as second,
        opened(tgi(first), api(second)) as door,
    ):
        for _ in cuts:
            seen = await door.write(wanting(ask, "google-rsa"))
            assert {field.path: field.text for field in seen.completed().ads[0].fields} == texts_of(AD)
            assert seen.switches() == [("tgi", "api", "failed", RESTARTED)]


async def test_it_goes_on_through_replica_after_replica_and_then_an_api(ask: Any) -> None:
    async with AsyncExitStack() as stack:
        replicas = []
        for number, at in enumerate((10, 11, 0, 7)):
            script = TgiScript(TEXT, tokens=(1,), fault=[Fault.OVERLOADED, Fault.GENERATION_ERROR][number % 2], at=at)
            replica = await stack.enter_async_context(FakeTgi([script]))
            replica.queue_size, replica.batch_size = number, 4
            replicas.append(replica)
        last = await stack.enter_async_context(FakeOpenAI([OpenAIScript(TEXT)]))
        door = await stack.enter_async_context(opened(tgi(*replicas), api(last), max_predicted_wait=10))
        seen = await door.write(wanting(ask))
    completed = seen.completed()
    assert completed.ads[0].fields[0].text == TEXT
    words = ["overloaded", "failed", "overloaded", "failed"]
    targets = [("tgi", EXACT)] * 3 + [("api", CONTINUED)]
    assert seen.switches() == [("tgi", target, word, how) for word, (target, how) in zip(words, targets, strict=True)]
    assert completed.usage.model_calls == 5
    had = [prefix for [prefix] in prefixes(*replicas, last)]
    assert had[0] == ""
    assert all(longer.startswith(shorter) and TEXT.startswith(longer) for shorter, longer in pairwise(had))
    assert had[2] == had[3], "the third said nothing"


async def test_variants_switch_each_for_itself(ask: Any) -> None:
    """Each has its own text, and a switch of one leaves those of the others alone."""
    cuts = (2, 9, 17, 30)
    failing = [TgiScript(TEXT, tokens=(1,), fault=Fault.GENERATION_ERROR, at=at) for at in cuts]
    async with (
        FakeTgi(failing) as first,
        FakeTgi([TgiScript(TEXT)] * len(cuts)) as second,
        opened(tgi(first, later(second))) as door,
    ):
        seen = await door.write(wanting(ask, variant_count=len(cuts)))
    completed = seen.completed()
    assert [ad.fields[0].text for ad in completed.ads] == [TEXT] * len(cuts)
    assert sorted(switched.variant for switched in seen.switched) == list(range(len(cuts)))
    said = events(TEXT, 1)
    assert sorted(prefixes(second)[0]) == sorted("".join(said[:at]) for at in cuts)


async def test_one_that_was_only_full_goes_on_itself_after_a_while(ask: Any) -> None:
    failing = TgiScript(TEXT, tokens=(3,), fault=Fault.OVERLOADED, at=8)
    async with FakeTgi([failing, TgiScript(TEXT)]) as only, opened(tgi(only)) as door:
        seen = await door.write(wanting(ask))
    assert seen.completed().ads[0].fields[0].text == TEXT
    assert seen.switches() == [("tgi", "tgi", "overloaded", EXACT)]
    assert prefixes(only) == [["", "".join(events(TEXT, 3)[:8])]]


async def test_a_banned_term_does_not_slip_through_where_two_backends_meet(ask: Any) -> None:
    text = "Nordlys is warm, not cheap, and light."
    for at in range(len("Nordlys is warm, not "), len("Nordlys is warm, not cheap")):
        async with (
            FakeTgi([TgiScript(text, tokens=(1,), fault=Fault.RESET, at=at)]) as first,
            FakeOpenAI([OpenAIScript(text)]) as second,
            opened(tgi(first), api(second)) as door,
        ):
            seen = await door.write(ask("plain", max_repairs=0))
        seen.completed()
        assert seen.texts()["text"].rstrip() == "Nordlys is warm, not"
        assert [event.withheld.rule for event in seen.events if event.HasField("withheld")] == ["banned_terms"]


@pytest.mark.parametrize("at", [0, 6, 20])
async def test_a_repair_that_starts_anew_elsewhere_keeps_what_was_good(ask: Any, at: int) -> None:
    wrong = json.dumps({**AD, "headlines": ["Only 99 EUR", *AD["headlines"][1:]]}, ensure_ascii=False)
    right = json.dumps({"headlines": ["Sov under 🌌"]}, ensure_ascii=False)
    repair = TgiScript(right, tokens=(1,), fault=Fault.GENERATION_ERROR, at=at)
    async with (
        FakeTgi([TgiScript(wrong), repair]) as first,
        FakeOpenAI([OpenAIScript(right)]) as second,
        opened(tgi(first), api(second)) as door,
    ):
        seen = await door.write(wanting(ask, "google-rsa", max_repairs=1))
    texts = {field.path: field.text for field in seen.completed().ads[0].fields}
    assert texts == texts_of({**AD, "headlines": ["Sov under 🌌", *AD["headlines"][1:]]})
    assert [reason for _, _, reason, _ in seen.switches()] == ["repair", "failed"]
    assert seen.switches()[1] == ("tgi", "api", "failed", RESTARTED if at else CONTINUED)


@pytest.mark.parametrize("at", [0, 6, 20])
async def test_texts_of_earlier_calls_stay_when_a_later_one_starts_anew(ask: Any, at: int) -> None:
    """With a prompt that asks for one text a call."""
    answers = [json.dumps({name: [text]}, ensure_ascii=False) for name, texts in AD.items() for text in texts]
    scripts = [TgiScript(answers[0]), TgiScript(answers[1], tokens=(1,), fault=Fault.GENERATION_ERROR, at=at)]
    async with FakeTgi(scripts) as first, FakeOpenAI([OpenAIScript(text) for text in answers[1:]]) as second:
        small = {"prompt": "ad-small"}
        async with opened(tgi(first, **small), api(second, **small)) as door:
            seen = await door.write(wanting(ask, "google-rsa"))
    assert {field.path: field.text for field in seen.completed().ads[0].fields} == texts_of(AD)
    # It moves once, and stays.
    assert seen.switches() == [("tgi", "api", "failed", RESTARTED if at else CONTINUED)]
    assert (len(first.calls), len(second.calls)) == (2, 4)


@dataclass(frozen=True)
class Stage:
    """One backend of a chain, and how it fails."""

    kind: str
    fault: Fault | ApiFault
    at: int
    size: int


_TGI_FAULTS = [Fault.OVERLOADED, Fault.GENERATION_ERROR, Fault.RESET, Fault.CLOSE, Fault.END, Fault.MALFORMED]
_API_FAULTS = [ApiFault.OVERLOADED, ApiFault.RESET, ApiFault.CLOSE, ApiFault.MALFORMED, ApiFault.HTTP_500]

_stages = st.one_of(
    st.builds(Stage, st.just("tgi"), st.sampled_from(_TGI_FAULTS), st.integers(0, 60), st.integers(1, 9)),
    st.builds(Stage, st.just("openai"), st.sampled_from(_API_FAULTS), st.integers(0, 60), st.integers(1, 9)),
)

_pieces = st.sampled_from(["light", "tält", "夜", "👩‍🚀", "e\u0301t\u00e9", "“", "—", "ok", "雪の朝", "🏕️", "x"])


@given(
    stages=st.lists(_stages, min_size=1, max_size=4),
    # Each once: an API that is asked to go on may begin a text of a dozen characters again, and is then not heard.
    words=st.lists(_pieces, min_size=1, unique=True),
    joint=st.sampled_from([" ", "", "\n"]),
    last=st.sampled_from(["tgi", "openai"]),
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_comes_through_any_chain_of_failing_backends(
    ask: Any, stages: Sequence[Stage], words: Sequence[str], joint: str, last: str
) -> None:
    text = joint.join(words)
    seen = asyncio.run(_through(stages, text, last, wanting(ask)))
    completed = seen.completed()
    assert completed.ads[0].fields[0].text == text
    assert RESTARTED not in {switched.resume for switched in seen.switched}


@given(stages=st.lists(_stages, min_size=1, max_size=4), last=st.sampled_from(["tgi", "openai"]))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_ad_comes_through_any_chain_of_failing_backends(ask: Any, stages: Sequence[Stage], last: str) -> None:
    seen = asyncio.run(_through(stages, JSON_TEXT, last, wanting(ask, "google-rsa")))
    assert {field.path: field.text for field in seen.completed().ads[0].fields} == texts_of(AD)


async def _through(stages: Sequence[Stage], text: str, last: str, request: Any) -> Seen:
    """One generation by backends in this order, of which only the last does not fail."""
    async with AsyncExitStack() as stack:
        entries = []
        for number, stage in enumerate(_all(stages, last)):
            entries.append(await _entry(stack, stage, number, text))
        door = await stack.enter_async_context(opened(*entries))
        return await door.write(request)


def _all(stages: Sequence[Stage], last: str) -> Iterator[Stage | str]:
    yield from stages
    yield last


async def _entry(stack: AsyncExitStack, stage: Stage | str, number: int, text: str) -> dict[str, Any]:
    name = f"b{number}"
    kind = stage if isinstance(stage, str) else stage.kind
    if kind == "tgi":
        scripts = [TgiScript(text)]
        if isinstance(stage, Stage):
            assert isinstance(stage.fault, Fault)
            scripts = [TgiScript(text, tokens=(stage.size,), fault=stage.fault, at=stage.at)]
        return tgi(await stack.enter_async_context(FakeTgi(scripts))) | {"name": name}
    script = OpenAIScript(text)
    if isinstance(stage, Stage):
        assert isinstance(stage.fault, ApiFault)
        script = OpenAIScript(text, chunk_characters=(stage.size,), fault=stage.fault, at=stage.at)
    return api(await stack.enter_async_context(FakeOpenAI([script]))) | {"name": name}
