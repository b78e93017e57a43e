"""The model on Modal: what the script asks for exists, nobody gets in without the key, the generator can be told."""

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from adwright_generator.backends.openai import OpenAIConfig
from adwright_generator.config import load_config

MODAL = Path(__file__).resolve().parents[2] / "deploy" / "modal"
KEY = "a-key-for-modal"


def loaded(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"deploy_modal_{name}", MODAL / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def serve() -> Any:
    pytest.importorskip("modal", reason="modal is not installed; pip install modal to check the script against it")
    return loaded("serve")


async def test_the_configuration_loads_and_names_the_served_model(tmp_path: Path) -> None:
    [modal, _] = load_config(MODAL / "generator.yaml").backends
    assert isinstance(modal, OpenAIConfig)
    source = (MODAL / "serve.py").read_text()
    assert f'"{modal.model}"' in source
    [streams] = re.findall(r"^STREAMS = (\d+)$", source, re.M)
    [containers] = re.findall(r'"ADWRIGHT_MODAL_MAX_CONTAINERS": "(\d+)"', source)
    assert modal.max_concurrency == int(streams) * int(containers)


def test_the_server_is_the_one_of_the_component_vllm() -> None:
    deployment = MODAL.parent / "kustomize" / "components" / "vllm" / "deployment.yaml"
    if not deployment.exists():
        pytest.skip("there is no component vllm to compare with")
    pods = [each for each in yaml.safe_load_all(deployment.read_text()) if each["kind"] == "Deployment"]
    container = pods[0]["spec"]["template"]["spec"]["containers"][0]
    source = (MODAL / "serve.py").read_text()
    assert f'"vllm=={container["image"].rpartition(":v")[2]}"' in source
    named = yaml.safe_load(deployment.with_name("generator.yaml").read_text())["backends"][0]["model"]
    assert named == load_config(MODAL / "generator.yaml").backends[0].model


def test_the_script_asks_modal_for_what_modal_has(serve: Any) -> None:
    import modal

    # The decorators ran at import with their arguments: a name that is not there would have raised.
    assert isinstance(serve.app, modal.App)
    assert isinstance(serve.serve, modal.Function)


def test_the_key_is_not_in_the_list_of_processes(serve: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADWRIGHT_MODAL_API_KEY", KEY)
    assert not any(KEY in part or part.startswith("--api-key") for part in serve.command())
    assert "--middleware=guard.Guard" in serve.command()


async def inner(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"served"})


async def ask(path: str, header: str | None) -> tuple[int, bytes]:
    """What a guarded server answers, called as uvicorn calls it."""
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    headers = [(b"host", b"modal")] + ([(b"authorization", header.encode())] if header else [])
    scope = {"type": "http", "method": "POST", "path": path, "headers": headers}
    await loaded("guard").Guard(inner)(scope, receive, send)
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent)


@pytest.mark.parametrize(
    ("path", "header", "status"),
    [
        ("/health", None, 200),
        ("/v1/chat/completions", f"Bearer {KEY}", 200),
        ("/v1/models", f"bearer {KEY}", 200),
        ("/metrics", f"Bearer {KEY}", 200),
        ("/v1/chat/completions", None, 401),
        ("/v1/chat/completions", "Bearer wrong", 401),
        ("/v1/chat/completions", f"Basic {KEY}", 401),
        ("/v1/chat/completions", KEY, 401),
        ("/metrics", None, 401),
        ("/invocations", None, 401),
        ("/invocations", f"Bearer {KEY}", 404),
        ("/pause", f"Bearer {KEY}", 404),
        ("/v1/../invocations", f"Bearer {KEY}", 404),
        ("//v1/chat/completions", f"Bearer {KEY}", 404),
    ],
)
async def test_only_the_key_opens_and_only_what_is_served(
    path: str, header: str | None, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ADWRIGHT_MODAL_API_KEY", KEY)
    found, body = await ask(path, header)
    assert found == status
    assert (body == b"served") == (status == 200)
    assert KEY.encode() not in body


async def test_while_a_key_is_replaced_both_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADWRIGHT_MODAL_API_KEY", f"the-new-one, {KEY}")
    for key in ("the-new-one", KEY):
        assert (await ask("/v1/models", f"Bearer {key}"))[0] == 200


async def test_what_is_no_request_gets_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADWRIGHT_MODAL_API_KEY", KEY)

    async def never(*_: Any) -> None:
        raise AssertionError("the server was reached")

    await loaded("guard").Guard(never)({"type": "websocket", "path": "/v1/realtime", "headers": []}, never, never)


@pytest.mark.parametrize("value", ["", " , "])
def test_without_a_key_the_server_does_not_start(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADWRIGHT_MODAL_API_KEY", value)
    with pytest.raises(KeyError):
        loaded("guard").Guard(inner)
    monkeypatch.delenv("ADWRIGHT_MODAL_API_KEY")
    with pytest.raises(KeyError):
        loaded("guard").Guard(inner)
