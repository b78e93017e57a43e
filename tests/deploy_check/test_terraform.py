"""Terraform's formatting and validation; what a machine does not have is named and skipped."""

import os
import shutil
from pathlib import Path

import pytest
from tools.deploy_check.findings import Finding
from tools.deploy_check.terraform import check_terraform, roots
from tools.deploy_check.tooling import Skipped

needs_terraform = pytest.mark.skipif(shutil.which("terraform") is None, reason="terraform is not installed")
ENVIRON = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A root with a module, without any provider."""
    (tmp_path / "cluster").mkdir()
    (tmp_path / "module").mkdir()
    (tmp_path / "cluster/main.tf").write_text('module "m" {\n  source = "../module"\n  size   = 1\n}\n')
    (tmp_path / "module/main.tf").write_text('variable "size" {\n  type = number\n}\n')
    return tmp_path


def test_what_another_folder_calls_is_no_root(folder: Path) -> None:
    assert roots(folder) == [folder / "cluster"]


def test_without_terraform_the_check_is_skipped_by_name(folder: Path) -> None:
    (skipped,) = check_terraform(folder, {"PATH": "/nonexistent"})
    assert isinstance(skipped, Skipped)
    assert (skipped.what, skipped.why) == ("terraform", "is not installed")


def test_where_there_is_no_terraform_code_there_is_nothing_to_say(tmp_path: Path) -> None:
    assert list(check_terraform(tmp_path / "none", {"PATH": "/nonexistent"})) == []


@needs_terraform
def test_what_is_right_has_no_findings_and_leaves_no_traces(folder: Path) -> None:
    before = sorted(folder.rglob("*"))
    assert list(check_terraform(folder, ENVIRON)) == []
    assert sorted(folder.rglob("*")) == before


@needs_terraform
def test_a_mistake_is_named_with_its_root(folder: Path) -> None:
    (folder / "cluster/main.tf").write_text('module "m" {\n  source = "../module"\n  sice   = 1\n}\n')
    (found,) = check_terraform(folder, ENVIRON)
    assert isinstance(found, Finding)
    assert found.where == f"{folder.name}/cluster"
    assert "Unsupported argument" in found.problem or "Missing required argument" in found.problem


@needs_terraform
def test_what_is_not_formatted_is_named(folder: Path) -> None:
    (folder / "module/main.tf").write_text('variable "size" {\ntype = number\n}\n')
    (found,) = check_terraform(folder, ENVIRON)
    assert isinstance(found, Finding)
    assert (found.where, found.problem) == (f"{folder.name}/module/main.tf", "is not formatted")


@needs_terraform
def test_a_root_whose_providers_are_not_to_be_had_is_skipped_by_name(folder: Path, tmp_path: Path) -> None:
    provider = 'terraform {\n  required_providers {\n    x = {\n      source = "example.invalid/x/x"\n    }\n  }\n}\n'
    (folder / "cluster/versions.tf").write_text(provider)
    (skipped,) = check_terraform(folder, {**ENVIRON, "ADWRIGHT_TF_PLUGIN_DIR": str(tmp_path)})
    assert isinstance(skipped, Skipped)
    assert skipped.what == f"terraform validate of {folder.name}/cluster"
    assert "ADWRIGHT_TF_PLUGIN_DIR" in skipped.remedy
