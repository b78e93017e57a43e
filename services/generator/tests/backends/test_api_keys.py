"""Keys come from where the configuration says, change while serving, and are told to nobody."""

import asyncio
import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer
from pydantic import ValidationError

from adwright_generator.backends.api_keys import ApiKey, KeyConfig
from adwright_generator.backends.base import BackendMisconfigured, BackendUnavailable

NAME = "adwright/openai_api_key"


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def secrets(moto: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-north-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    client = boto3.session.Session().client("secretsmanager")
    client.create_secret(Name=NAME, SecretString="sk-first")
    yield client
    client.delete_secret(SecretId=NAME, ForceDeleteWithoutRecovery=True)


async def settled(key: ApiKey) -> str:
    """The key once a fetch in the background has ended."""
    await key.get()
    await key.close()
    return await key.get()


@pytest.mark.parametrize("entry", [{}, {"env": "KEY", "file": "/run/key"}, {"secret": ""}, {"env": "no name"}])
def test_exactly_one_place_must_be_named(entry: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        KeyConfig.model_validate(entry)


def test_an_unknown_place_is_refused() -> None:
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        KeyConfig.model_validate({"env": "KEY", "vault": "key"})


async def test_a_key_comes_from_the_environment() -> None:
    assert await ApiKey(KeyConfig(env="KEY"), environ={"KEY": " sk-one\n"}).get() == "sk-one"


@pytest.mark.parametrize(
    ("environ", "remedy"),
    [({}, "is not set"), ({"KEY": "  "}, "holds no API key"), ({"KEY": "sk-secret more"}, "more than an API key")],
)
async def test_a_variable_without_a_key_is_a_mistake_in_the_configuration(environ: dict[str, str], remedy: str) -> None:
    with pytest.raises(BackendMisconfigured, match=remedy) as caught:
        await ApiKey(KeyConfig(env="KEY"), environ=environ).get()
    assert "sk-secret" not in str(caught.value)


@pytest.mark.parametrize("text", ["sk-one\nsk-two", "sk-\x00", "sk-é"])
async def test_what_cannot_be_a_header_is_refused(text: str) -> None:
    with pytest.raises(BackendMisconfigured, match="more than an API key"):
        await ApiKey(KeyConfig(env="KEY"), environ={"KEY": text}).get()


async def test_a_file_is_read_again_when_it_changes(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text("sk-one\n")
    key = ApiKey(KeyConfig(file=path))
    assert await key.get() == "sk-one"
    path.write_text("sk-two\n")
    os.utime(path, ns=(1, 1))
    assert await key.get() == "sk-two"


async def test_a_file_that_goes_bad_leaves_the_old_key_in_use(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "key"
    path.write_text("sk-one")
    key = ApiKey(KeyConfig(file=path))
    await key.get()
    path.write_text("sk-secret and more")
    os.utime(path, ns=(1, 1))
    assert [await key.get(), await key.get()] == ["sk-one", "sk-one"]
    assert len(caplog.records) == 1, "not one for every request"
    path.unlink()
    assert await key.get() == "sk-one"
    assert "sk-" not in caplog.text


@pytest.mark.parametrize("name", ["missing", "."])
async def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(BackendMisconfigured, match="cannot be read"):
        await ApiKey(KeyConfig(file=tmp_path / name)).get()


@pytest.mark.parametrize(
    "text",
    [
        "sk-first",
        " sk-first\n",
        '{"openai_api_key": "sk-first"}',
        '{"api_key": "sk-first"}',
        f'{{"{NAME}":"sk-first"}}',
    ],
)
async def test_a_secret_is_text_or_a_json_object(secrets: Any, text: str) -> None:
    await asyncio.to_thread(secrets.put_secret_value, SecretId=NAME, SecretString=text)
    assert await ApiKey(KeyConfig(secret=NAME)).get() == "sk-first"


@pytest.mark.parametrize("text", ['{"password": "sk-first"}', json.dumps({"api_key": 7}), "{}"])
async def test_a_json_secret_without_a_key_says_which_field_is_missing(secrets: Any, text: str) -> None:
    await asyncio.to_thread(secrets.put_secret_value, SecretId=NAME, SecretString=text)
    with pytest.raises(BackendMisconfigured, match="openai_api_key"):
        await ApiKey(KeyConfig(secret=NAME)).get()


async def test_a_secret_that_does_not_exist_is_a_mistake_in_the_configuration(secrets: Any) -> None:
    with pytest.raises(BackendMisconfigured, match=r"There is no secret nothing in AWS Secrets Manager; create it\."):
        await ApiKey(KeyConfig(secret="nothing")).get()


async def test_a_missing_region_names_the_variable(secrets: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    with pytest.raises(BackendMisconfigured, match="AWS_REGION"):
        await ApiKey(KeyConfig(secret=NAME)).get()


async def test_a_store_that_does_not_answer_is_unavailable(secrets: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with pytest.raises(BackendUnavailable, match="does not answer"):
        await ApiKey(KeyConfig(secret=NAME)).get()


async def test_a_secret_is_fetched_again_after_its_time_while_the_old_one_is_used(secrets: Any) -> None:
    clock = Clock()
    key = ApiKey(KeyConfig(secret=NAME), ttl=300, clock=clock)
    assert await key.get() == "sk-first"
    await asyncio.to_thread(secrets.put_secret_value, SecretId=NAME, SecretString="sk-second")
    clock.now += 299
    assert await settled(key) == "sk-first"
    clock.now += 1
    assert await key.get() == "sk-first", "nobody waits for the new one"
    assert await settled(key) == "sk-second"


async def test_a_store_that_fails_later_leaves_the_old_key_in_use(
    secrets: Any, caplog: pytest.LogCaptureFixture
) -> None:
    clock = Clock()
    key = ApiKey(KeyConfig(secret=NAME), clock=clock)
    await key.get()
    await asyncio.to_thread(secrets.put_secret_value, SecretId=NAME, SecretString="{}")
    clock.now += 300
    with caplog.at_level(logging.INFO, "adwright_generator"):
        assert await settled(key) == "sk-first"
    assert "the old one stays in use" in caplog.text
    assert "sk-" not in caplog.text


async def test_a_refused_key_is_fetched_again_once_for_all_who_used_it(secrets: Any) -> None:
    clock = Clock()
    key = ApiKey(KeyConfig(secret=NAME), clock=clock)
    await key.get()
    await asyncio.to_thread(secrets.put_secret_value, SecretId=NAME, SecretString="sk-second")
    clock.now += 5
    assert await asyncio.gather(*(key.refresh("sk-first") for _ in range(8))) == ["sk-second"] * 8
    await asyncio.to_thread(secrets.put_secret_value, SecretId=NAME, SecretString="sk-third")
    clock.now += 5
    assert await key.refresh("sk-first") == "sk-second", "somebody else has replaced that one already"
    assert await key.refresh("sk-second") == "sk-third"


async def test_a_key_is_not_fetched_more_often_than_once_a_second(secrets: Any) -> None:
    clock = Clock()
    key = ApiKey(KeyConfig(secret=NAME), clock=clock)
    await key.get()
    await asyncio.to_thread(secrets.put_secret_value, SecretId=NAME, SecretString="sk-second")
    clock.now += 0.9
    assert await key.refresh("sk-first") == "sk-first"
    clock.now += 0.1
    assert await key.refresh("sk-first") == "sk-second"


async def test_one_who_leaves_does_not_end_the_fetch_of_the_others(secrets: Any) -> None:
    key = ApiKey(KeyConfig(secret=NAME))
    leaving, staying = asyncio.create_task(key.get()), asyncio.create_task(key.get())
    await asyncio.sleep(0)
    leaving.cancel()
    assert await staying == "sk-first"


async def test_a_key_is_not_in_a_repr() -> None:
    key = ApiKey(KeyConfig(env="KEY"), environ={"KEY": "sk-one"})
    await key.get()
    assert "sk-one" not in repr(key)
