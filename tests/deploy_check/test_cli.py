"""What `make deploy-check` prints, and with which code it ends."""

from pathlib import Path

import pytest
from tools.deploy_check.cli import main
from tools.deploy_check.render import kustomize_command

needs_kubectl = pytest.mark.skipif(kustomize_command() is None, reason="kubectl is not installed")
ONLY = ["--only", "laptop"]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository with one overlay that has one object."""
    overlay = tmp_path / "deploy/kustomize/overlays/laptop"
    overlay.mkdir(parents=True)
    (tmp_path / "deploy/kustomize/components").mkdir()
    (overlay / "README.md").write_text("What it is for.\n")
    (overlay / "kustomization.yaml").write_text("resources: [map.yaml]\n")
    (overlay / "map.yaml").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m, namespace: adwright}\n")
    tests = tmp_path / "deploy/kustomize/tests"
    tests.mkdir()
    (tests / "matrix.yaml").write_text("{kubernetes: ['1.37'], overlays: {laptop: {}}, components: {}}")
    (tests / "externals.yaml").write_text("externals: []")
    (tests / "calls.yaml").write_text("calls: []")
    (tmp_path / "deploy/scanners.yaml").write_text("[]")
    return tmp_path


@needs_kubectl
def test_all_well_ends_with_0_and_a_table(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(ONLY, root) == 0
    said = capsys.readouterr().out
    assert "ok             1 objects  laptop\n" in said
    assert "1 combinations, 0 failed; 0 findings, 0 checks skipped" in said


@needs_kubectl
def test_a_finding_ends_with_1_and_is_one_line(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "deploy/kustomize/overlays/laptop/map.yaml").write_text(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m, namespace: adwright}\ndata: {OPENAI_API_KEY: abc}\n"
    )
    assert main(ONLY, root) == 1
    said = capsys.readouterr().out
    assert "1 findings     1 objects  laptop\n" in said
    assert "laptop: ConfigMap/m data.OPENAI_API_KEY: looks like a secret; make it outside of the manifests" in said


@needs_kubectl
def test_what_cannot_be_rendered_is_a_finding(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "deploy/kustomize/overlays/laptop/map.yaml").unlink()
    assert main(ONLY, root) == 1
    said = capsys.readouterr().out
    assert "not rendered  laptop\n" in said
    assert "laptop: kustomize build: " in said


@needs_kubectl
def test_a_component_outside_of_the_matrix_is_a_finding(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    component = root / "deploy/kustomize/components/new"
    component.mkdir()
    (component / "kustomization.yaml").write_text("kind: Component\n")
    assert main(ONLY, root) == 1
    assert "components/new kustomization.yaml: is in no combination" in capsys.readouterr().out


def test_without_kubectl_it_ends_with_2_and_says_how_to_get_it(
    root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(root))
    assert main(ONLY, root) == 2
    said = capsys.readouterr().err
    assert said.startswith("deploy-check: kubectl: is not installed")
    assert "install kubectl" in said


@needs_kubectl
@pytest.mark.parametrize(
    ("file", "text", "words"),
    [
        ("kustomize/tests/matrix.yaml", "overlays: {laptop: {}}", "matrix.yaml: kubernetes: Field required"),
        ("kustomize/tests/externals.yaml", "externals: [{kind: Secret}]", "externals.0.name: Field required"),
        ("kustomize/tests/calls.yaml", "calls: [{from: a, to: b}]", "calls.0.ports: Field required"),
        ("scanners.yaml", "- check: C", "scanners.yaml: 0.reason: Field required"),
    ],
)
def test_a_mistake_in_what_is_declared_ends_with_2_and_one_line(
    root: Path, capsys: pytest.CaptureFixture[str], file: str, text: str, words: str
) -> None:
    (root / "deploy" / file).write_text(text)
    assert main(ONLY, root) == 2
    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1


@needs_kubectl
def test_a_combination_that_there_is_not_ends_with_2(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--only", "desktop"], root) == 2
    assert "no combination contains 'desktop'" in capsys.readouterr().err
