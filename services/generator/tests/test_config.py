"""The configuration file: a mistake is one line that says where it is."""

from pathlib import Path

import pytest

from adwright_generator.config import build_backends, load_config
from adwright_servicekit.settings import SettingsError

GOOD = """
backends:
  - {name: first, kind: embedded, max_concurrency: 1}
  - {name: second, kind: fake, residency: us, price: {usd_per_mtok_in: 0.1}}
routing: {order: [second]}
"""


def test_without_a_file_there_is_one_embedded_backend() -> None:
    [backend] = build_backends(load_config(None), None)
    assert (backend.info.name, backend.info.kind, backend.info.prompt) == ("embedded", "embedded", "ad-small")


def test_a_model_of_ones_own_gets_the_usual_prompt(tmp_path: Path) -> None:
    [backend] = build_backends(load_config(None), tmp_path / "llama.gguf")
    assert (backend.info.model, backend.info.prompt) == ("llama", "")


def test_backends_come_in_routing_order_and_those_not_named_last(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(GOOD)
    backends = build_backends(load_config(tmp_path / "config.yaml"), None)
    assert [backend.info.name for backend in backends] == ["second", "first"]
    assert backends[0].info.residency == "us"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("backends: []", "backends: "),
        ("backends: [{name: a, kind: oracle}]", "backends[0]: "),
        ("backends: [{name: a, kind: fake, colour: red}]", "backends[0].colour: "),
        ("backends: [{name: a, kind: fake, max_concurrency: 0}]", "backends[0].max_concurrency: "),
        ("backends: [{name: a, kind: fake}, {name: a, kind: fake}]", "the name 'a' is there twice"),
        ("backends: [{name: a, kind: fake}]\nrouting: {order: [b]}", "routing.order: there is no backend 'b'"),
        ("backends: [{name: a, kind: fake}]\nroutes: {}", "routes: "),
        ("backends: [\n{", "line 2 is not YAML"),
        ("", "the file: "),
    ],
)
def test_a_mistake_is_one_line_that_says_where(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(text)
    with pytest.raises(SettingsError) as caught:
        load_config(path)
    assert str(caught.value).startswith(f"ADWRIGHT_GENERATOR_CONFIG: {path}")
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
