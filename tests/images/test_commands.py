"""`make images` and `make push` from outside, with an engine that only writes down what it is told."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tools.images import dockerfile
from tools.images.engine import ROOT, SERVICES, released

REGISTRY = "123456789012.dkr.ecr.eu-central-1.amazonaws.com"
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs a command with `engine` and `aws` in front of PATH; both write their arguments to `told`."""
    for name in ("engine", "aws"):
        path = tmp_path / name
        path.write_text(f'#!/bin/sh\necho "{name} $*" >> "{tmp_path}/told"\n[ "$1" != fail ]\n', encoding="utf-8")
        path.chmod(0o755)

    def run(*command: str, **environ: str) -> subprocess.CompletedProcess[str]:
        kept = {
            name: value for name, value in os.environ.items() if name not in ("REGISTRY", "ENGINE", "BASE", "VERSION")
        }
        kept |= {"PATH": f"{tmp_path}:{os.environ['PATH']}", **environ}
        return subprocess.run(command, cwd=ROOT, env=kept, capture_output=True, text=True, check=False)

    return run


def _told(tmp_path: Path) -> list[str]:
    return (tmp_path / "told").read_text(encoding="utf-8").splitlines()


def test_push_without_a_registry_names_the_remedy(run: Run) -> None:
    done = run("tools/images/push.sh", ENGINE="engine")
    assert done.returncode != 0
    assert "make push REGISTRY=" in done.stderr
    assert done.stderr.count("\n") == 1


def test_push_logs_in_at_ecr_and_pushes_each_image_under_its_name(run: Run, tmp_path: Path) -> None:
    done = run("tools/images/push.sh", ENGINE="engine", REGISTRY=REGISTRY)
    assert done.returncode == 0, done.stderr
    told = _told(tmp_path)
    assert "aws ecr get-login-password --region eu-central-1" in told
    assert f"engine login --username AWS --password-stdin {REGISTRY}" in told
    pushed = [line.removeprefix("engine push ") for line in told if line.startswith("engine push ")]
    assert pushed == [f"{REGISTRY}/adwright/{service}:{released()}" for service in SERVICES]


def test_push_to_another_registry_does_not_ask_aws(run: Run, tmp_path: Path) -> None:
    assert run("tools/images/push.sh", ENGINE="engine", REGISTRY="registry.example.com/team").returncode == 0
    told = _told(tmp_path)
    assert not any(line.startswith("aws") or " login " in line for line in told)
    assert f"engine push registry.example.com/team/adwright/gateway:{released()}" in told


def test_images_are_built_with_their_version_and_commit(run: Run, tmp_path: Path) -> None:
    done = run(
        sys.executable, "-m", "tools.images", "build", "context", ENGINE="engine", BASE="example.com/python:3.11"
    )
    assert done.returncode == 0, done.stderr
    (built,) = [line for line in _told(tmp_path) if line.startswith("engine build")]
    assert f"-t adwright-context:{released()}" in built
    assert "--build-arg BASE=example.com/python:3.11" in built
    assert f"--build-arg VERSION={released()}" in built
    assert "--build-arg REVISION=" in built


def test_a_version_of_ones_own_is_built_and_pushed(run: Run, tmp_path: Path) -> None:
    own = {"ENGINE": "engine", "VERSION": "0.1.1-2"}
    assert run(sys.executable, "-m", "tools.images", "build", "context", **own).returncode == 0
    assert run("tools/images/push.sh", REGISTRY=REGISTRY, **own).returncode == 0
    told = _told(tmp_path)
    (built,) = [line for line in told if line.startswith("engine build")]
    assert "-t adwright-context:0.1.1-2" in built
    assert "--build-arg VERSION=0.1.1-2" in built
    assert f"engine tag adwright-context:0.1.1-2 {REGISTRY}/adwright/context:0.1.1-2" in told
    assert f"engine push {REGISTRY}/adwright/context:0.1.1-2" in told


def test_a_version_that_cannot_be_a_tag_is_refused(run: Run) -> None:
    done = run(sys.executable, "-m", "tools.images", "build", ENGINE="engine", VERSION="0.1/2")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "VERSION=0.1/2 cannot be an image's tag" in done.stderr


def test_a_push_that_a_registry_refuses_says_what_may_be_the_matter(run: Run, tmp_path: Path) -> None:
    (tmp_path / "engine").write_text('#!/bin/sh\n[ "$1" != push ]\n', encoding="utf-8")
    done = run("tools/images/push.sh", ENGINE="engine", REGISTRY="registry.example.com")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert f"{released()} is there: build and push another VERSION=" in done.stderr


def test_a_build_that_fails_ends_with_one_line_that_names_the_base_and_another(run: Run, tmp_path: Path) -> None:
    (tmp_path / "engine").write_text('#!/bin/sh\n[ "$1" != build ]\n', encoding="utf-8")
    done = run(sys.executable, "-m", "tools.images", "build", "context", ENGINE="engine")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    base = dockerfile.read(ROOT / "services/context/Dockerfile").arguments["BASE"]
    assert done.stderr.startswith("engine build failed: see above; where that is a base image which cannot be pulled")
    assert base in done.stderr
    assert f"make images BASE=registry.example.com/{base.removeprefix('docker.io/')}" in done.stderr


def test_without_an_engine_one_line_says_so(run: Run) -> None:
    done = run(sys.executable, "-m", "tools.images", "build", ENGINE="no-such-engine")
    assert done.returncode == 1
    assert done.stderr.startswith("no container engine answers (tried no-such-engine)")
    assert done.stderr.count("\n") == 1


def test_nothing_is_built_without_an_engine(run: Run) -> None:
    done = run(sys.executable, "-m", "tools.images", "build", ENGINE="none")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "ENGINE=none is for make images-check" in done.stderr


def test_a_check_by_an_engine_that_is_named_does_not_become_a_rehearsal(run: Run) -> None:
    done = run(sys.executable, "-m", "tools.images", "check", ENGINE="no-such-engine")
    assert (done.returncode, done.stderr.count("\n"), done.stdout) == (1, 1, "")
    assert "make images-check ENGINE=none needs none" in done.stderr


def test_a_base_without_an_engine_is_refused(run: Run) -> None:
    done = run(sys.executable, "-m", "tools.images", "check", ENGINE="none", BASE="example.com/python:3.11")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "leave one of them out" in done.stderr


def test_where_no_engine_answers_a_check_becomes_a_rehearsal_and_says_so(run: Run, tmp_path: Path) -> None:
    for name in ("docker", "podman"):
        (tmp_path / name).write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
        (tmp_path / name).chmod(0o755)
    # The same tool over a Dockerfile that it gives up at once.
    root = tmp_path / "root"
    shutil.copytree(ROOT / "tools", root / "tools", ignore=shutil.ignore_patterns("__pycache__"))
    gateway = root / "services/gateway"
    gateway.mkdir(parents=True)
    shutil.copy(ROOT / "services/gateway/pyproject.toml", gateway)
    shutil.copy(ROOT / ".dockerignore", root)
    base = dockerfile.read(ROOT / "services/gateway/Dockerfile").arguments["BASE"]
    (gateway / "Dockerfile").write_text(f"ARG BASE={base}\nFROM ${{BASE}} AS builder\nADD a b\n", encoding="utf-8")
    done = run(sys.executable, "-P", "-m", "tools.images", "check", "gateway", PYTHONPATH=str(root))
    assert "images: a rehearsal (no container engine answers)" in done.stdout
    assert "images: it cannot show the base image" in done.stdout
    assert (done.returncode, done.stderr) == (1, "without an engine ADD is not understood: a b\n")


def test_a_service_that_is_not_there_is_named(run: Run) -> None:
    done = run(sys.executable, "-m", "tools.images", "build", "gatway", ENGINE="engine")
    assert done.returncode == 2
    assert "there is no service 'gatway': choose of gateway, context, generator, evaluator" in done.stderr
