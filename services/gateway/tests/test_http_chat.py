"""The OpenAI package, pointed at a brand."""

import json
from collections.abc import AsyncIterator

import openai
import pytest
from behind import KEY, Edge

from adwright.type.v1 import ad_event_pb2, ad_pb2
from adwright_servicekit.errors import Unavailable

MESSAGES = [{"role": "system", "content": "Be dry."}, {"role": "user", "content": "A light shoe."}]


@pytest.fixture
async def client(edge: Edge) -> AsyncIterator[openai.AsyncOpenAI]:
    completed = ad_event_pb2.AdCompleted(
        ads=[
            ad_pb2.Ad(
                valid=True,
                fields=[
                    ad_pb2.AdField(path="headlines[0]", text="Light ❄"),
                    ad_pb2.AdField(path="headlines[1]", text="Dry"),
                    ad_pb2.AdField(path="link", text="Go"),
                ],
            )
        ],
        usage=ad_event_pb2.Usage(input_tokens=7, output_tokens=5),
        finish_reason=ad_event_pb2.AdCompleted.FINISH_REASON_STOP,
    )
    edge.generator.events = [
        ad_event_pb2.AdEvent(started=ad_event_pb2.AdStarted(variant_count=1)),
        ad_event_pb2.AdEvent(delta=ad_event_pb2.AdDelta(path="headlines[0]", text="Light")),
        ad_event_pb2.AdEvent(delta=ad_event_pb2.AdDelta(path="headlines[0]", text=" ❄")),
        ad_event_pb2.AdEvent(delta=ad_event_pb2.AdDelta(path="headlines[1]", text="Dry")),
        ad_event_pb2.AdEvent(delta=ad_event_pb2.AdDelta(path="link", text="Go")),
        ad_event_pb2.AdEvent(completed=completed),
    ]
    async with openai.AsyncOpenAI(base_url=f"{edge.url}/v1", api_key=KEY, max_retries=0) as client:
        yield client


async def test_a_completion(client: openai.AsyncOpenAI, edge: Edge) -> None:
    made = await client.chat.completions.create(
        model="nordlys/google-rsa/sv",
        messages=MESSAGES,
        seed=3,
        temperature=0.2,
        metadata={"products": "aurora-trail-2", "tone": "calm"},
    )
    assert made.choices[0].message.content == "Light ❄\nDry\nGo"
    assert made.choices[0].finish_reason == "stop"
    assert (made.usage.prompt_tokens, made.usage.completion_tokens, made.usage.total_tokens) == (7, 5, 12)
    asked = edge.generator.asked[0]
    assert (asked.format, asked.brief, asked.tone, asked.seed) == (
        "formats/google-rsa",
        "Be dry.\n\nA light shoe.",
        "calm",
        3,
    )
    assert edge.context.asked[0][1].language == "sv"
    assert list(edge.context.asked[0][1].products) == ["brands/nordlys/products/aurora-trail-2"]


async def test_an_object_has_a_key_for_each_field(client: openai.AsyncOpenAI) -> None:
    made = await client.chat.completions.create(
        model="nordlys/google-rsa", messages=MESSAGES, response_format={"type": "json_object"}
    )
    assert json.loads(made.choices[0].message.content) == {"headlines": ["Light ❄", "Dry"], "link": "Go"}


async def test_a_stream_says_what_the_whole_says(client: openai.AsyncOpenAI, edge: Edge) -> None:
    stream = await client.chat.completions.create(
        model="nordlys", messages=MESSAGES, stream=True, stream_options={"include_usage": True}
    )
    chunks = [chunk async for chunk in stream]
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == "Light ❄\nDry\nGo"
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert chunks[-1].usage.total_tokens == 12
    [made] = {chunk.id for chunk in chunks}
    assert made == edge.generator.asked[0].generation
    assert edge.generator.asked[0].format == "formats/plain"
    assert edge.generator.asked[0].max_repairs == 0


async def test_a_text_that_would_have_to_be_taken_back_is_an_error(client: openai.AsyncOpenAI, edge: Edge) -> None:
    switched = ad_event_pb2.AdSwitched(resume=ad_event_pb2.AdSwitched.RESUME_RESTARTED)
    edge.generator.events.insert(3, ad_event_pb2.AdEvent(switched=switched))
    stream = await client.chat.completions.create(model="nordlys", messages=MESSAGES, stream=True)
    with pytest.raises(openai.APIError, match="begins anew"):
        [_ async for _ in stream]


@pytest.mark.parametrize("stream", [False, True])
async def test_errors_are_openais(client: openai.AsyncOpenAI, edge: Edge, stream: bool) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        await client.chat.completions.create(model="nobody", messages=MESSAGES, stream=stream)
    assert caught.value.code == "BRAND_NOT_FOUND"
    with pytest.raises(openai.AuthenticationError):
        await client.with_options(api_key="adw_not_ours_123456").chat.completions.create(
            model="nordlys", messages=MESSAGES, stream=stream
        )
    with pytest.raises(openai.BadRequestError, match="model"):
        await client.chat.completions.create(model="not a brand", messages=MESSAGES, stream=stream)
    with pytest.raises(openai.BadRequestError, match="prodcuts"):
        await client.chat.completions.create(
            model="nordlys", messages=MESSAGES, stream=stream, metadata={"prodcuts": "x"}
        )
    edge.generator.fails = Unavailable("gone", reason="BACKENDS_UNAVAILABLE")
    edge.generator.events = []
    with pytest.raises(openai.InternalServerError):
        await client.chat.completions.create(model="nordlys", messages=MESSAGES, stream=stream)
