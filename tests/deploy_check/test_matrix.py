"""Which combinations there are, and that nothing in the tree is left out."""

from pathlib import Path

import pytest
from tools.deploy_check.matrix import Matrix, MatrixError

MATRIX = """
kubernetes: ["1.37"]
overlays:
  laptop: {contains: [disk]}
  cloud: {}
components:
  disk: {overlays: [laptop]}
  model: {excludes: [other-model]}
  other-model: {}
  scaling: {overlays: [cloud], requires_any: [model, other-model]}
  scaling-by-queue: {requires: [scaling]}
"""


@pytest.fixture
def kustomize(tmp_path: Path) -> Path:
    """A tree that has what MATRIX names."""
    names = ["overlays/laptop", "overlays/cloud"]
    names += [f"components/{name}" for name in ("disk", "model", "other-model", "scaling", "scaling-by-queue")]
    for name in names:
        folder = tmp_path / name
        folder.mkdir(parents=True)
        (folder / "kustomization.yaml").write_text("kind: Component\n")
        (folder / "README.md").write_text("What it is for.\n")
    (tmp_path / "overlays/laptop/kustomization.yaml").write_text("components: [../../components/disk]\n")
    (tmp_path / "matrix.yaml").write_text(MATRIX)
    return tmp_path


def test_every_set_that_may_go_together_is_there_once(kustomize: Path) -> None:
    names = [str(one) for one in Matrix.load(kustomize / "matrix.yaml").combinations()]
    assert sorted(names) == [
        "cloud",
        "cloud + model",
        "cloud + model + scaling",
        "cloud + model + scaling + scaling-by-queue",
        "cloud + other-model",
        "cloud + other-model + scaling",
        "cloud + other-model + scaling + scaling-by-queue",
        "laptop",
        "laptop + model",
        "laptop + other-model",
    ]


def test_what_an_overlay_contains_counts_and_is_not_put_on_top(kustomize: Path) -> None:
    text = MATRIX.replace("cloud: {}", "cloud: {contains: [model]}")
    (kustomize / "matrix.yaml").write_text(text)
    names = [str(one) for one in Matrix.load(kustomize / "matrix.yaml").combinations() if one.overlay == "cloud"]
    assert names == ["cloud", "cloud + scaling", "cloud + scaling + scaling-by-queue"]


def test_a_tree_that_the_matrix_names_has_no_findings(kustomize: Path) -> None:
    assert Matrix.load(kustomize / "matrix.yaml").compare(kustomize) == []


@pytest.mark.parametrize("kind", ["overlays", "components"])
def test_a_folder_that_is_in_no_combination_is_found(kustomize: Path, kind: str) -> None:
    (kustomize / kind / "new").mkdir()
    (kustomize / kind / "new" / "kustomization.yaml").write_text("kind: Component\n")
    lines = [one.line() for one in Matrix.load(kustomize / "matrix.yaml").compare(kustomize)]
    assert any(line.startswith(f"{kind}/new kustomization.yaml: is in no combination") for line in lines)
    assert any(line.startswith(f"{kind}/new README.md: is missing") for line in lines)


def test_a_name_without_a_folder_is_found(kustomize: Path) -> None:
    (kustomize / "components/model/kustomization.yaml").unlink()
    (finding,) = Matrix.load(kustomize / "matrix.yaml").compare(kustomize)
    assert "components.model: there is no such folder" in finding.line()


def test_a_component_that_goes_with_nothing_is_found(kustomize: Path) -> None:
    (kustomize / "matrix.yaml").write_text(MATRIX.replace("other-model: {}", "other-model: {requires: [model]}"))
    lines = [one.line() for one in Matrix.load(kustomize / "matrix.yaml").compare(kustomize)]
    assert [line for line in lines if "components.other-model: no combination has it" in line]


def test_an_overlay_that_lists_other_components_than_declared_is_found(kustomize: Path) -> None:
    (kustomize / "overlays/cloud/kustomization.yaml").write_text("components: [../../components/model]\n")
    (finding,) = Matrix.load(kustomize / "matrix.yaml").compare(kustomize)
    assert "overlays.cloud.contains: the overlay lists other components (model)" in finding.line()


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (
            MATRIX.replace("requires: [scaling]", "requires: [scalng]"),
            "components.scaling-by-queue.requires: there is no",
        ),
        (
            MATRIX.replace("overlays: [cloud]", "overlays: [clod]"),
            "components.scaling.overlays: there is no overlay 'clod'",
        ),
        (MATRIX.replace("excludes:", "exclude:"), "components.model.exclude: Extra inputs are not permitted"),
        ("overlays: [", "is not YAML"),
    ],
)
def test_a_mistake_in_the_matrix_is_one_line_that_names_the_field(kustomize: Path, wrong: str, words: str) -> None:
    (kustomize / "matrix.yaml").write_text(wrong)
    with pytest.raises(MatrixError) as caught:
        Matrix.load(kustomize / "matrix.yaml")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_overlay_may_be_another_one_with_its_list_of_components_edited(kustomize: Path) -> None:
    edited = "cloud: {}\n  cloud-disk: {edited_from: cloud, contains: [disk, model], on_top: [scaling]}"
    (kustomize / "matrix.yaml").write_text(
        MATRIX.replace("cloud: {}", edited).replace("[cloud]", "[cloud, cloud-disk]")
    )
    matrix = Matrix.load(kustomize / "matrix.yaml")
    found = [one for one in matrix.combinations() if one.overlay == "cloud-disk"]
    assert [(str(one), one.folder, one.instead) for one in found] == [
        ("cloud-disk", "cloud", ("disk", "model")),
        ("cloud-disk + scaling", "cloud", ("disk", "model")),
    ]
    assert matrix.compare(kustomize) == []
