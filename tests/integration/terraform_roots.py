"""Terraform without a network: the roots of deploy/terraform, copied, with a provider that is on this machine.

The provider is looked for in ADWRIGHT_TF_PLUGIN_DIR, then in Terraform's own mirror directories. Where a configuration
(TF_CLI_CONFIG_FILE) names a mirror, plain `terraform init` is left to find it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

__all__ = ["ROOTS", "Root"]

ROOTS = Path(__file__).resolve().parents[2] / "deploy" / "terraform"
_MIRRORS = ("/usr/local/share/terraform/plugins", "/usr/share/terraform/plugins", "~/.terraform.d/plugins")


class Root:
    """A root module in a folder of its own, initialised. Skips the test where that needs what is not here."""

    def __init__(self, name: str, folder: Path, environ: Mapping[str, str] | None = None) -> None:
        self.folder = folder / name
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "TF_"))}
        self._environ = kept | {"CHECKPOINT_DISABLE": "1", "TF_CLI_ARGS": "-no-color"} | dict(environ or {})
        ignored = shutil.ignore_patterns(".terraform*", "*.tfstate*", "*.tfvars")
        shutil.copytree(ROOTS / name, self.folder, ignore=ignored)
        init = self.run("init", "-input=false", *_init_options(self._environ))
        if init.returncode:
            pytest.skip(f"terraform init finds no AWS provider: {init.stderr.strip()[-300:]}")

    def run(self, *arguments: str, timeout: float = 200) -> subprocess.CompletedProcess[str]:
        """Runs `terraform ARGUMENTS`."""
        return subprocess.run(
            ["terraform", *arguments],
            cwd=self.folder,
            env=self._environ,
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout,
        )

    def must(self, *arguments: str) -> str:
        """Runs it, and gives what it printed; fails the test where Terraform fails."""
        done = self.run(*arguments)
        assert done.returncode == 0, f"terraform {arguments[0]}: {done.stderr[-3000:]}"
        return done.stdout


def _init_options(environ: dict[str, str]) -> list[str]:
    if shutil.which("terraform") is None:
        pytest.skip("terraform is not installed")
    named = os.environ.get("ADWRIGHT_TF_PLUGIN_DIR")
    for place in [named] if named else _MIRRORS:
        folder = Path(place).expanduser()
        if any(folder.glob("*/hashicorp/aws")):
            return [f"-plugin-dir={folder}"]
    if named:
        pytest.fail(f"ADWRIGHT_TF_PLUGIN_DIR: there is no */hashicorp/aws in {named}")
    if (configuration := os.environ.get("TF_CLI_CONFIG_FILE")) and Path(configuration).is_file():
        environ["TF_CLI_CONFIG_FILE"] = configuration
        return []
    pytest.skip("the AWS provider of Terraform is not at hand: ADWRIGHT_TF_PLUGIN_DIR names a mirror that has it")
