from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from adwright_generator.backends.base import Backend, Price
from adwright_generator.backends.registry import BackendEntry, build_backend

ENTRY: TypeAdapter[BackendEntry] = TypeAdapter(BackendEntry)


def as_it_is(backend: Backend) -> Backend:
    return backend


def refusal(entry: dict[str, Any]) -> str:
    with pytest.raises(ValidationError) as caught:
        ENTRY.validate_python(entry)
    return str(caught.value)


def test_an_entry_becomes_a_backend_that_is_not_started() -> None:
    entry = {
        "name": "local",
        "kind": "fake",
        "model": "m",
        "max_concurrency": 3,
        "residency": "eu",
        "price": {"usd_per_mtok_in": 0.15, "usd_per_mtok_out": 0.6},
    }
    backend = build_backend(ENTRY.validate_python(entry), wrap=as_it_is)
    info = backend.info
    assert (info.name, info.kind, info.model, info.max_concurrency, info.residency) == ("local", "fake", "m", 3, "eu")
    assert info.price == Price(0.15, 0.6)
    assert not backend.ready


@pytest.mark.parametrize(
    ("named", "given", "model"),
    [
        (None, None, "SmolLM2-135M-Instruct"),
        (None, Path("mine.gguf"), "mine"),
        ("ours.gguf", Path("mine.gguf"), "ours"),
    ],
)
def test_the_embedded_model_is_the_entrys_else_the_given_else_the_packaged_one(
    named: str | None, given: Path | None, model: str
) -> None:
    entry = ENTRY.validate_python({"name": "e", "kind": "embedded", "model": named})
    assert build_backend(entry, wrap=as_it_is, embedded_model=given).info.model == model


def test_an_unknown_kind_is_refused_with_the_known_ones() -> None:
    message = refusal({"name": "x", "kind": "teletype"})
    assert "teletype" in message
    assert "'tgi', 'openai', 'embedded', 'fake'" in message


@pytest.mark.parametrize(
    ("entry", "where"),
    [
        ({"kind": "fake"}, "name"),
        ({"kind": "fake", "name": "Not A Name"}, "name"),
        ({"kind": "fake", "name": "x", "url": "http://tgi"}, "url"),
        ({"kind": "embedded", "name": "x", "max_concurrency": 0}, "max_concurrency"),
        ({"kind": "embedded", "name": "x", "price": {"usd_per_token": 1}}, "usd_per_token"),
        ({"kind": "embedded", "name": "x", "price": {"usd_per_hour": -1}}, "usd_per_hour"),
    ],
)
def test_a_wrong_key_or_value_is_named(entry: dict[str, Any], where: str) -> None:
    assert where in refusal(entry)
