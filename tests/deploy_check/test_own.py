"""`make deploy-check ARGS="--overlay PATH"`: an overlay of somebody's own, in a folder of theirs."""

import os
import shutil
from pathlib import Path

import pytest
from tools.deploy_check.cli import ROOT, main
from tools.deploy_check.matrix import Matrix
from tools.deploy_check.own import made_of
from tools.deploy_check.render import kustomize_command

needs_kubectl = pytest.mark.skipif(kustomize_command() is None, reason="kubectl is not installed")
KUSTOMIZE = ROOT / "deploy/kustomize"
MATRIX = Matrix.load(KUSTOMIZE / "tests/matrix.yaml")


def overlay(folder: Path, text: str) -> Path:
    """A folder with that kustomization, in which K is adwright's own tree."""
    folder.mkdir(parents=True)
    text = text.replace("K/", f"{os.path.relpath(KUSTOMIZE, folder.resolve())}/")
    (folder / "kustomization.yaml").write_text(text)
    return folder


@needs_kubectl
def test_an_overlay_outside_of_the_repository_that_is_well_ends_with_0(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = overlay(tmp_path / "mine", "resources: [K/overlays/eks]\ncomponents: [K/components/mutual-tls]\n")
    assert main(["--overlay", str(mine)]) == 0
    said = capsys.readouterr().out
    assert f"objects  {mine}\n" in said
    assert "1 combinations, 0 failed; 0 findings, 0 checks skipped" in said


@needs_kubectl
def test_what_is_wrong_with_it_is_found_and_a_change_is_seen_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = overlay(tmp_path / "mine", "resources: [K/overlays/local]\n")
    assert main(["--overlay", str(mine)]) == 0
    capsys.readouterr()
    text = (mine / "kustomization.yaml").read_text()
    (mine / "kustomization.yaml").write_text(text + "images: [{name: adwright-context, newTag: latest}]\n")
    assert main(["--overlay", str(mine)]) == 1
    assert "'adwright-context:latest' is not pinned; give it a version's tag or a digest" in capsys.readouterr().out


@needs_kubectl
def test_a_copy_of_an_overlay_is_known_by_its_name(tmp_path: Path) -> None:
    copy = tmp_path / "kustomize/overlays/eks"
    shutil.copytree(KUSTOMIZE / "overlays/eks", copy)
    text = (copy / "kustomization.yaml").read_text()
    (copy / "kustomization.yaml").write_text(
        text.replace("../../", f"{os.path.relpath(KUSTOMIZE, copy.resolve())}/").replace("tgi", "vllm")
    )
    assert main(["--overlay", str(copy)]) == 0


@pytest.mark.parametrize(
    ("text", "base", "components"),
    [
        ("resources: [K/overlays/eks]\n", "eks", {"tgi", "telemetry", "autoscaling", "autoscaling-tgi"}),
        (
            "resources: ['https://github.com/o/adwright//deploy/kustomize/overlays/local-dynamodb?ref=v1']\n"
            "components: ['https://github.com/o/adwright//deploy/kustomize/components/telemetry?ref=v1', ./own]\n",
            "local-dynamodb",
            {"dynamodb-local", "seed-example", "demo-secrets", "telemetry"},
        ),
        ("resources: [K/base]\ncomponents: [K/components/sqlite]\n", "", {"sqlite"}),
        ("resources: [.]\n", "", set()),
    ],
)
def test_what_it_is_made_of_is_read_from_paths_and_addresses(
    text: str, base: str, components: set[str], tmp_path: Path
) -> None:
    assert made_of(overlay(tmp_path / "mine", text), KUSTOMIZE, MATRIX) == (base, components)


def test_one_that_lies_beside_adwrights_is_read_like_any_other(tmp_path: Path) -> None:
    mine = overlay(tmp_path / "overlays/mine", "resources: [../eks]\n")
    overlay(tmp_path / "overlays/eks", "resources: []\n")
    assert made_of(mine, tmp_path, MATRIX)[0] == "eks"


def test_an_overlay_on_an_overlay_of_ones_own_is_what_that_one_is(tmp_path: Path) -> None:
    overlay(tmp_path / "one", "resources: [K/overlays/local]\n")
    two = overlay(tmp_path / "two", "resources: [../one]\ncomponents: [K/components/telemetry]\n")
    assert made_of(two, KUSTOMIZE, MATRIX) == ("local", {"seed-example", "sqlite", "demo-secrets", "telemetry"})


@needs_kubectl
@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "has no kustomization.yaml; name the folder of an overlay"),
        ("resources: [", "kustomization.yaml: is not YAML: "),
        ("- a\n", "expected a kustomization, a mapping with `resources`"),
    ],
)
def test_what_is_no_overlay_ends_with_2_and_one_line(
    text: str | None, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if text is not None:
        (tmp_path / "kustomization.yaml").write_text(text)
    assert main(["--overlay", str(tmp_path)]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("deploy-check: --overlay: ")
    assert words in line


def test_help_says_what_make_makes_of_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    assert "make itself ends with 2 for either" in " ".join(capsys.readouterr().out.split())
