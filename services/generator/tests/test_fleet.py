"""The backends of a configuration: exchanged while streams run, and left alone when the new one is wrong."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import yaml

from adwright_checks import load_formats
from adwright_checks.model import BrandRules
from adwright_generator.backends.base import BackendRequest, Chunk, Message
from adwright_generator.config import GeneratorConfig
from adwright_generator.fleet import Fleet
from adwright_generator.job import Job
from adwright_generator.prompting import PromptLibrary
from adwright_servicekit.settings import SettingsError
from adwright_servicekit.telemetry import Telemetry

REQUEST = BackendRequest((Message("user", "Write."),), 100)


def config(text: str) -> GeneratorConfig:
    return GeneratorConfig.model_validate(yaml.safe_load(text))


def job(**fields: Any) -> Job:
    plain = load_formats()["plain"]
    brand = BrandRules(display_name="Nordlys")
    return Job(generation="g", format=plain, counts=plain.counts({}), language="en", brand=brand, **fields)


@pytest_asyncio.fixture
async def fleet() -> AsyncIterator[Fleet]:
    async with Fleet(PromptLibrary(), Telemetry("adwright-generator")) as fleet:
        yield fleet


ONE = "{backends: [{name: a, kind: fake}, {name: b, kind: fake}], routing: {order: [b]}}"


async def test_backends_stand_in_routing_order_and_those_not_named_come_last(fleet: Fleet) -> None:
    await fleet.configure(config(ONE))
    assert [backend.info.name for backend in fleet.dispatcher.backends] == ["b", "a"]
    assert all(backend.ready for backend in fleet.dispatcher.backends)


async def test_without_a_file_there_is_one_embedded_backend(fleet: Fleet) -> None:
    pytest.importorskip("xllamacpp", reason="needs xllamacpp, the embedded model")
    from adwright_generator.config import load_config

    await fleet.configure(load_config(None))
    [backend] = fleet.dispatcher.backends
    assert (backend.info.name, backend.info.kind, backend.info.prompt) == ("embedded", "embedded", "ad-small")


async def test_what_stays_the_same_is_the_same_backend(fleet: Fleet) -> None:
    await fleet.configure(config(ONE))
    before = {backend.info.name: backend for backend in fleet.dispatcher.backends}
    await fleet.configure(config("{backends: [{name: a, kind: fake}, {name: b, kind: fake, residency: eu}]}"))
    after = {backend.info.name: backend for backend in fleet.dispatcher.backends}
    assert after["a"] is before["a"]
    assert after["b"] is not before["b"]
    assert list(after) == ["a", "b"]


async def test_other_timeouts_are_in_effect_at_once(fleet: Fleet) -> None:
    await fleet.configure(config("{backends: [{name: a, kind: fake, first_delay: 60}]}"))
    await fleet.configure(
        config("{backends: [{name: a, kind: fake, first_delay: 60}], routing: {first_token_timeout: 50ms}}")
    )
    async with fleet.dispatcher.admit(job()) as lease, lease.seat() as seat:
        with pytest.raises(Exception, match="did not begin within"):
            await anext(seat.generate(REQUEST))


async def test_a_stream_goes_on_at_a_backend_that_is_no_longer_there(fleet: Fleet) -> None:
    await fleet.configure(config("{backends: [{name: old, kind: fake, tokens_per_second: 100}]}"))
    [old] = fleet.dispatcher.backends
    text = b""
    async with fleet.dispatcher.admit(job()) as lease, lease.seat() as seat:
        events = seat.generate(REQUEST)
        await anext(events)
        await fleet.configure(config("{backends: [{name: new, kind: fake}]}"))
        assert [backend.info.name for backend in fleet.dispatcher.backends] == ["new"]
        async for event in events:
            text += event.data if isinstance(event, Chunk) else b""
        assert old.ready
    assert len(text) > 50
    async with asyncio.timeout(5):
        while old.ready:  # noqa: ASYNC110 - backends have no event for it
            await asyncio.sleep(0.01)


async def test_one_that_does_not_start_changes_nothing(fleet: Fleet, tmp_path: Path) -> None:
    await fleet.configure(config(ONE))
    before = fleet.dispatcher.backends
    wrong = f"{{backends: [{{name: new, kind: fake}}, {{name: e, kind: embedded, model: {tmp_path / 'no.gguf'}}}]}}"
    with pytest.raises(SettingsError, match=r"backend e: The model file .* cannot be read"):
        await fleet.configure(config(wrong))
    with pytest.raises(SettingsError, match="there is no prompt 'sonnet'"):
        await fleet.configure(config("{backends: [{name: new, kind: fake, prompt: sonnet}]}"))
    with pytest.raises(SettingsError, match=r"backend t: "):
        await fleet.configure(
            config("{backends: [{name: t, kind: tgi, url: 'http://127.0.0.1:1', model: m, chat_template: /no.jinja}]}")
        )
    assert fleet.dispatcher.backends == before
    assert all(backend.ready for backend in before)


async def test_what_was_spent_is_remembered_when_an_entry_changes(fleet: Fleet) -> None:
    await fleet.configure(config("{backends: [{name: a, kind: fake}]}"))
    async with fleet.dispatcher.admit(job()) as lease, lease.seat() as seat:
        _ = [event async for event in seat.generate(REQUEST)]
    used = fleet.spend("a").output_tokens
    assert used
    await fleet.configure(config("{backends: [{name: a, kind: fake, residency: eu}]}"))
    assert fleet.spend("a").output_tokens == used
