"""Rendering with the real kustomize; without one on the machine these are skipped."""

from pathlib import Path

import pytest
from tools.deploy_check.matrix import Combination
from tools.deploy_check.render import Renderer, kustomize_command

COMMAND = kustomize_command()
pytestmark = pytest.mark.skipif(COMMAND is None, reason="kubectl is not installed")


@pytest.fixture
def kustomize(tmp_path: Path) -> Path:
    """An overlay with one ConfigMap, and two components that write into it, the later one over the earlier one."""
    overlay = tmp_path / "kustomize/overlays/laptop"
    overlay.mkdir(parents=True)
    (overlay / "kustomization.yaml").write_text("resources: [map.yaml]\n")
    (overlay / "map.yaml").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\ndata: {a: '0'}\n")
    for name in ("one", "two"):
        component = tmp_path / "kustomize/components" / name
        component.mkdir(parents=True)
        (component / "kustomization.yaml").write_text(
            "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\npatches:\n"
            "  - target: {kind: ConfigMap}\n"
            f'    patch: \'[{{"op": "replace", "path": "/data/a", "value": "{name}"}}]\'\n'
        )
    return tmp_path / "kustomize"


def render(kustomize: Path, *components: str, cache: Path | None = None) -> str:
    """What kustomize makes of it, or what it says."""
    combination = Combination("laptop", components)
    assert COMMAND is not None
    rendered = Renderer(kustomize, COMMAND, cache).all([combination])[combination]
    return rendered.error or rendered.text


def test_components_are_applied_in_the_order_in_which_they_are_named(kustomize: Path) -> None:
    assert "a: '0'" in render(kustomize) or 'a: "0"' in render(kustomize)
    assert "a: two" in render(kustomize, "one", "two")
    assert "a: one" in render(kustomize, "two", "one")


def test_what_kustomize_refuses_is_told_in_one_line(kustomize: Path) -> None:
    (kustomize / "components/one/kustomization.yaml").write_text("kind: Component\nresorces: []\n")
    said = render(kustomize, "one")
    assert "resorces" in said
    assert "\n" not in said


def test_a_change_of_any_file_is_seen_through_the_cache(kustomize: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    assert "a: one" in render(kustomize, "one", cache=cache)
    kept = next(cache.rglob("*.yaml"))
    kept.write_text("from the cache")
    assert render(kustomize, "one", cache=cache) == "from the cache"
    (kustomize / "overlays/laptop/map.yaml").write_text(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: other}\ndata: {a: '0'}\n"
    )
    assert "name: other" in render(kustomize, "one", cache=cache)
    assert not kept.exists()


def test_an_overlay_with_an_edited_list_keeps_its_files_and_takes_other_components(kustomize: Path) -> None:
    overlay = kustomize / "overlays/laptop"
    (overlay / "base").mkdir()
    (overlay / "base/kustomization.yaml").write_text("resources: []\n")
    (overlay / "kustomization.yaml").write_text(
        "resources: [map.yaml, base]\ncomponents: [../../components/one]\n"
        "configMapGenerator: [{name: own, files: [map.yaml], options: {disableNameSuffixHash: true}}]\n"
    )
    before = sorted(kustomize.rglob("*"))
    assert COMMAND is not None
    combination = Combination("edited", (), "laptop", ("two",))
    rendered = Renderer(kustomize, COMMAND).all([combination])[combination]
    assert rendered.error == ""
    assert "a: two" in rendered.text
    assert "name: own" in rendered.text
    assert sorted(kustomize.rglob("*")) == before
