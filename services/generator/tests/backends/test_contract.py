"""What every backend owes its callers, held against each kind that runs here."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from adwright_generator.backends.base import (
    Backend,
    BackendEvent,
    BackendRequest,
    Chunk,
    Continuation,
    Finish,
    Message,
    StopReason,
)

Idle = Callable[[Backend], Awaitable[float]]
STORY = (Message("user", "Tell me a long story about a lighthouse."),)
AD = {
    "type": "object",
    "properties": {
        "headlines": {
            "type": "array",
            "items": {"type": "string", "minLength": 4, "maxLength": 30},
            "minItems": 3,
            "maxItems": 3,
        },
        "description": {"type": "string", "minLength": 20, "maxLength": 90},
        "action": {"enum": ["Shop now", "Learn more"]},
    },
    "required": ["headlines", "description", "action"],
    "additionalProperties": False,
}


def asking(**changes: Any) -> BackendRequest:
    values: dict[str, Any] = {"messages": STORY, "max_tokens": 40, "seed": 7}
    return BackendRequest(**(values | changes))


async def all_of(backend: Backend, request: BackendRequest) -> list[BackendEvent]:
    return [event async for event in backend.generate(request)]


def text_of(events: list[BackendEvent]) -> str:
    return b"".join(event.data for event in events if isinstance(event, Chunk)).decode()


async def test_a_generation_is_chunks_and_then_exactly_one_finish(backend: Backend, idle: Idle) -> None:
    *chunks, finish = await all_of(backend, asking())
    assert chunks
    assert all(isinstance(chunk, Chunk) for chunk in chunks)
    assert isinstance(finish, Finish)
    await idle(backend)


async def test_the_bytes_are_utf8_as_a_whole(backend: Backend) -> None:
    events = await all_of(backend, asking(messages=(Message("user", "Repeat: 日本語 🎉🎊 Straße 🎉🎊"),)))
    assert text_of(events)


async def test_output_that_reaches_max_tokens_ends_with_length(backend: Backend) -> None:
    finish = (await all_of(backend, asking(max_tokens=5)))[-1]
    assert isinstance(finish, Finish)
    assert (finish.reason, finish.output_tokens) == (StopReason.LENGTH, 5)


async def test_tokens_are_counted(backend: Backend) -> None:
    *chunks, finish = await all_of(backend, asking())
    assert isinstance(finish, Finish)
    assert finish.input_tokens is not None
    assert finish.input_tokens > 5
    told = sum(chunk.tokens for chunk in chunks if isinstance(chunk, Chunk))
    # The model's token for the end of the text is counted and has no text.
    assert finish.output_tokens in (told, told + 1)


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_a_schema_is_held_while_decoding(backend: Backend, seed: int) -> None:
    events = await all_of(backend, asking(json_schema=AD, max_tokens=300, seed=seed))
    ad = json.loads(text_of(events))
    Draft202012Validator(AD).validate(ad)
    assert list(ad) == ["headlines", "description", "action"], "in the schema's order"
    assert isinstance(events[-1], Finish)
    assert events[-1].reason is StopReason.STOP


async def test_constrained_output_is_one_line(backend: Backend) -> None:
    assert "\n" not in text_of(await all_of(backend, asking(json_schema=AD, max_tokens=300)))


async def test_the_same_seed_gives_the_same_text(backend: Backend) -> None:
    # The first call fills the prompt cache; numbers differ slightly between a cached prompt and one that is not.
    _, first, second = [text_of(await all_of(backend, asking(temperature=0.9))) for _ in range(3)]
    assert first == second


async def test_another_seed_gives_another_text(backend: Backend) -> None:
    texts = {text_of(await all_of(backend, asking(temperature=1.0, seed=seed))) for seed in range(3)}
    assert len(texts) == 3


async def test_a_stop_text_ends_the_output_and_is_no_part_of_it(backend: Backend) -> None:
    events = await all_of(backend, asking(stop=("e",), max_tokens=60))
    assert "e" not in text_of(events)
    assert isinstance(events[-1], Finish)
    assert events[-1].reason is StopReason.STOP


async def test_leaving_early_stops_the_model(backend: Backend, idle: Idle) -> None:
    async with aclosing(backend.generate(asking(max_tokens=2000))) as events:
        await anext(events)
        assert backend.in_flight == 1
    # 100 ms are promised and 10 are usual; a busy machine gets room, a generation to its end would take 20 s.
    await idle(backend)


async def test_cancelling_the_reader_stops_the_model(backend: Backend, idle: Idle) -> None:
    reader = asyncio.create_task(all_of(backend, asking(max_tokens=2000, messages=(Message("user", "word " * 900),))))
    await asyncio.sleep(0.05)
    reader.cancel()
    await asyncio.gather(reader, return_exceptions=True)
    await idle(backend)


async def test_generations_at_the_same_time_do_not_mix(backend: Backend, idle: Idle) -> None:
    def only(word: str) -> dict[str, Any]:
        properties = {"a": {"const": word}}
        return {"type": "object", "properties": properties, "required": ["a"], "additionalProperties": False}

    words = ["apple", "birch", "cedar", "daisy", "elder"]
    results = await asyncio.gather(*(all_of(backend, asking(json_schema=only(word))) for word in words))
    assert [json.loads(text_of(events))["a"] for events in results] == words
    await idle(backend)


async def test_a_prefix_is_gone_on_with_and_not_repeated(backend: Backend) -> None:
    if backend.info.continuation is not Continuation.EXACT:
        pytest.skip(f"{backend.info.name} is asked in words to go on, and may repeat a little")
    whole = text_of(await all_of(backend, asking(temperature=0.0)))
    prefix = whole[: len(whole) // 2]
    rest = text_of(await all_of(backend, asking(temperature=0.0, prefix=prefix)))
    # What follows is tokens anew, so a model may choose others; but it does not begin again.
    assert rest
    assert not rest.startswith(whole[:12])
    if backend.info.kind != "embedded":
        assert whole.startswith(prefix + rest[:10])
